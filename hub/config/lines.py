"""YAML with the line of every key, duplicate keys refused.

The scalars are those of YAML 1.2's core schema: a 1.1 reader turns `012345` into 5349, `no` into false and
`1:30` into 90, which are ids, codes and times here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """One thing wrong in `hub.yaml`: where it stands and what to do. Never the value that was found."""

    line: int
    key: Key
    text: str

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.key) + ": " + self.text if self.key else self.text


@dataclass(frozen=True)
class Document:
    tree: Any
    lines: dict[Key, int]  # from 1
    faults: tuple[Fault, ...]

    def line(self, key: Key) -> int:
        """The line of a key, or of the nearest key above it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # shadows YAML 1.1's


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read(text: str) -> Document:
    """Parse one YAML document; what is wrong with its form comes back as faults, never raised."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            return _plain(loader, node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # Not error.problem: it can quote what stands there.
        text = "not readable as YAML. Check indentation, quotes and brackets here and above."
        fault = Fault(mark.line + 1 if mark else 1, (), text)
    except (yaml.YAMLError, RecursionError, ValueError):
        fault = Fault(1, (), "not readable as YAML. Save it as plain UTF-8 text.")
    return Document(None, {}, (fault,))


def _plain(loader: _Loader, root: yaml.Node | None) -> Document:
    lines: dict[Key, int] = {}
    faults: list[Fault] = []

    def walk(node: yaml.Node, key: Key, open_nodes: tuple[int, ...]) -> Any:
        lines.setdefault(key, node.start_mark.line + 1)
        if id(node) in open_nodes:
            faults.append(Fault(node.start_mark.line + 1, key, "an alias that holds itself. Write the value out."))
            return None
        within = (*open_nodes, id(node))
        if isinstance(node, yaml.SequenceNode):
            return [walk(item, (*key, i), within) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return loader.construct_object(node)
        tree: dict[str, Any] = {}
        for name, value in node.value:
            line = name.start_mark.line + 1
            if not isinstance(name, yaml.ScalarNode):
                faults.append(Fault(line, key, "a key must be one word."))
                continue
            path = (*key, name.value)
            if name.value in tree:
                faults.append(Fault(line, path, f"written twice (first on line {lines[path]}). Remove one."))
                continue
            lines[path] = line
            tree[name.value] = walk(value, path, within)
        return tree

    tree = walk(root, (), ()) if root is not None else None
    return Document(tree, lines, tuple(faults))
