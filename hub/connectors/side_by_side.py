"""Several streams of one source asked for at once: a thread each, and one line of pieces to who lands them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from threading import Event
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")


class _Piece(Generic[T]):
    """What came, and whether it was taken up."""

    def __init__(self, it: T) -> None:
        self.it, self.taken = it, Event()


class _End:
    """The end of a stream, with the error that ended it."""

    def __init__(self, name: str, error: BaseException | None) -> None:
        self.name, self.error = name, error


def side_by_side(reads: Mapping[str, Callable[[], Iterator[T]]], after: Mapping[str, str], at_once: int) -> Iterator[T]:
    """The pieces of all streams as they come, of `at_once` streams at a time; one that `after` names begins when the
    other has ended.

    Pieces of one stream keep their order, and none is asked for before the one ahead of it was landed: a pull that is
    killed has to ask again for one piece of each stream at most. The first error ends all: the others are let finish
    the piece they are at, which is not landed.
    """
    if at_once == 1 or len(reads) == 1:
        for read in reads.values():
            yield from read()
        return
    line: SimpleQueue[_Piece[T] | _End] = SimpleQueue()
    stop = Event()

    def run(name: str) -> None:
        error: BaseException | None = None
        try:
            with closing(cast(Any, reads[name]())) as pieces:
                for it in pieces:
                    piece = _Piece(it)
                    line.put(piece)
                    piece.taken.wait()
                    if stop.is_set():
                        break
        except BaseException as found:  # raised again where the pieces are taken
            error = found
        line.put(_End(name, error))

    waiting, running = list(reads), set[str]()
    with ThreadPoolExecutor(at_once) as threads:
        try:
            while waiting or running:
                open_, room = {*waiting, *running}, at_once - len(running)
                ready = [n for n in waiting if after.get(n) not in open_] or ([] if running else waiting)
                for name in ready[:room]:
                    waiting.remove(name)
                    running.add(name)
                    threads.submit(run, name)
                said = line.get()
                if isinstance(said, _Piece):
                    try:
                        yield said.it
                    finally:
                        said.taken.set()
                    continue
                running.remove(said.name)
                if said.error is not None:
                    raise said.error
        finally:
            stop.set()
            while running:
                left = line.get()
                if isinstance(left, _Piece):
                    left.taken.set()
                else:
                    running.discard(left.name)
