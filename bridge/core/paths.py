"""Turns untrusted names into paths that are safe on this disk, and keeps paths below the roots.

Whatever TorBox or a torrent says, a path made here is below the save path, names one file, can be
written on Linux, and can be imported by an *arr. Names are changed as little as possible, because
the *arr read series, season and quality from them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from posixpath import isabs, join, normpath
from types import MappingProxyType
from unicodedata import combining, normalize

import msgspec
from msgspec.structs import replace

from bridge.core.file_types import is_video
from bridge.core.files import SelectableFile
from bridge.core.model import DeliveredFile

NAME_BYTES = 255
"""Maximum length of a path component on Linux, in UTF-8 bytes."""
ROOM_BYTES = 8
"""Bytes kept free for a number or a second extension."""
PATH_BYTES = 2048
"""Maximum bytes of a relative path. Linux allows 4096 including the directories above it."""
MAX_FOLDERS = 20
"""Maximum folder depth. A real torrent has a handful of levels."""
PLACEHOLDER = "_"
"""Replaces characters that cannot be kept, and names that would be empty."""
RESERVED = frozenset({".incomplete"})
"""Names at the top of the download directory that belong to the bridge."""

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\ud800-\udfff]")
_SPACES = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""Every space that Unicode knows: a superset of what .NET trims."""
_WINDOWS_UNSAFE = re.compile(r'[\x00-\x1f<>:"|?*\\/]')
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|\Z)", re.IGNORECASE)
"""Names that Windows reserves for devices, with any extension."""
_DRIVE = re.compile(r"^([A-Za-z]):")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,10}\Z", re.DOTALL)
_EPISODE = re.compile(r"s\d{1,2}[ ._-]?e\d{1,4}", re.IGNORECASE)
_CUT_NUMBER = re.compile(r"(?:(?<=\d)[ ._-]*[ex])?\d*\Z", re.IGNORECASE)
"""What is left of a number at the end of a common prefix: `E0` of `S01E01` and `S01E02`."""

Parts = tuple[str, ...]


class Layout(msgspec.Struct, frozen=True):
    """Where the files of a download go."""

    paths: Mapping[int, str]
    """By file id: below the save path, '/' separated. Each path is `content_name` or below it. No
    two paths are equal, even if case is ignored, and none is a folder of another.
    """
    content_name: str
    """The top-level file or folder. The content path is this name below the save path, never the
    save path itself: Sonarr does not import from there.
    """
    single_file: bool
    """`content_name` is a file."""


def safe_name(component: str) -> str:
    """Return a safe path component. Idempotent.

    Separators, control characters and lone surrogates become `_`, and so do backslashes, which an
    *arr would read as separators. Leading and trailing spaces and trailing dots are removed. A name
    longer than the limit is cut before its extension.
    """
    plain = _trimmed(_UNSAFE.sub(PLACEHOLDER, component))
    plain = _DRIVE.sub(rf"\1{PLACEHOLDER}", plain)
    return _fitted(plain, "", NAME_BYTES - ROOM_BYTES, is_file=True) or PLACEHOLDER


def safe_path(name: str) -> str:
    """Return a safe relative path for a '/' separated name. Idempotent."""
    return "/".join(_safe_parts(name))


def numbered(name: str, number: int, *, is_file: bool = True) -> str:
    """Return the name with a number: `Name (2).mkv`, or `Name.S01 (2)` for a folder.

    The result is at most 255 bytes long.
    """
    return _fitted(name, f" ({number})", NAME_BYTES, is_file=is_file)


def renamed(files: Iterable[DeliveredFile], content_name: str) -> tuple[DeliveredFile, ...]:
    """Return the layout under another top-level name."""
    return tuple(
        replace(file, path="/".join((content_name, *file.path.split("/")[1:]))) for file in files
    )


def fitted(
    files: Sequence[DeliveredFile], *, longest: int = NAME_BYTES, ascii_only: bool = False
) -> tuple[DeliveredFile, ...]:
    """Return the layout under names that a stricter file system accepts; no two become equal.

    Every component is valid on Windows (NTFS, exFAT, SMB) and has at most `longest` bytes. With
    `ascii_only`, other characters are replaced as well. Names that already fit are kept.
    """
    parts = {
        number: tuple(_fit(part, longest, ascii_only=ascii_only) for part in file.path.split("/"))
        for number, file in enumerate(files)
    }
    given = _Names(parts.values()).give(parts)
    return tuple(replace(file, path="/".join(given[number])) for number, file in enumerate(files))


