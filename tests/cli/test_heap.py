"""The command line collects garbage seldom, and leaves the collector as it found it."""

import gc
import weakref

import pytest
from click.testing import CliRunner

from hub import cli, heap
from hub.heap import seldom_collected


class _Node:
    """Part of a circle, which only the collector can take down."""


def _circle() -> weakref.ref[_Node]:
    one, other = _Node(), _Node()
    one.other, other.other = other, one  # type: ignore[attr-defined]
    return weakref.ref(one)


def test_garbage_of_before_and_within_can_be_collected_afterwards() -> None:
    usual = gc.get_threshold()
    before = _circle()
    with seldom_collected():
        assert gc.get_threshold() > usual
        within = _circle()
    gc.collect()
    assert (before(), within(), gc.get_threshold(), gc.get_freeze_count()) == (None, None, usual, 0)


def test_an_error_leaves_the_collector_as_it_was() -> None:
    usual = gc.get_threshold()
    with pytest.raises(ZeroDivisionError), seldom_collected():
        _ = 1 // 0
    assert (gc.get_threshold(), gc.get_freeze_count()) == (usual, 0)


@pytest.mark.parametrize(("command", "seldom"), [("sync", True), ("runs", True), ("serve", False), ("up", False)])
def test_a_server_collects_as_python_does(command: str, seldom: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    worn = []
    monkeypatch.setattr(cli, "seldom_collected", lambda: worn.append(True) or heap.seldom_collected())
    assert CliRunner().invoke(cli.main, [command, "--help"], prog_name="hub").exit_code == 0
    assert bool(worn) is seldom
