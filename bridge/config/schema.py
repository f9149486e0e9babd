"""The allowed values of each setting, as `msgspec.inspect` reads them from the types."""

from collections.abc import Iterator
from functools import cache
from typing import Final

import msgspec
from msgspec import inspect

from bridge.config.settings import Settings
from bridge.config.value_types import CHOICES, Parse

FILE_SUFFIX: Final = "_file"
"""`api_key_file` names a file that holds the value of `api_key`."""


@cache
def settings_schema() -> inspect.StructType:
    """Return the description of the whole tree."""
    found = inspect.type_info(Settings)
    if not isinstance(found, inspect.StructType):
        raise TypeError("the settings are no struct")
    return found


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A single value, read from text."""

    expected: str
    """The allowed values, in words for the user."""
    parse: Parse = str
    choices: tuple[object, ...] = ()
    least: float | None = None
    most: float | None = None
    nullable: bool = False
    secret: bool = False
    plain_text: bool = False
    """Every text is a value, also `null`."""

    def read(self, text: str | None) -> object:
        """Return the value.

        Raises:
            ValueError: the text is not what is expected.
        """
        if text is None:
            if self.nullable:
                return None
            raise ValueError("null")
        value = self.parse(text)
        if self.choices and value not in self.choices:
            raise ValueError("not a choice")
        if isinstance(value, int | float) and not self._in_range(value):
            raise ValueError("out of range")
        return value

    def _in_range(self, value: float) -> bool:
        return (self.least is None or self.least <= value) and (
            self.most is None or value <= self.most
        )


def unwrap(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    """Return the type without None, and whether None was allowed."""
    if not isinstance(kind, inspect.UnionType):
        return kind, False
    (inner,) = (part for part in kind.types if not isinstance(part, inspect.NoneType))
    return inner, kind.includes_none


def list_of(kind: inspect.Type) -> inspect.VarTupleType | None:
    """Return the type as a list; None if it is not one."""
    inner = kind.type if isinstance(kind, inspect.Metadata) else kind
    return inner if isinstance(inner, inspect.VarTupleType) else None


def one_or_many(kind: inspect.Type) -> bool:
    """Return whether a list may also be given as one value without brackets."""
    return isinstance(kind, inspect.Metadata) and "one_or_many" in (kind.extra or {})


def leaf_of(kind: inspect.Type) -> Leaf | None:
    """Return what a single value allows; None for a struct, a list or a mapping."""
    inner, nullable = unwrap(kind)
    if isinstance(inner, inspect.LiteralType):
        choices = CHOICES[frozenset(inner.values)]
        words = [*choices, *(["null"] if nullable else [])]
        expected = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
        return Leaf(expected=expected, choices=choices, nullable=nullable)
    if not isinstance(inner, inspect.Metadata) or list_of(inner) is not None:
        return None
    expected = str((inner.extra_json_schema or {}).get("description", ""))
    extra = inner.extra or {}
    return Leaf(
        expected=f"{expected}, or null" if nullable else expected,
        parse=extra["parse"],
        least=getattr(inner.type, "ge", None),
        most=getattr(inner.type, "le", None),
        nullable=nullable,
        secret=bool(extra.get("secret")),
        plain_text="text" in extra,
    )


def fields(kind: inspect.StructType) -> dict[str, inspect.Type]:
    """Return the types of a struct's fields by their names in the file."""
    return {field.encode_name: field.type for field in kind.fields}


def keys(kind: inspect.StructType) -> list[str]:
    """List the keys that a struct takes, with those for the files of secrets."""
    secret = (name for name, field in fields(kind).items() if is_secret(field))
    return [*fields(kind), *(name + FILE_SUFFIX for name in secret)]


def is_secret(kind: inspect.Type | None) -> bool:
    """Return whether the value must not be shown, and may be kept in a file."""
    leaf = leaf_of(kind) if kind is not None else None
    return leaf is not None and leaf.secret


def walk(kind: inspect.StructType, *above: str) -> Iterator[tuple[tuple[str, ...], inspect.Type]]:
    """List all keys below a struct with their paths. Lists and mappings count as one key."""
    for name, field in fields(kind).items():
        if isinstance(field, inspect.StructType):
            yield from walk(field, *above, name)
        else:
            yield (*above, name), field
