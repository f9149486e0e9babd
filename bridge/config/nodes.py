"""What was given, before it is known whether it fits: texts, and where each of them stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

FILE_SUFFIX = "_file"
"""`api_key_file` names a file that holds what `api_key` would."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text; None is YAML's null."""

    where: str
    """What a problem begins with: `/config/bridge.yaml:12: torbox.api_key`."""
    text: str | None


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    where: str
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping."""

    where: str
    entries: Mapping[str, "Node"]


Node: TypeAlias = Scalar | Items | Table


def is_null(node: Node) -> bool:
    """Tell whether nothing was given."""
    return isinstance(node, Scalar) and node.text is None


def merge(base: Table, over: Table) -> Table:
    """Put one mapping on top of another.

    A secret and the file that holds it are one thing: what is on top replaces both.
    """
    entries = dict(base.entries)
    for name, node in over.entries.items():
        entries.pop(name + FILE_SUFFIX, None)
        if name.endswith(FILE_SUFFIX):
            entries.pop(name.removesuffix(FILE_SUFFIX), None)
        below = base.entries.get(name)
        if isinstance(below, Table) and isinstance(node, Table):
            entries[name] = merge(below, node)
        else:
            entries[name] = node
    return Table(base.where, entries)


def find(root: Table, *names: str) -> Node | None:
    """Find what was given for a key, if anything was."""
    node: Node | None = root
    for name in names:
        node = node.entries.get(name) if isinstance(node, Table) else None
    return node
