"""Nodes to settings: every problem is noted, not only the first."""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final, assert_never

from bridge.config.nodes import FILE_SUFFIX, Items, Node, Scalar, Table, is_null
from bridge.config.shape import Leaf, Many, Named, Record, Shape, leaves

LONGEST_SECRET = 65536
LONGEST_SHOWN = 60

BAD: Final = object()
"""Stands for what could not be built. Its problem is noted, so the whole is refused."""


class Builder:
    """Builds values by their shapes and collects what does not fit in `problems`.

    What it builds is sound only while there are none.
    """

    def __init__(self, root: Record) -> None:
        self.problems: list[str] = []
        self._keys = [".".join(names) for names, _ in leaves(root)]

    def build(self, shape: Shape, node: Node) -> object:
        """Return the value, or BAD after noting why not."""
        match shape:
            case Leaf():
                return self._leaf(shape, node)
            case Record():
                return self._record(shape, node)
            case Many():
                return self._many(shape, node)
            case Named():
                return self._named(shape, node)
            case _:
                assert_never(shape)

    def _expected(self, where: str, expected: str, node: Node, *, hide: bool = False) -> object:
        got = "something else" if hide else shown(node)
        self.problems.append(f"{where}: expected {expected}, got {got}")
        return BAD

    def _not_one(self, node: Node, expected: str) -> object:
        # A value is not shown: `api_key:secret` without the space is one, in place of a mapping.
        got = "a single value" if isinstance(node, Scalar) else shown(node)
        self.problems.append(f"{node.where}: expected {expected}, got {got}")
        return BAD

    def _leaf(self, leaf: Leaf, node: Node) -> object:
        if isinstance(node, Scalar):
            try:
                return leaf.read(node.text)
            except ValueError:
                pass
        return self._expected(node.where, leaf.expected, node, hide=leaf.secret)

    def _many(self, shape: Many, node: Node) -> object:
        if is_null(node):
            return ()
        if not isinstance(node, Items):
            return self._not_one(node, "a list")
        return tuple(self.build(shape.item, item) for item in node.items)

    def _named(self, shape: Named, node: Node) -> object:
        if is_null(node):
            return {}
        if not isinstance(node, Table):
            return self._not_one(node, "a mapping of names")
        for name, item in node.entries.items():
            self._leaf(shape.name, Scalar(item.where, name))
        return {name: self.build(shape.item, item) for name, item in node.entries.items()}

    def _record(self, shape: Record, node: Node) -> object:
        if is_null(node):
            node = Table(node.where, {})
        if not isinstance(node, Table):
            return self._not_one(node, f"a mapping of {_list(shape.keys())}")
        given = self._entries(shape, node)
        values = {name: self.build(shape.fields[name], found) for name, found in given.items()}
        for name in sorted(shape.required - values.keys()):
            values[name] = BAD
            self.problems.append(f"{node.where}: {name} is missing")
        return shape.kind(**values)

    def _entries(self, shape: Record, node: Table) -> dict[str, Node]:
        """Sort what was given by the fields it is for, with the files of secrets read."""
        found: dict[str, Node] = {}
        for name, given in node.entries.items():
            field = name.removesuffix(FILE_SUFFIX)
            if name in shape.fields:
                found.setdefault(name, given)
            elif shape.secret(field):
                self._secret_file(field, given, node, found)
            else:
                self.problems.append(f"{given.where} is not a setting{self._hint(name, shape)}")
        return found

    def _secret_file(self, name: str, file: Node, table: Table, found: dict[str, Node]) -> None:
        if is_null(file):
            return
        other = table.entries.get(name)
        if other is not None and not is_null(other):
            self.problems.append(f"{file.where}: {name} is given as well; keep one of the two")
            return
        text = self._read_file(file)
        # Without its file a required secret is not missing on top: one problem is enough.
        found[name] = Scalar(file.where, text if text is not None else "unreadable-file-given")

    def _read_file(self, node: Node) -> str | None:
        if not isinstance(node, Scalar) or not node.text:
            self._expected(node.where, "the path of a file", node)
            return None
        try:
            return read_secret(Path(node.text))
        except (OSError, ValueError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a short text"
            # Without a slash it may be the secret itself, given in the wrong place.
            name = node.text if "/" in node.text else "a file of this name"
            self.problems.append(f"{node.where}: cannot read {name}: {why}")
            return None

    def _hint(self, name: str, shape: Record) -> str:
        near = get_close_matches(name, shape.keys(), n=1)
        moved = [key for key in self._keys if key.endswith(f".{name}")]
        guess = next(iter([*near, *moved]), None)
        return f"; did you mean {guess}?" if guess else f"; it could be {_list(shape.keys())}"


def read_secret(path: Path) -> str:
    """Read a file that holds a secret; one newline at its end is not part of it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too long, or not UTF-8.
    """
    with path.expanduser().open("rb") as file:
        data = file.read(LONGEST_SECRET + 1)
    if len(data) > LONGEST_SECRET:
        raise ValueError("too long")
    return data.decode("utf-8").removesuffix("\n").removesuffix("\r")


def shown(node: Node) -> str:
    """Show what was given, short and without credentials."""
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if node.text is None:
        return "null"
    plain = re.sub(r"//.*@", "//***@", node.text)
    return f'"{plain[:LONGEST_SHOWN]}{"…" if len(plain) > LONGEST_SHOWN else ""}"'


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
