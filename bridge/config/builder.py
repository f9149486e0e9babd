"""Nodes to settings. Every problem is collected, not only the first."""

import re
from itertools import chain
from pathlib import Path
from typing import Final

from msgspec import inspect

from bridge.config.schema import (
    FILE_SUFFIX,
    Leaf,
    fields,
    is_secret,
    keys,
    leaf_of,
    list_of,
    one_or_many,
    unwrap,
    walk,
)
from bridge.config.yaml_nodes import Items, Node, Scalar, Table, is_null

MAX_SECRET_BYTES: Final = 65536
MAX_SHOWN: Final = 60

BAD: Final = object()
"""Stands for a value that could not be built. Its problem is noted, so the whole is refused."""


class Builder:
    """Builds values by their types and collects what does not fit in `problems`.

    The result is usable only while there are no problems.
    """

    def __init__(self, root: inspect.StructType) -> None:
        self.problems: list[str] = []
        self._root = root

    def build(self, kind: inspect.Type, node: Node) -> object:
        """Return the value, or BAD after noting why there is none."""
        leaf = leaf_of(kind)
        if leaf is not None:
            return self._leaf(leaf, node)
        if list_of(kind) is not None:
            return self._list(kind, node)
        inner, nullable = unwrap(kind)
        if nullable and is_null(node):
            return None
        match inner:
            case inspect.StructType():
                return self._struct(inner, node)
            case inspect.DictType():
                return self._mapping(inner, node)
            case _:
                raise TypeError(f"not the type of a setting: {kind}")

    def _leaf(self, leaf: Leaf, node: Node) -> object:
        if isinstance(node, Scalar):
            try:
                return leaf.read(node.text)
            except ValueError:
                pass
        # Error messages end up in logs and bug reports.
        got = "something else" if leaf.secret else shown(node)
        return self._wrong(node, leaf.expected, got)

    def _list(self, kind: inspect.Type, node: Node) -> object:
        found = list_of(kind)
        if found is None:
            raise TypeError(f"not a list: {kind}")
        single = one_or_many(kind)
        if single and isinstance(node, Scalar) and not is_null(node):
            node = Items(node.where, (node,))
        if is_null(node) and not found.min_length:
            return ()
        if not isinstance(node, Items):
            return self._not_a(node, "an address or a list of addresses" if single else "a list")
        if len(node.items) < (found.min_length or 0):
            return self._wrong(node, "at least one value", "an empty list")
        return tuple(self.build(found.item_type, item) for item in node.items)

    def _mapping(self, kind: inspect.DictType, node: Node) -> object:
        if is_null(node):
            return {}
        if not isinstance(node, Table):
            return self._not_a(node, "a mapping of names")
        for name, item in node.entries.items():
            self.build(kind.key_type, Scalar(item.where, name))
        return {name: self.build(kind.value_type, item) for name, item in node.entries.items()}

    def _struct(self, kind: inspect.StructType, node: Node) -> object:
        if is_null(node):
            node = Table(node.where, {})
        if isinstance(node, Scalar):
            # `api_key:secret` is one text to YAML. It is not shown: it may hold the secret.
            lines = "lines such as `key: value`, with a space after the colon, for"
            return self._wrong(node, f"{lines} {', '.join(keys(kind))}", "a single value")
        if not isinstance(node, Table):
            return self._not_a(node, f"a mapping of {', '.join(keys(kind))}")
        given = self._entries(kind, node)
        types = fields(kind)
        values = {name: self.build(types[name], found) for name, found in given.items()}
        required = {field.encode_name for field in kind.fields if field.required}
        for name in sorted(required - values.keys()):
            # A placeholder, so that the struct can be built and its other problems are found as
            # well.
            values[name] = BAD
            self.problems.append(f"{node.where}: {name} is missing")
        return kind.cls(**values)

    def _entries(self, kind: inspect.StructType, node: Table) -> dict[str, Node]:
        """Return what was given by field, with the files of secrets read."""
        types = fields(kind)
        found: dict[str, Node] = {}
        for name, given in node.entries.items():
            field = name.removesuffix(FILE_SUFFIX)
            if name in types:
                found.setdefault(name, given)
            elif is_secret(types.get(field)):
                self._secret_file(field, given, node, found)
            else:
                self.problems.append(f"{given.where} is not a setting{self._hint(name, kind)}")
        return found

    def _secret_file(self, name: str, file: Node, table: Table, found: dict[str, Node]) -> None:
        if is_null(file):
            return
        other = table.entries.get(name)
        if other is not None and not is_null(other):
            self.problems.append(f"{file.where}: {name} is given as well; keep one of the two")
            return
        text = self._read_file(file)
        # If the file cannot be read, a stand-in keeps a required secret from being reported as
        # missing on top of that.
        found[name] = Scalar(file.where, text if text is not None else "unreadable-file-given")

    def _read_file(self, node: Node) -> str | None:
        if not isinstance(node, Scalar) or not node.text:
            self._wrong(node, "the path of a file", shown(node))
            return None
        try:
            return read_secret(Path(node.text))
        except (OSError, ValueError, RuntimeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a short text"
            # Without a slash it may be the secret itself, given in the wrong place.
            name = node.text if "/" in node.text else "a file of this name"
            self.problems.append(f"{node.where}: cannot read {name}: {why}")
            return None

    def _wrong(self, node: Node, expected: str, got: str) -> object:
        self.problems.append(f"{node.where}: expected {expected}, got {got}")
        return BAD

    def _not_a(self, node: Node, expected: str) -> object:
        # The value is not shown: a secret may stand in the wrong place.
        got = "a single value" if isinstance(node, Scalar) else shown(node)
        return self._wrong(node, expected, "null" if is_null(node) else got)

    def _hint(self, name: str, kind: inspect.StructType) -> str:
        from difflib import get_close_matches  # noqa: PLC0415 - only a misspelt setting needs it

        near = get_close_matches(name, keys(kind), n=1)
        everywhere = (".".join(names) for names, _ in walk(self._root))
        moved = (key for key in everywhere if key.endswith(f".{name}"))
        guess = next(chain(near, moved), None)
        return f"; did you mean {guess}?" if guess else f"; it could be {', '.join(keys(kind))}"


def read_secret(path: Path) -> str:
    """Return the text of a file that holds a secret, without one newline at its end.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too long, or not UTF-8.
    """
    with path.expanduser().open("rb") as file:
        data = file.read(MAX_SECRET_BYTES + 1)
    if len(data) > MAX_SECRET_BYTES:
        raise ValueError("too long")
    return data.decode("utf-8").removesuffix("\n").removesuffix("\r")


def shown(node: Node) -> str:
    """Return what was given, short and without credentials."""
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Items):
        return "a list"
    if node.text is None:
        return "null"
    plain = re.sub(r"//.*@", "//***@", node.text)
    return f'"{plain[:MAX_SHOWN]}{"…" if len(plain) > MAX_SHOWN else ""}"'
