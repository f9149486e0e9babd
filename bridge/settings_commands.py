"""Commands about the settings: `config show` and `password`."""

import argparse
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from getpass import getpass
from typing import Final

import msgspec

from bridge.auth import hash_password
from bridge.config import Secret, find_config, load
from bridge.config.loader import Loaded, load_with_sources
from bridge.config.schema import FILE_SUFFIX
from bridge.config.yaml_nodes import Table, find
from bridge.downloads import PASSWORD_HASH
from bridge.logs import for_terminal
from bridge.state import Database

FAILED: Final = 1
MIN_PASSWORD: Final = 8
COLUMN: Final = 56
"""Where the sources begin, in characters."""
DEFAULT: Final = "default"


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `config`, in addition to `--config`."""
    parser.add_argument("action", choices=["show"], nargs="?", default="show", help="show")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")


def config(args: argparse.Namespace) -> int:
    """Print every effective setting with its source. Secrets are masked."""
    loaded = load_with_sources(find_config(args.config, os.environ), os.environ)
    rows = list(effective(loaded))
    if args.json:
        entries = [{"key": key, "value": value, "source": source} for key, value, source in rows]
        print(msgspec.json.encode(entries).decode())
        return 0
    for key, value, source in rows:
        print(for_terminal(f"{f'{key}: {_text(value)}':{COLUMN}}  # {source}"))
    return 0


def effective(loaded: Loaded) -> Iterator[tuple[str, object, str]]:
    """Return key, value and source of every setting. A secret's value is `***`."""
    yield from _below(loaded.settings, loaded.given, ())


def _below(
    value: object, given: Table, names: tuple[str, ...]
) -> Iterator[tuple[str, object, str]]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _below(getattr(value, name), given, (*names, name))
    elif isinstance(value, Mapping) and value:
        for name, item in value.items():
            yield from _below(item, given, (*names, name))
    elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
        for number, item in enumerate(value):
            for name in item.__struct_fields__:
                key = f"{'.'.join(names)}[{number}].{name}"
                yield key, _plain(getattr(item, name)), _source(given, names)
    else:
        yield ".".join(names), _plain(value), _source(given, names)


def _plain(value: object) -> object:
    """Return the value as JSON can hold it."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Secret):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {} if isinstance(value, Mapping) else str(value)


def _source(given: Table, names: tuple[str, ...]) -> str:
    """Return where a setting was given: `/config/bridge.yaml:3`, `environment …` or `default`."""
    *above, last = names
    node = find(given, *names) or find(given, *above, last + FILE_SUFFIX)
    if node is None and names[0] == "categories" and len(names) > 3 and names[2] == "policy":  # noqa: PLR2004 - categories.<name>.policy.<key>
        inherited = find(given, "policy", *names[3:])
        return inherited.where.partition(": ")[0] if inherited else DEFAULT
    return node.where.partition(": ")[0] if node else DEFAULT


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def add_password_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `password`, in addition to `--config`."""
    parser.add_argument(
        "--generate", action="store_true", help="make a random password and print it"
    )


async def password(args: argparse.Namespace) -> int:
    """Store a new password, typed or generated. It holds from the next start of the bridge."""
    settings = load(find_config(args.config, os.environ), os.environ)
    if settings.server.password is not None:
        _complain("server.password is set, and wins over a stored password: change it there.")
        return FAILED
    path = settings.paths.database
    if not path.exists():
        _complain(f"there is no database {path}: start the bridge once, it prints a password.")
        return FAILED
    chosen = secrets.token_urlsafe(12) if args.generate else _typed()
    if chosen is None:
        return FAILED
    hashed = hash_password(chosen)
    async with Database(path) as database:
        await database.put_value(PASSWORD_HASH, hashed)
    if args.generate:
        print(f"The new password is {chosen}")
    print("It is stored. If the bridge is running, restart it.")
    return 0


def _typed() -> str | None:
    """Read the password twice on a terminal, or once from a pipe."""
    if sys.stdin.isatty():
        first = getpass("New password: ")
        if getpass("Again: ") != first:
            _complain("the two differ; nothing was changed.")
            return None
    else:
        first = sys.stdin.readline().rstrip("\r\n")
    if len(first) < MIN_PASSWORD:
        _complain(f"a password needs at least {MIN_PASSWORD} characters; nothing was changed.")
        return None
    return first


def _complain(text: str) -> None:
    print(f"torbox-bridge: {text}", file=sys.stderr)
