"""Every setting as a form shows it, made from the types of the settings and their help."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import inspect

from bridge.config.environment import variable
from bridge.config.schema import leaf_of, list_of, settings_schema, unwrap, walk
from bridge.config.settings import RELOADED_SECTIONS

KEY: Final = "torbox.api_key"
NEEDS_RESTART: Final = frozenset({"log.format"})
"""Settings that need a restart in a section that is otherwise reloaded."""
ELSEWHERE: Final = frozenset({"arr", "notify"})
"""Settings with a form of their own."""


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


@cache
def blank_settings() -> tuple[Setting, ...]:
    """List every setting without its value, in the order of the settings."""
    told = _help()
    found = []
    for names, of_type in walk(settings_schema()):
        key, (kind, choices) = ".".join(names), _kind(of_type)
        if key not in ELSEWHERE:
            found.append(
                Setting(
                    key=key,
                    kind=kind,
                    choices=choices,
                    help=told.get(key, {}).get("help", ""),
                    default=told.get(key, {}).get("default", ""),
                    variable=variable(*names),
                    nullable=unwrap(of_type)[1],
                    restart=_needs_restart(key),
                )
            )
    return tuple(found)


def _needs_restart(key: str) -> bool:
    reloaded = key == KEY or key.partition(".")[0] in RELOADED_SECTIONS
    return not reloaded or key in NEEDS_RESTART


def _help() -> Mapping[str, Mapping[str, str]]:
    text = Path(__file__).with_name("settings_help.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, str]])


def _kind(kind: inspect.Type) -> tuple[str, tuple[str, ...]]:
    """Return the kind of a setting's form field, and its choices."""
    leaf, (inner, _) = leaf_of(kind), unwrap(kind)
    if leaf is None:
        found = list_of(inner)
        plain = found is not None and leaf_of(found.item_type) is not None
        return "list" if plain else "yaml", ()
    if leaf.choices:
        return "choice", tuple(map(str, leaf.choices))
    if leaf.secret:
        return "secret", ()
    switch = isinstance(inner, inspect.Metadata) and isinstance(inner.type, inspect.BoolType)
    return ("switch", ("true", "false")) if switch else ("text", ())
