"""The environment: every setting as BRIDGE_<SECTION>__<KEY>."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from bridge.config.nodes import FILE_SUFFIX, Items, Node, Scalar, Table
from bridge.config.settings import Settings
from bridge.config.shape import Leaf, Many, Named, leaves, record
from bridge.config.yaml_text import Unreadable, YamlText

PREFIX = "BRIDGE_"
CONFIG = "BRIDGE_CONFIG"
"""Names the YAML file; not a setting itself."""
PLAIN_KEYS = {"TORBOX_API_KEY": "api_key", "TORBOX_API_KEY_FILE": "api_key_file"}

_KUBERNETES = re.compile(r"BRIDGE_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_\w+)")
"""What Kubernetes sets in every pod when a service is called `bridge`."""

Variables = dict[str, tuple[tuple[str, ...], Leaf | Many | Named]]


def variable(*names: str) -> str:
    """Name the variable of a key: `torbox`, `api_key` -> `BRIDGE_TORBOX__API_KEY`."""
    return PREFIX + "__".join(names).upper()


def variables() -> Variables:
    """List every variable with the path and the shape of its setting."""
    return dict(_variables())


def _variables() -> Iterator[tuple[str, tuple[tuple[str, ...], Leaf | Many | Named]]]:
    for names, kind in leaves(record(Settings)):
        yield variable(*names), (names, kind)
        if isinstance(kind, Leaf) and kind.secret:
            file = (*names[:-1], names[-1] + FILE_SUFFIX)
            yield variable(*file), (file, kind)


def read_environment(environ: Mapping[str, str], problems: list[str]) -> Table:
    """Collect what the environment sets. Empty values count as not set."""
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
    """Collect TorBox's key under its usual name, which other programs read too."""
    entries = {
        key: Scalar(f"environment {name}", environ[name])
        for name, key in PLAIN_KEYS.items()
        if environ.get(name)
    }
    return _table({"torbox": _table(entries)} if entries else {})


def _foreign(name: str, text: str) -> bool:
    return bool(_KUBERNETES.fullmatch(name)) or (name == "BRIDGE_PORT" and "://" in text)


def _unknown(name: str, known: Variables) -> str:
    ending = "__" + name.removeprefix(PREFIX)
    moved = [right for right in known if ending in right]
    guess = next(iter([*moved, *get_close_matches(name, known, n=1)]), None)
    hint = f"; did you mean {guess}?" if guess else ""
    return f"environment {name} is not a setting{hint}"


def _node(name: str, text: str, kind: Leaf | Many | Named, problems: list[str]) -> Node | None:
    where = f"environment {name}"
    null = text.strip().lower() in {"null", "~"}
    match kind:
        case Leaf():
            return Scalar(where, None if null and not kind.plain_text else text)
        case Many(item=Leaf()) if not text.lstrip().startswith("["):
            parts = [] if null else [part.strip() for part in text.split(",")]
            return Items(where, tuple(Scalar(where, part) for part in parts if part))
        case _:
            return _structured(name, text, problems)


def _structured(name: str, text: str, problems: list[str]) -> Node | None:
    """Read a list or mapping, given as JSON or YAML (every JSON text is YAML)."""
    reader = YamlText(lambda _line, key: f"environment {name}: {key}".removesuffix(": "))
    try:
        return reader.read(text)
    except Unreadable as error:
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
