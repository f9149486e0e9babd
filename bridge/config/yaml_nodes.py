"""Settings as given, with their place: nodes read from YAML. Values stay text until typed.

YAML's own idea of what `no` or `1:30` means never matters, because no value is converted here.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
import yaml

from bridge.config.schema import FILE_SUFFIX

MAX_BYTES: Final = 1_000_000
MAX_VALUES: Final = 20_000
"""Aliases multiply short texts; this limit stops an alias bomb."""
MAX_DEPTH: Final = 20
MAX_NAME: Final = 60

Place: TypeAlias = Callable[[int, str], str]
"""Return the place that a problem begins with, from a line and a key."""

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "merge", "value")
)


class ConfigError(Exception):
    """The settings cannot be used. Each problem says where it is and what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class UnreadableYaml(Exception):
    """The text as a whole cannot be read; the message says where and why."""


class Scalar(msgspec.Struct, frozen=True):
    """A single value as text; None is YAML's null."""

    where: str
    """The start of a problem's text: `/config/bridge.yaml:12: torbox.api_key`."""
    text: str | None


class Items(msgspec.Struct, frozen=True):
    """A list."""

    where: str
    items: tuple["Node", ...]


class Table(msgspec.Struct, frozen=True):
    """A mapping."""

    where: str
    entries: Mapping[str, "Node"]


Node: TypeAlias = Scalar | Items | Table


def is_null(node: Node) -> bool:
    """Return whether the node is YAML's null."""
    return isinstance(node, Scalar) and node.text is None


def merge(base: Table, over: Table) -> Table:
    """Return both mappings as one; where both have a key, `over` wins.

    A secret and the file that holds it are one setting: giving either replaces both.
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
    """Return the node at a path of keys; None if nothing was given there."""
    node: Node | None = root
    for name in names:
        node = node.entries.get(name) if isinstance(node, Table) else None
    return node


class YamlReader:
    """Reads one text. Mistakes in single keys go to `problems`, and reading continues."""

    def __init__(self, place: Place) -> None:
        self.problems: list[str] = []
        self._place = place
        self._values = 0

    def read(self, data: str | bytes) -> Node | None:
        """Return the document; None if it is empty.

        Raises:
            UnreadableYaml: it is not YAML, or too large.
        """
        if len(data) > MAX_BYTES:
            raise UnreadableYaml(f"{self._place(1, '')}: longer than {MAX_BYTES} bytes")
        try:
            found = yaml.compose(data, Loader=yaml.SafeLoader)
            return None if found is None else self._node(found, 1, "", MAX_DEPTH)
        except yaml.MarkedYAMLError as error:
            raise UnreadableYaml(self._explain(error)) from None
        except (yaml.YAMLError, UnicodeError) as error:
            raise UnreadableYaml(f"{self._place(1, '')}: not readable as UTF-8 text") from error
        except RecursionError:
            raise UnreadableYaml(f"{self._place(1, '')}: nested too deeply") from None

    def _explain(self, error: yaml.MarkedYAMLError) -> str:
        reason = _reason(error.problem or "not YAML", error.context or "")
        mark = error.problem_mark or error.context_mark
        if reason in _AT_CONTEXT:
            mark = error.context_mark or mark
        if mark is None:
            return f"{self._place(1, '')}: {reason}"
        return f"{self._place(mark.line + 1, '')}: column {mark.column + 1}: {reason}"

    def _node(self, node: yaml.Node, line: int, key: str, depth: int) -> Node:
        where = self._place(line, key)
        self._values += 1
        if depth == 0 or self._values > MAX_VALUES:
            raise UnreadableYaml(f"{where}: too many values or levels")
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
            # PyYAML keeps the last of two equal keys without a word.
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


_NOT_CLOSED: Final = "this quote has no end"
_BRACKET: Final = "this bracket has no end, or a comma is missing in it"
_NO_COLON: Final = "this line has no colon with a space after it"
_AT_CONTEXT: Final = frozenset({_NOT_CLOSED, _BRACKET, _NO_COLON})
"""Mistakes that are where PyYAML began to read, not where it gave up, often many lines below."""
_REASONS: Final = (
    ("", "alias", "a value that begins with * needs quotes"),
    ("alias", "", "a value that begins with * needs quotes"),
    ("", r"'\t'", "tabs cannot indent; use spaces"),
    ("quoted scalar", "end of stream", _NOT_CLOSED),
    ("quoted scalar", "document separator", _NOT_CLOSED),
    ("quoted scalar", "escape", r"a \ in double quotes begins an escape; use single quotes"),
    ("flow mapping", "expected ','", _BRACKET),
    ("flow sequence", "expected ','", _BRACKET),
    ("flow node", "<stream end>", "the text ends before its brackets do"),
    ("simple key", "expected ':'", _NO_COLON),
    (
        "",
        "mapping values",
        "a colon here: a value with one needs quotes, or the line above lacks its",
    ),
    ("", "sequence entries", "a list begins on a line of its own"),
    ("block", "found '<scalar>'", "text after the end of a value"),
    ("block", "expected <block end>", "indented otherwise than the lines above"),
    ("single document", "", "only one document is allowed; remove the line ---"),
)
"""What PyYAML's context and problem contain, and the mistake in plain words."""


def _reason(problem: str, context: str) -> str:
    for in_context, in_problem, reason in _REASONS:
        if in_context in context and in_problem in problem:
            return reason
    if start := re.search(r"character '(\S)' that cannot start", problem):
        return f"a value that begins with {start[1]} needs quotes"
    # What PyYAML quotes from the text is left out: it may be a secret.
    return re.sub(r"'[^'<]{2,}'", "…", problem)


def _brief(name: str) -> str:
    """Cut a name where a value may begin: `api_key:secret` lacks a space and is all name."""
    plain = re.split(r"[:=\s]", name, maxsplit=1)[0][:MAX_NAME]
    return name if plain == name else f"{plain}…"


def _text(node: yaml.Node) -> str | None:
    return None if node.tag == "tag:yaml.org,2002:null" else str(node.value)