def _fit(name: str, longest: int, *, ascii_only: bool) -> str:
    if ascii_only:
        plain = "".join(char for char in normalize("NFKD", name) if not combining(char))
        name = plain.encode("ascii", "replace").decode().replace("?", PLACEHOLDER)
    safe = _trimmed(_WINDOWS_UNSAFE.sub(PLACEHOLDER, name)) or PLACEHOLDER
    if _WINDOWS_DEVICE.match(safe):
        safe = PLACEHOLDER + safe
    room = max(longest - ROOM_BYTES, ROOM_BYTES)
    return _fitted(safe, "", room, is_file=True) if len(safe.encode()) > room else safe


def layout(
    files: Sequence[SelectableFile],
    title: str,
    *,
    single_file: bool = False,
    content_layout: str = "Original",
) -> Layout:
    """Return the paths of all files. The result depends on the files' ids, not on their order.

    A root folder that all files share is kept. Files without one go below a folder named after
    the title. Neither may be the name of one episode of several: an *arr would take the whole
    folder for that episode, so it is named after the title or what the files have in common. A
    lone file stands alone if it came so, if `single_file` says that the .torrent
    has no root folder, or if its folder has the file's own name (`Movie.mkv/Movie.mkv`).

    `content_layout` is qBittorrent's: with `Subfolder` a single file gets a folder. `NoSubfolder`
    is treated as `Original`, because without a root folder the content path would be the save path.
    """
    parts = {file.id: _safe_parts(file.name) for file in sorted(files, key=lambda file: file.id)}
    if len(parts) == 1:
        parts = {key: _alone(path, single_file, content_layout) for key, path in parts.items()}
    else:
        parts = _below_one_folder(parts, title)
    parts = {key: (_unreserved(path[0]), *path[1:]) for key, path in parts.items()}
    paths = _Names(parts.values()).give(parts)
    top = next(iter(paths.values()), (safe_name(title), ""))
    return Layout(
        MappingProxyType({key: "/".join(path) for key, path in paths.items()}),
        content_name=top[0],
        single_file=len(top) == 1,
    )


def _safe_parts(name: str) -> Parts:
    """Return the safe components; folders below the first are dropped until the path fits."""
    parts = [part for part in name.split("/") if part not in {"", "."}] or [PLACEHOLDER]
    first, *rest = map(safe_name, parts[:1] + parts[1:][-MAX_FOLDERS:])
    while len("/".join([first, *rest]).encode()) > PATH_BYTES:
        rest = rest[1:]
    return (first, *rest)


def _alone(path: Parts, single_file: bool, content_layout: str) -> Parts:
    *folders, name = path
    bare = single_file or [_key(folder) for folder in folders] in ([], [_key(name)])
    if not bare:
        return path
    return (_stem(name), name) if content_layout == "Subfolder" else (name,)


def _stem(name: str) -> str:
    """Return the folder name for a single file: its name without the extension."""
    return safe_name(_EXTENSION.sub("", name))


def _below_one_folder(parts: Mapping[int, Parts], title: str) -> dict[int, Parts]:
    names = [path[-1] for path in parts.values()]
    shared = _share_root(parts.values())
    if shared and not _is_one_of(next(iter(parts.values()))[0], names):
        return dict(parts)
    folder = safe_name(title)
    if _is_one_of(folder, names):
        folder = _in_common(names) or _stem(folder)
    return {key: (folder, *(path[1:] if shared else path)) for key, path in parts.items()}


def _is_one_of(folder: str, names: Sequence[str]) -> bool:
    """Return whether a folder is called after one file of several, or one episode of several."""
    if _key(folder) in map(_key, names):
        return True
    episodes = {found[0].casefold() for name in names if (found := _EPISODE.search(name))}
    return len(episodes) > 1 and _key(folder) in (_key(_stem(name)) for name in names)


def _in_common(names: Iterable[str]) -> str:
    """Return how the names of the episodes begin, without the number in which they differ."""
    stems = [_stem(name) for name in names if is_video(name)] or [_stem(name) for name in names]
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(min(stems), max(stems), strict=False))
    start = "".join(letter for letter, _ in alike)
    if len(stems) > 1:
        start = _CUT_NUMBER.sub("", start).rstrip(" ._-")
    return safe_name(start) if start else ""


