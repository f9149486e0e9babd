"""The environment: every setting as BRIDGE_<SECTION>__<KEY>, and the umask."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import inspect

from bridge.config.schema import FILE_SUFFIX, Leaf, leaf_of, list_of, settings_schema, walk
from bridge.config.yaml_nodes import (
    ConfigError,
    Items,
    Node,
    Scalar,
    Table,
    UnreadableYaml,
    YamlReader,
)

PREFIX: Final = "BRIDGE_"
CONFIG: Final = "BRIDGE_CONFIG"
"""Names the YAML file; not a setting itself."""
PLAIN_KEYS: Final = {"TORBOX_API_KEY": "api_key", "TORBOX_API_KEY_FILE": "api_key_file"}
UMASK: Final = "UMASK"
"""Named as in the images of the *arr, so that one line of a compose file serves all of them."""

_OCTAL = re.compile(r"0*[0-7]{1,2}")
"""The owner keeps all rights: without them the bridge could not use its own files."""
_KUBERNETES = re.compile(r"BRIDGE_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)")
"""Variables that Kubernetes sets in every pod when a service is called `bridge`."""

Variables = dict[str, tuple[tuple[str, ...], inspect.Type]]


def variable(*names: str) -> str:
    """Return the variable of a key: `torbox`, `api_key` -> `BRIDGE_TORBOX__API_KEY`."""
    return PREFIX + "__".join(names).upper()


def variables() -> Variables:
    """Return the path and the type of every setting by its variable."""
    return dict(_variables())


def _variables() -> Iterator[tuple[str, tuple[tuple[str, ...], inspect.Type]]]:
    for names, kind in walk(settings_schema()):
        yield variable(*names), (names, kind)
        leaf = leaf_of(kind)
        if leaf is not None and leaf.secret:
            file = (*names[:-1], names[-1] + FILE_SUFFIX)
            yield variable(*file), (file, kind)


def read_environment(environ: Mapping[str, str], problems: list[str]) -> Table:
    """Return what the environment sets. Empty values count as not set."""
    known = variables()
    root: dict[str, Node] = {}
    for name in sorted(environ):
        text = environ[name]
        if not name.startswith(PREFIX) or name == CONFIG or not text or _foreign(name, text):
            continue
        if name not in known:
            problems.append(_unknown(name, known))
            continue
        names, kind = known[name]
        node = _node(name, text, kind, problems)
        if node is not None:
            _put(root, names, node)
    return _table(root)


def read_plain_key(environ: Mapping[str, str]) -> Table:
    """Return TorBox's key from the variables that other programs read too."""
    entries = {
        key: Scalar(f"environment {name}", environ[name])
        for name, key in PLAIN_KEYS.items()
        if environ.get(name)
    }
    return _table({"torbox": _table(entries)} if entries else {})


def read_umask(environ: Mapping[str, str]) -> int | None:
    """Return the umask; None if none is given, so that the process keeps its own.

    Raises:
        ConfigError: it is no octal number, or would take the bridge's own rights away.
    """
    text = environ.get(UMASK, "").strip()
    if not text:
        return None
    if not _OCTAL.fullmatch(text):
        raise ConfigError(
            [f'environment {UMASK}: expected an octal number from 000 to 077, got "{text[:20]}"']
        )
    return int(text, 8)


def _foreign(name: str, text: str) -> bool:
    return bool(_KUBERNETES.fullmatch(name)) or (name == "BRIDGE_PORT" and "://" in text)


def _unknown(name: str, known: Variables) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a misspelt name needs it

    ending = "__" + name.removeprefix(PREFIX)
    moved = [right for right in known if ending in right]
    guess = next(iter([*moved, *get_close_matches(name, known, n=1)]), None)
    hint = f"; did you mean {guess}?" if guess else ""
    return f"environment {name} is not a setting{hint}"


def _node(name: str, text: str, kind: inspect.Type, problems: list[str]) -> Node | None:
    where = f"environment {name}"
    null = text.strip().lower() in {"null", "~"}
    leaf = leaf_of(kind)
    if leaf is not None:
        return Scalar(where, None if null and not leaf.plain_text else text)
    if _is_plain_list(kind) and not text.lstrip().startswith("["):
        parts = [] if null else [part.strip() for part in text.split(",")]
        return Items(where, tuple(Scalar(where, part) for part in parts if part))
    return _structured(name, text, problems)


def _is_plain_list(kind: inspect.Type) -> bool:
    found = list_of(kind)
    return found is not None and isinstance(leaf_of(found.item_type), Leaf)


def _structured(name: str, text: str, problems: list[str]) -> Node | None:
    """Read a list or mapping, given as JSON or YAML (every JSON text is YAML)."""
    reader = YamlReader(lambda _line, key: f"environment {name}: {key}".removesuffix(": "))
    try:
        return reader.read(text)
    except UnreadableYaml as error:
        problems.append(str(error))
        return None
    finally:
        problems.extend(reader.problems)


def _put(root: dict[str, Node], names: tuple[str, ...], node: Node) -> None:
    *above, last = names
    entries = root
    for name in above:
        below = entries.setdefault(name, _table({}))
        if not isinstance(below, Table) or not isinstance(below.entries, dict):
            raise TypeError(name)
        entries = below.entries
    entries[last] = node


def _table(entries: Mapping[str, Node]) -> Table:
    return Table("environment", entries)
