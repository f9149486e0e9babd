"""The delivery modes: which files they can deliver, under which names, and their progress bar.

| mode | on disk | needs the item at TorBox afterwards |
| --- | --- | --- |
| download, aria2 | the files | no |
| symlink | links to the files on the user's mount of TorBox | yes |
| strm | a small text file for each video, with a URL of the bridge | yes |
| none | an empty folder | yes: the item is all that is wanted |
"""

from collections.abc import Sequence
from typing import TypeVar

from bridge.core.file_types import is_video
from bridge.core.files import NamedFile, NothingLeft, SelectableFile
from bridge.core.status import REMOTE_SHARE

SYMLINK = "symlink"
STRM = "strm"
NONE = "none"

FETCHING = frozenset({"download", "aria2"})
"""Modes that write the bytes to disk, by way of `paths.incomplete`."""

LIVES_ON_TORBOX = frozenset({SYMLINK, STRM, NONE})
"""Modes whose content is the remote item itself: it must outlive the entry that an *arr removes."""

UNFETCHED_SHARE = 0.99
"""TorBox's share of the progress bar in modes that fetch nothing."""

File = TypeVar("File", bound=SelectableFile)


def remote_share(mode: str) -> float:
    """Return TorBox's share of the progress bar in a mode."""
    return UNFETCHED_SHARE if mode in LIVES_ON_TORBOX else REMOTE_SHARE


def deliverable(mode: str, files: tuple[File, ...]) -> tuple[File, ...] | NothingLeft:
    """Return the files that a mode can deliver: `strm` delivers only videos."""
    if mode != STRM:
        return files
    videos = tuple(file for file in files if is_video(file.name))
    return videos or NothingLeft("none of the files is a video: strm delivers nothing else")


def named_on_disk(mode: str, files: Sequence[SelectableFile]) -> Sequence[SelectableFile]:
    """Return the files under their names on disk: with `strm`, `Film.mkv` becomes `Film.strm`."""
    return [_as_strm(file) for file in files] if mode == STRM else files


def content_layout(mode: str, asked: str) -> str:
    """Return the content layout of a mode: with `none` even a single file gets a folder."""
    return "Subfolder" if mode == NONE else asked


def _as_strm(file: SelectableFile) -> SelectableFile:
    if not is_video(file.name):
        return file
    folder, slash, name = file.name.rpartition("/")
    strm = f"{name.rpartition('.')[0]}.strm"
    # TorBox may put a lone file below a folder of its own name, with the extension.
    path = strm if folder == name else f"{folder}{slash}{strm}"
    return NamedFile(file.id, path, file.size)
