"""What half-done deliveries have left on disk, found by its name. Everything here blocks.

Its name alone proves nothing: what holds anything that no delivery makes is not taken for ours.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.delivery.disk.build_beside import HIDDEN_PREFIX
from bridge.delivery.disk.request_paths import CONTENT, STAGING_NAME

_OURS = re.compile(rf"{CONTENT}|\d+\.(json|whole)\b.*")


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that stands where unfinished deliveries do."""

    path: Path
    staging_name: str
    """Empty when its name is none."""
    ours: bool
    """A delivery has made it, and nothing else is in it."""

    @property
    def info_hash(self) -> str:
        """The hash of the download that it is of; empty without a staging name."""
        return self.staging_name[:40]


def leftovers(incomplete: Path, save_paths: Iterable[Path]) -> list[Leftover]:
    """List what stands in the directory for unfinished files, and beside finished ones.

    A directory that cannot be read has none.
    """
    found = [_staged(path) for path in _entries(incomplete)]
    for save_path in dict.fromkeys(save_paths):
        found += filter(None, map(_beside, _entries(save_path)))
    return found


def _entries(directory: Path) -> Iterator[Path]:
    try:
        yield from sorted(directory.iterdir())
    except OSError:
        return


def _staged(path: Path) -> Leftover:
    named = STAGING_NAME.fullmatch(path.name) is not None
    return Leftover(path, path.name if named else "", named and _only_ours(path))


def _beside(path: Path) -> Leftover | None:
    """Know a content that was being built; a probe of a directory has another name."""
    name = path.name.removeprefix(HIDDEN_PREFIX)
    if not path.name.startswith(HIDDEN_PREFIX) or not STAGING_NAME.fullmatch(name):
        return None
    return Leftover(path, name, _only_ours(path))


def _only_ours(path: Path) -> bool:
    if path.is_symlink() or not path.is_dir():
        return False
    return all(_OURS.fullmatch(entry.name) for entry in _entries(path))