def _share_root(paths: Iterable[Parts]) -> bool:
    roots = {_key(path[0]) if len(path) > 1 else None for path in paths}
    return len(roots) == 1 and None not in roots


def _unreserved(name: str) -> str:
    return PLACEHOLDER + name if _key(name) in RESERVED else name


class _Names:
    """Gives each file a unique path.

    Folders that differ only in case are merged, as a case-insensitive file system would do. A
    folder keeps its name; a file whose name is in use gets a number.
    """

    def __init__(self, paths: Iterable[Parts]) -> None:
        self._folders: dict[Parts, Parts] = {}
        self._taken: set[Parts] = set()
        self._last: dict[Parts, int] = {}
        for path in paths:
            self._add_folders(path[:-1])

    def give(self, wanted: Mapping[int, Parts]) -> dict[int, Parts]:
        return {key: self._free(path) for key, path in wanted.items()}

    def _add_folders(self, folders: Parts) -> None:
        if _keys(folders) in self._folders:
            return
        for depth in range(1, len(folders) + 1):
            above = self._folders.get(_keys(folders[: depth - 1]), ())
            self._folders.setdefault(_keys(folders[:depth]), (*above, folders[depth - 1]))

    def _free(self, path: Parts) -> Parts:
        folder = self._folders.get(_keys(path[:-1]), ())
        plain = _keys(path)
        name, key = path[-1], plain
        while key in self._folders or key in self._taken:
            number = self._last[plain] = self._last.get(plain, 1) + 1
            name = numbered(path[-1], number)
            key = (*plain[:-1], _key(name))
        self._taken.add(key)
        return (*folder, name)


def _keys(path: Parts) -> Parts:
    return tuple(_key(part) for part in path)


@lru_cache(maxsize=1024)
def _key(name: str) -> str:
    """Return a key that is equal for names which a file system might treat as equal."""
    return normalize("NFC", normalize("NFD", name).casefold())


def _trimmed(name: str) -> str:
    return name.strip(_SPACES).rstrip(_SPACES + ".")


def _fitted(name: str, suffix: str, limit: int, *, is_file: bool) -> str:
    """Return the name with the suffix before its extension, cut to at most `limit` bytes."""
    found = _EXTENSION.search(name) if is_file else None
    extension = found[0] if found else ""
    room = limit - len((suffix + extension).encode())
    stem = name.removesuffix(extension)
    if len(stem.encode()) > room:
        cut = stem.encode()[:room].decode("utf-8", "ignore")
        stem = _trimmed(cut) or PLACEHOLDER
    return stem + suffix + extension


_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that no file system accepts: NUL and lone surrogates."""


class Roots(msgspec.Struct, frozen=True, kw_only=True):
    """The directories that the settings allow. Lexical: nothing is looked up on disk."""

    default: str
    """`paths.downloads`, for downloads without a category."""
    others: tuple[str, ...] = ()
    """Save paths that the settings give to categories."""
    reserved: tuple[str, ...] = ()
    """The bridge's own directories (`paths.incomplete`): no download may go there."""

    def category_path(self, name: str, save_path: str) -> str:
        """Return the directory of a category; without a save path it is named after the category.

        Raises:
            OutsideRoots: the save path is outside the download roots.
        """
        return self.resolve(save_path or safe_path(name), self.default)

    def resolve(self, path: str, base: str) -> str:
        """Return an absolute, normalised path; a relative one is below `base`.

        Raises:
            OutsideRoots: the path is outside the download roots.
        """
        plain = _plain(path if isabs(path) else join(base, path))
        if _UNUSABLE.search(plain):
            raise OutsideRoots(f"{path!r} cannot be a path")
        if not any(_within(plain, _plain(root)) for root in (self.default, *self.others)):
            raise OutsideRoots(f"{path!r} is not below {self.default}")
        if any(_within(plain, _plain(own)) for own in self.reserved):
            raise OutsideRoots(f"{path!r} is for unfinished files only")
        return plain


class OutsideRoots(ValueError):
    """A path to which no download may go; the text says why."""


def _plain(path: str) -> str:
    """Return the path without `.`, `..` and doubled slashes, which POSIX keeps at the start."""
    plain = normpath(path)
    return plain[1:] if plain.startswith("//") else plain


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
