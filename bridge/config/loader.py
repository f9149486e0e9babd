"""Where settings come from: the environment over the YAML file over the defaults."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from bridge.config.builder import Builder
from bridge.config.environment import CONFIG, read_environment, read_plain_key
from bridge.config.schema import FILE_SUFFIX, settings_schema
from bridge.config.settings import Settings
from bridge.config.yaml_nodes import (
    ConfigError,
    Items,
    Node,
    Scalar,
    Table,
    UnreadableYaml,
    YamlReader,
    find,
    is_null,
    merge,
)

DEFAULT_CONFIG: Final = Path("/config/bridge.yaml")


class Loaded(msgspec.Struct, frozen=True):
    """Settings, and what was given for them, with its places."""

    settings: Settings
    given: Table


def find_config(
    argument: Path | None, environ: Mapping[str, str], *, default: Path = DEFAULT_CONFIG
) -> Path | None:
    """Return the YAML file: the argument, else $BRIDGE_CONFIG, else the default if it exists."""
    if argument is not None:
        return argument
    if environ.get(CONFIG):
        return Path(environ[CONFIG])
    return default if default.exists() else None


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings. Without a path only the environment is read.

    Raises:
        ConfigError: with everything that is wrong, as far as it could be read.
    """
    return load_with_sources(path, environ).settings


def load_with_sources(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Return the settings together with what was given.

    Raises:
        ConfigError: as `load`.
    """
    problems: list[str] = []
    given = merge(_read_file(path, problems), read_environment(environ, problems))
    # TORBOX_API_KEY is shared with other programs, so the bridge's own setting wins.
    if not _has_torbox_key(given):
        given = merge(given, read_plain_key(environ))
    schema = settings_schema()
    builder = Builder(schema)
    whole = _with_whole_policies(given)
    settings = builder.build(schema, whole)
    problems += builder.problems
    if isinstance(settings, Settings) and not problems:
        problems += _contradictions(settings, whole)
        if not problems:
            return Loaded(settings, given)
    # A mistake in the default policy shows up in every category that inherits it.
    raise ConfigError(list(dict.fromkeys(problems)))


def _read_file(path: Path | None, problems: list[str]) -> Table:
    empty = Table(str(path), {})
    if path is None:
        return empty
    reader = YamlReader(lambda line, key: f"{path}:{line}: {key}".removesuffix(": "))
    node: Node | None = None
    try:
        node = reader.read(path.expanduser().read_bytes())
    except UnreadableYaml as error:
        problems.append(str(error))
    except (OSError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        problems.append(f"cannot read {path}: {why}")
    problems += reader.problems
    if node is None or is_null(node):
        return empty
    if not isinstance(node, Table):
        problems.append(f"{node.where}: expected sections such as `torbox:` with settings in them")
        return empty
    return node


def _has_torbox_key(given: Table) -> bool:
    found = (find(given, "torbox", name) for name in ("api_key", "api_key_file"))
    return any(node is not None and not is_null(node) for node in found)


def _with_whole_policies(given: Table) -> Table:
    """Lay each category's policy over the default one, so that every category has a whole policy."""
    base, categories = find(given, "policy"), find(given, "categories")
    if not isinstance(base, Table) or not isinstance(categories, Table):
        return given
    whole = {name: _with_whole_policy(base, node) for name, node in categories.entries.items()}
    return Table(given.where, {**given.entries, "categories": Table(categories.where, whole)})


def _with_whole_policy(base: Table, category: Node) -> Node:
    own = category.entries.get("policy") if isinstance(category, Table) else None
    if not isinstance(category, Table) or not isinstance(own, Table):
        return category
    # A section without keys (`files:` and nothing below) changes nothing.
    sections = {name for name, node in base.entries.items() if isinstance(node, Table)}
    changes = {
        name: node for name, node in own.entries.items() if not (name in sections and is_null(node))
    }
    policy = merge(base, Table(own.where, changes))
    return Table(category.where, {**category.entries, "policy": policy})


def _contradictions(settings: Settings, given: Table) -> Iterator[str]:
    """Check keys against each other."""
    modes: dict[tuple[str, ...], object] = {
        ("delivery", "mode"): settings.delivery.mode,
        ("policy", "delivery"): settings.policy.delivery,
    }
    for name, category in settings.categories.items():
        if category.policy is not None:
            modes["categories", name, "policy", "delivery"] = category.policy.delivery
    for names, mode in modes.items():
        if mode == "symlink" and settings.delivery.mount is None:
            yield f"{_where(given, names)}: symlink needs delivery.mount, where TorBox is mounted"
        if mode == "strm" and settings.delivery.public_url is None:
            yield f"{_where(given, names)}: strm needs delivery.public_url"
    known = [arr.name for arr in settings.arr]
    for name in sorted({name for name in known if known.count(name) > 1}):
        yield f'{_where(given, ("arr",))}: two entries are named "{name}"'


def _where(given: Table, names: tuple[str, ...]) -> str:
    node = find(given, *names)
    return node.where if node is not None else ".".join(names)


class SettingsSource:
    """The file and the environment of a running bridge. Reads them again when a file has changed."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._files: list[Path] = [path] if path else []
        self._seen: object = None
        self._settings: Settings | None = None

    def load(self) -> Settings:
        """Return the settings, from memory while no file has changed. Blocks.

        Raises:
            ConfigError: as `load`; the next call tries again.
        """
        if self._settings is not None and self._seen == self._state():
            return self._settings
        self._settings = None
        # From before the files are read: an edit in between must be seen at the next look.
        files, before = self._files, self._state()
        loaded = load_with_sources(self._path, self._environ)
        # A secret in a file of its own may change without any change in the settings file.
        self._files = [*([self._path] if self._path else []), *secret_files(loaded.given)]
        self._seen = before if self._files == files else None
        self._settings = loaded.settings
        return loaded.settings

    def _state(self) -> object:
        return [_file_state(path) for path in self._files]


def _file_state(path: Path) -> object:
    """Return what differs once a file was edited or replaced, as Kubernetes replaces secrets."""
    try:
        status = path.expanduser().stat()
    except (OSError, RuntimeError):
        return None
    # The inode changes when an editor or Kubernetes replaces the file within one clock tick.
    return status.st_mtime_ns, status.st_size, status.st_ino


def secret_files(node: Node) -> Iterator[Path]:
    """Return the files of secrets that were named."""
    match node:
        case Table(entries=entries):
            for name, below in entries.items():
                if name.endswith(FILE_SUFFIX) and isinstance(below, Scalar) and below.text:
                    yield Path(below.text)
                yield from secret_files(below)
        case Items(items=items):
            for item in items:
                yield from secret_files(item)
        case _:
            return
