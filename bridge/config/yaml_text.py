"""YAML to nodes with their places. Values stay text: what `no` or `1:30` means is for the types."""

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

import yaml

from bridge.config.nodes import Items, Node, Scalar, Table

LONGEST = 1_000_000
"""Bytes of a file."""
MOST_VALUES = 20_000
"""Aliases may multiply what is short; this ends it."""
DEEPEST = 20
LONGEST_NAME = 60

Place: TypeAlias = Callable[[int, str], str]
"""Tells where a line and a key are: what a problem begins with."""

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge", "value")
)


class Unreadable(Exception):
    """The text as a whole cannot be read; the message says where and why."""


class YamlText:
    """Reads one text. Notes what is wrong with single keys in `problems` and goes on."""

    def __init__(self, place: Place) -> None:
        self.problems: list[str] = []
        self._place = place
        self._values = 0

    def read(self, data: str | bytes) -> Node | None:
        """Return the whole, or None if it is empty.

        Raises:
            Unreadable: it is not YAML, or far too much.
        """
        if len(data) > LONGEST:
            raise Unreadable(f"{self._place(1, '')}: longer than {LONGEST} bytes")
        try:
            found = yaml.compose(data, Loader=yaml.SafeLoader)
            return None if found is None else self._node(found, 1, "", DEEPEST)
        except yaml.MarkedYAMLError as error:
            raise Unreadable(self._explain(error)) from None
        except (yaml.YAMLError, UnicodeError) as error:
            raise Unreadable(f"{self._place(1, '')}: not readable as UTF-8 text") from error
        except RecursionError:
            raise Unreadable(f"{self._place(1, '')}: nested too deeply") from None

    def _explain(self, error: yaml.MarkedYAMLError) -> str:
        said = _reason(error.problem or "not YAML", error.context or "")
        mark = error.problem_mark or error.context_mark
        if mark is None:
            return f"{self._place(1, '')}: {said}"
        return f"{self._place(mark.line + 1, '')}: column {mark.column + 1}: {said}"

    def _node(self, node: yaml.Node, line: int, key: str, depth: int) -> Node:
        where = self._place(line, key)
        self._values += 1
        if depth == 0 or self._values > MOST_VALUES:
            raise Unreadable(f"{where}: too many values or levels")
        if node.tag not in _PLAIN_TAGS:
            self.problems.append(f"{where}: tags such as !name are not understood")
        match node:
            case yaml.MappingNode():
                return Table(where, dict(self._entries(node, key, depth)))
            case yaml.SequenceNode():
                return Items(where, tuple(self._items(node, key, depth)))
            case _:
                return Scalar(where, _text(node))

    def _entries(
        self, node: yaml.MappingNode, above: str, depth: int
    ) -> Iterator[tuple[str, Node]]:
        first: dict[str, int] = {}
        for name_node, value_node in node.value:
            line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self.problems.append(f"{self._place(line, above)}: a key must be plain text")
                continue
            name = str(name_node.value)
            key = f"{above}.{_brief(name)}" if above else _brief(name)
            if name in first:
                self.problems.append(
                    f"{self._place(line, key)} is given twice, first in line {first[name]}"
                )
                continue
            first[name] = line
            yield name, self._node(value_node, line, key, depth - 1)

    def _items(self, node: yaml.SequenceNode, key: str, depth: int) -> Iterator[Node]:
        for number, item in enumerate(node.value):
            yield self._node(item, item.start_mark.line + 1, f"{key}[{number}]", depth - 1)


def _reason(problem: str, context: str) -> str:
    if "alias" in problem or "alias" in context:
        return "a value that begins with * must stand in quotes"
    if r"'\t'" in problem:
        return "tabs cannot indent; use spaces"
    # Quotes of the text itself are left out: it may be a secret that stands there.
    return re.sub(r"'[^'<]{2,}'", "…", problem)


def _brief(name: str) -> str:
    """Cut a name where a value may begin: `api_key:secret` lacks a space and is all name."""
    plain = re.split(r"[:=\s]", name, maxsplit=1)[0][:LONGEST_NAME]
    return name if plain == name else f"{plain}…"


def _text(node: yaml.Node) -> str | None:
    return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
