"""Every setting as a form shows it, made from the types of the settings and their help."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

from bridge.config import Secret, Settings
from bridge.config.settings import RELOADED_SECTIONS

PREFIX: Final = "BRIDGE_"
KEY: Final = "torbox.api_key"
NEEDS_RESTART: Final = frozenset({"log.format"})
"""Settings that need a restart in a section that is otherwise reloaded."""
PLAIN_KEYS: Final = {KEY: ("TORBOX_API_KEY", "TORBOX_API_KEY_FILE")}
"""Further environment variables of a setting."""
ELSEWHERE: Final = frozenset({"arr", "notify"})
"""Settings with a form of their own."""
FILE: Final = "_file"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A setting with its value and source."""

    key: str
    kind: str
    """`text`, `secret`, `choice`, `switch`, `list` or `yaml`."""
    choices: tuple[str, ...]
    help: str
    """Markdown: only `code` and [links](…)."""
    default: str
    variable: str
    nullable: bool
    restart: bool
    """A change takes effect after a restart."""
    source: str = "default"
    """`default`, `file` or `environment`."""
    value: str = ""
    """The value in its source; always empty for a secret."""
    is_set: bool = False
    """Whether a secret has a value."""
    given_by: str = ""
    """The environment variable that sets it."""


def variable(key: str) -> str:
    """Return the name of a setting's environment variable."""
    return PREFIX + key.replace(".", "__").upper()


@cache
def blank_settings() -> tuple[Setting, ...]:
    """List every setting without its value, in the order of the settings."""
    told = _help()
    return tuple(
        Setting(
            key=key,
            kind=kind,
            choices=choices,
            help=told.get(key, {}).get("help", ""),
            default=told.get(key, {}).get("default", ""),
            variable=variable(key),
            nullable=nullable,
            restart=_needs_restart(key),
        )
        for key, kind, choices, nullable in _walk(Settings, "")
        if key not in ELSEWHERE
    )


def _needs_restart(key: str) -> bool:
    reloaded = key == KEY or key.partition(".")[0] in RELOADED_SECTIONS
    return not reloaded or key in NEEDS_RESTART


def _help() -> Mapping[str, Mapping[str, str]]:
    text = files("bridge.setup").joinpath("settings_help.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, str]])


def _walk(hint: Any, key: str) -> Iterator[tuple[str, str, tuple[str, ...], bool]]:
    plain, nullable = _plain(hint)
    origin, arguments = get_origin(plain), get_args(plain)
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        for field in msgspec.structs.fields(plain):
            name = f"{key}.{field.encode_name}" if key else field.encode_name
            yield from _walk(field.type, name)
    elif origin is Literal:
        yield key, "choice", tuple(str(value) for value in arguments), nullable
    elif plain is bool:
        yield key, "switch", ("true", "false"), nullable
    elif plain is Secret:
        yield key, "secret", (), nullable
    elif origin is tuple:
        item, _ = _plain(arguments[0])
        many = isinstance(item, type) and issubclass(item, msgspec.Struct)
        yield key, "yaml" if many else "list", (), nullable
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        yield key, "yaml", (), nullable
    else:
        yield key, "text", (), nullable


def _plain(hint: Any) -> tuple[Any, bool]:
    """Return a type without `Annotated` and `| None`, and whether null is allowed."""
    nullable = False
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif get_origin(hint) in {Union, UnionType}:
            kept = [one for one in get_args(hint) if one is not NoneType]
            nullable |= len(kept) < len(get_args(hint))
            if len(kept) != 1:
                return hint, nullable
            hint = kept[0]
        else:
            return hint, nullable
