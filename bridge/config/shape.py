"""What the types of the settings allow, made plain: values, records, lists and named things."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, UnsetType

from bridge.config.kinds import Parse
from bridge.config.nodes import FILE_SUFFIX


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value, read from text."""

    hint: object
    expected: str
    """What is allowed, in words for the user."""
    parse: Parse | None = None
    nullable: bool = False
    secret: bool = False
    plain_text: bool = False
    """Any text may be meant, also `null`."""

    def read(self, text: str | None) -> object:
        """Return the value.

        Raises:
            ValueError: the text is not what is expected.
        """
        if text is None:
            if self.nullable:
                return None
            raise ValueError("null")
        value = self.parse(text) if self.parse else text
        if not isinstance(value, str | int | float):
            return value
        try:
            return msgspec.convert(value, self.hint, strict=False)
        except msgspec.ValidationError as error:
            raise ValueError("not allowed") from error


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys."""

    kind: type[Struct]
    fields: Mapping[str, "Shape"]
    required: frozenset[str]

    def keys(self) -> list[str]:
        """List what may be given, the files of secrets too."""
        files = [name + FILE_SUFFIX for name in self.fields if self.secret(name)]
        return [*self.fields, *files]

    def secret(self, name: str) -> bool:
        """Tell whether a file may hold it."""
        field = self.fields.get(name)
        return isinstance(field, Leaf) and field.secret


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind of thing."""

    item: "Shape"


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping whose keys are the user's."""

    name: Leaf
    item: "Shape"


Shape: TypeAlias = Leaf | Record | Many | Named


def record(kind: type[Struct]) -> Record:
    """Tell what a struct allows."""
    found = msgspec.structs.fields(kind)
    return Record(
        kind,
        {field.encode_name: shape(field.type) for field in found},
        frozenset(field.encode_name for field in found if field.required),
    )


def shape(hint: object) -> Shape:
    """Tell what a type allows. They are those of `bridge.config.settings`, no others."""
    hint, nullable = _without_none(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return record(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is tuple:
        return Many(shape(arguments[0]))
    if origin is Literal:
        return Leaf(hint=hint, expected=_one_of(arguments, nullable), nullable=nullable)
    if origin is Annotated:
        return _leaf(hint, arguments[1], nullable)
    name = shape(arguments[0])
    if not isinstance(name, Leaf):
        raise TypeError(f"not a setting's type: {hint}")
    return Named(name, shape(arguments[1]))


def _without_none(hint: object) -> tuple[object, bool]:
    if get_origin(hint) not in {Union, types.UnionType}:
        return hint, False
    (kept,) = (part for part in get_args(hint) if part not in {types.NoneType, UnsetType})
    return kept, types.NoneType in get_args(hint)


def _one_of(words: tuple[str, ...], nullable: bool) -> str:
    allowed = [*words, "null"] if nullable else list(words)
    return " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))


def _leaf(hint: object, meta: Meta, nullable: bool) -> Leaf:
    extra = meta.extra or {}
    expected = meta.description or ""
    return Leaf(
        hint=hint,
        expected=f"{expected}, or null" if nullable else expected,
        parse=extra.get("parse"),
        nullable=nullable,
        secret=bool(extra.get("secret")),
        plain_text="text" in extra,
    )


def leaves(root: Shape, *names: str) -> Iterator[tuple[tuple[str, ...], Leaf | Many | Named]]:
    """List the keys below a shape, each with its path; lists and named things count as one."""
    if not isinstance(root, Record):
        yield names, root
        return
    for name, field in root.fields.items():
        yield from leaves(field, *names, name)
