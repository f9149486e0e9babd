"""Which files of a download to deliver."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from fnmatch import translate
from typing import Protocol, TypeVar

import msgspec


class SelectableFile(Protocol):
    """A file by id, name ('/' separated, untrusted) and size in bytes."""

    @property
    def id(self) -> int:
        """The id of the file within its torrent."""

    @property
    def name(self) -> str:
        """The relative path."""

    @property
    def size(self) -> int:
        """The size in bytes."""


class NamedFile(msgspec.Struct, frozen=True):
    """A file with an id, a name and a size, and nothing else."""

    id: int
    name: str
    size: int


class FileRules(msgspec.Struct, frozen=True):
    """The `files` section of a category's policy.

    Globs ignore case and are matched against the file's name and its whole path, where `*` also
    matches `/`. Exclusion beats inclusion; an empty `include` means all files.
    """

    min_size: int = 0
    """Bytes."""
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()


class NothingLeft(msgspec.Struct, frozen=True):
    """No file is left to deliver. `reason` is a sentence for the user."""

    reason: str


File = TypeVar("File", bound=SelectableFile)


def choose(
    files: Sequence[File], rules: FileRules, dropped_ids: Collection[int] = frozenset()
) -> tuple[File, ...] | NothingLeft:
    """Return the files to deliver, in the order given.

    `dropped_ids` are the files to which the user gave priority 0 (`torrents/filePrio`).
    """
    include, exclude = _compiled(rules.include), _compiled(rules.exclude)
    turned_down: Counter[_Why] = Counter()
    chosen = []
    for file in files:
        why = _why_not(file, rules.min_size, include, exclude, dropped_ids)
        if why is None:
            chosen.append(file)
        else:
            turned_down[why] += 1
    return tuple(chosen) if chosen else NothingLeft(_sentence(turned_down, rules))


class _Why(StrEnum):
    DROPPED = "dropped"
    EXCLUDED = "excluded"
    NOT_INCLUDED = "not included"
    TOO_SMALL = "too small"


_Globs = Sequence[re.Pattern[str]]


def _why_not(
    file: SelectableFile,
    min_size: int,
    include: _Globs,
    exclude: _Globs,
    dropped_ids: Collection[int],
) -> _Why | None:
    if file.id in dropped_ids:
        return _Why.DROPPED
    if _matches(file.name, exclude):
        return _Why.EXCLUDED
    if include and not _matches(file.name, include):
        return _Why.NOT_INCLUDED
    return _Why.TOO_SMALL if file.size < min_size else None


def _compiled(globs: Iterable[str]) -> _Globs:
    return [re.compile(translate(glob), re.IGNORECASE) for glob in globs]


def _matches(name: str, globs: _Globs) -> bool:
    base = name.rpartition("/")[2]
    return any(glob.match(base) or glob.match(name) for glob in globs)


def _sentence(turned_down: Counter[_Why], rules: FileRules) -> str:
    if not turned_down:
        return "TorBox lists no files for this torrent"
    reasons = {
        _Why.DROPPED: "given priority 0 (do not download)",
        _Why.EXCLUDED: f"matched by files.exclude ({', '.join(rules.exclude)})",
        _Why.NOT_INCLUDED: f"not matched by files.include ({', '.join(rules.include)})",
        _Why.TOO_SMALL: f"smaller than files.min_size ({rules.min_size} bytes)",
    }
    parts = [f"{count} {reasons[why]}" for why, count in turned_down.most_common()]
    return f"no file is left of {turned_down.total()}: {'; '.join(parts)}"
