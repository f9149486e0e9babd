"""Where settings come from: the environment over the YAML file over the defaults."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bridge.config.build import Builder
from bridge.config.environment import CONFIG, read_environment, read_plain_key
from bridge.config.errors import ConfigError
from bridge.config.nodes import Node, Table, find, is_null, merge
from bridge.config.settings import Settings
from bridge.config.shape import record
from bridge.config.yaml_text import Unreadable, YamlText

DEFAULT_CONFIG = Path("/config/bridge.yaml")


def find_config(
    argument: Path | None, environ: Mapping[str, str], *, default: Path = DEFAULT_CONFIG
) -> Path | None:
    """Choose the YAML file: the argument, else $BRIDGE_CONFIG, else the default if it is there."""
    if argument is not None:
        return argument
    if environ.get(CONFIG):
        return Path(environ[CONFIG])
    return default if default.exists() else None


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Read the settings. Without a path there is only the environment.

    Raises:
        ConfigError: with everything that is wrong, as far as it could be read.
    """
    problems: list[str] = []
    given = merge(_read_file(path, problems), read_environment(environ, problems))
    if not _has_torbox_key(given):
        given = merge(given, read_plain_key(environ))
    shape = record(Settings)
    builder = Builder(shape)
    settings = builder.build(shape, given)
    problems += builder.problems
    if isinstance(settings, Settings) and not problems:
        problems += _contradictions(settings, given)
        if not problems:
            return settings
    raise ConfigError(list(dict.fromkeys(problems)))


def _read_file(path: Path | None, problems: list[str]) -> Table:
    empty = Table(str(path), {})
    if path is None:
        return empty
    reader = YamlText(lambda line, key: f"{path}:{line}: {key}".removesuffix(": "))
    node: Node | None = None
    try:
        node = reader.read(path.expanduser().read_bytes())
    except Unreadable as error:
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


def _contradictions(settings: Settings, given: Table) -> Iterator[str]:
    """Check keys against each other."""
    modes: dict[tuple[str, ...], object] = {
        ("delivery", "mode"): settings.delivery.mode,
        ("policy", "delivery"): settings.policy.delivery,
    }
    for name, category in settings.categories.items():
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
