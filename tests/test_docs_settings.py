"""The example file and docs/configuration.md know every setting, and no others."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from msgspec import inspect

from bridge.config import Settings, load
from bridge.config.environment import variable, variables
from bridge.config.schema import fields, leaf_of, list_of, settings_schema, walk

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "bridge.example.yaml"
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
ROWS = {
    cells[0]: cells[1:]
    for cells in re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| (.+) \|$", PAGE, re.MULTILINE)
}


def documented() -> Iterator[tuple[str, bool]]:
    """List the keys that need a row, and whether each has a variable of its own."""
    for names, kind in walk(settings_schema()):
        key = ".".join(names)
        yield key, True
        many = list_of(kind)
        if many is not None and isinstance(many.item_type, inspect.StructType):
            yield from ((f"{key}[].{name}", False) for name in fields(many.item_type))
        if isinstance(kind, inspect.DictType) and isinstance(kind.value_type, inspect.StructType):
            yield from ((f"{key}.<name>.{name}", False) for name in fields(kind.value_type))


KEYS = dict(documented())


def default_of(key: str) -> object:
    """Look up a default by its dotted key."""
    value: object = Settings()
    for name in key.split("."):
        value = getattr(value, name)
    return value


def paths(value: object, key: str = "") -> Iterator[str]:
    """List the dotted keys of a YAML document."""
    if not isinstance(value, dict) or not value:
        yield key
        return
    for name, below in value.items():
        yield from paths(below, f"{key}.{name}" if key else str(name))


def test_the_example_is_the_defaults() -> None:
    """Copying the example file changes nothing."""
    assert load(EXAMPLE, {}) == Settings()


def test_the_example_has_every_key() -> None:
    """The example file shows each setting once."""
    given = set(paths(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))))
    assert given == {key for key, own_variable in KEYS.items() if own_variable}


def test_the_example_keeps_room_for_a_torbox_key_from_the_environment() -> None:
    """The nulls of a copied example do not hide TORBOX_API_KEY."""
    settings = load(EXAMPLE, {"TORBOX_API_KEY": "made-up"})
    assert settings.torbox.api_key is not None
    assert settings.torbox.api_key.reveal() == "made-up"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_row(key: str) -> None:
    """Each setting is explained, with the name of its variable."""
    assert key in ROWS
    if KEYS[key]:
        assert ROWS[key][0] == f"`{variable(*key.split('.'))}`"


def test_no_row_is_about_something_else() -> None:
    """What the page explains exists."""
    rows = {key for key in ROWS if "." in key or key in KEYS}
    assert rows == set(KEYS)


def test_every_variable_that_is_mentioned_exists() -> None:
    """No example on the page names a variable that would be refused."""
    mentioned = set(re.findall(r"\bBRIDGE_[A-Z0-9_]+[A-Z0-9]", PAGE)) - {"BRIDGE_CONFIG"}
    assert mentioned == set(variables())


@pytest.mark.parametrize("key", [key for key, own in KEYS.items() if own])
def test_the_default_on_the_page_is_the_default(key: str) -> None:
    """The page's defaults, given as settings, change nothing."""
    told = ROWS[key][1].strip("`")
    if told in {"none", "empty"}:
        assert default_of(key) in {None, ""}
        return
    if told == "null":
        assert default_of(key) is None
        return
    name = variable(*key.split("."))
    assert load(None, {name: told}) == Settings()


def test_the_leaves_say_what_is_allowed() -> None:
    """Every single value has words for the user about what it may be."""
    leaves = [leaf for _, kind in variables().values() if (leaf := leaf_of(kind)) is not None]
    assert leaves
    assert all(leaf.expected for leaf in leaves)
