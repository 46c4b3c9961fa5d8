"""An entity's `xml` paths as a tree of element names: what the XML reader does at each element, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from hub.model import Entity, Field

Kind = Literal["group", "leaf", "list", "object"]


@dataclass(slots=True)
class Node:
    """What one element feeds. `children` is keyed by the full tag, `{namespace}Name`.

    `target` and `parts` are set on references: the entity referred to and (its key field, column here), to resolve an
    IDREF with.
    """

    kind: Kind = "group"
    name: str = ""
    children: dict[str, Node] = field(default_factory=dict)
    own: Node | None = None  # a list of plain values: the leaf that takes the item's own text
    trim: bool = False  # types other than string collapse whitespace (XML Schema part 2, whiteSpace)
    school_year: bool = False
    target: str = ""
    parts: tuple[tuple[str, str], ...] = ()


def compile_entity(entity: Entity, entities: Mapping[str, Entity], namespace: str) -> Node:
    """The tree of one entity in a namespace (`""` for none). References resolve to the entities given."""
    root = Node()
    prefix = f"{{{namespace}}}" if namespace else ""
    _grow(root, entity.fields, prefix)
    _link(root, entities, prefix)
    return root


def anchor(target: Entity) -> Entity:
    """A reference that stands among the records, for others to name by `ref`: nothing but the key of its target."""
    fields = []
    for name in target.key:
        said = target.field(name)
        paths = (path for full in said.xml.split(" | ") for path in (full, full.rpartition("/")[2]))
        fields.append(replace(said, xml=" | ".join(f"{target.name}Identity/{p}" for p in dict.fromkeys(paths))))
    return replace(target, name=target.name + "Reference", fields=tuple(fields))


def _grow(root: Node, fields: tuple[Field, ...], prefix: str) -> None:
    for said in fields:
        for path in said.xml.split(" | "):
            *groups, last = path.split("/")
            node = root
            for group in groups:
                node = _down(node, group, prefix)
            leaf = _fed(said, path)
            if leaf.kind in ("list", "object"):
                _grow(leaf, said.items, prefix)
            if last == ".":
                root.own = leaf
            else:
                node.children[prefix + last] = leaf


def _down(node: Node, group: str, prefix: str) -> Node:
    below = node.children.setdefault(prefix + group, Node())
    if group.endswith("Identity"):
        # A reference may give the same key inside XLookup instead of XIdentity.
        node.children[prefix + group.removesuffix("Identity") + "Lookup"] = below
    return below


def _fed(said: Field, path: str) -> Node:
    if said.type == "list" or said.type == "object":
        return Node(said.type, said.name)
    year = said.type == "integer" and path.endswith("SchoolYear")
    return Node("leaf", said.name, trim=said.type != "string", school_year=year)


def _link(node: Node, entities: Mapping[str, Entity], prefix: str) -> None:
    for tag, below in list(node.children.items()):
        local = tag.rpartition("}")[2]
        if local.endswith("Identity"):
            target = entities.get(local.removesuffix("Identity"))
            if target is not None:
                node.target = target.name
                node.parts = tuple(_parts(below, target, prefix))
        if not local.endswith("Lookup"):
            _link(below, entities, prefix)


def _parts(identity: Node, target: Entity, prefix: str) -> list[tuple[str, str]]:
    found = []
    for name in target.key:
        for path in target.field(name).xml.split(" | "):
            leaf = _at(identity, path, prefix) or _at(identity, path.rpartition("/")[2], prefix)
            if leaf is not None:
                found.append((name, leaf.name))
                break
    return found


def _at(node: Node, path: str, prefix: str) -> Node | None:
    for step in path.split("/"):
        below = node.children.get(prefix + step)
        if below is None:
            return None
        node = below
    return node if node.kind == "leaf" else None
