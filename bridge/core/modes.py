"""What the ways to deliver mean for the choice of files, their names and the progress bar.

| mode | on disk | needs the item at TorBox afterwards |
| --- | --- | --- |
| download, aria2 | the files | no |
| symlink | links to the files on the user's mount of TorBox | yes |
| strm | a small text file for each video, with a URL of the bridge | yes |
| none | an empty folder | yes: the item is the end |
"""

from collections.abc import Sequence
from typing import TypeVar

from bridge.core.files import Named, NamedFile, NothingLeft
from bridge.core.status import REMOTE_SHARE
from bridge.core.video import is_video

SYMLINK = "symlink"
STRM = "strm"
NONE = "none"

FETCHING = frozenset({"download", "aria2"})
"""Modes that put the bytes themselves on the disk, by way of the directory for unfinished files."""

LIVES_ON_TORBOX = frozenset({SYMLINK, STRM, NONE})
"""Modes whose content is the remote item itself: it must outlive the entry that an *arr removes."""

UNFETCHED_SHARE = 0.99
"""The part of the progress bar that TorBox's own work fills where nothing is fetched."""

File = TypeVar("File", bound=Named)


def remote_share(mode: str) -> float:
    """Tell the part of the progress bar that TorBox's own work fills."""
    return UNFETCHED_SHARE if mode in LIVES_ON_TORBOX else REMOTE_SHARE


def deliverable(mode: str, files: tuple[File, ...]) -> tuple[File, ...] | NothingLeft:
    """Leave out what a mode cannot deliver: a `.strm` stands for a video."""
    if mode != STRM:
        return files
    videos = tuple(file for file in files if is_video(file.name))
    return videos or NothingLeft("none of the files is a video: strm delivers nothing else")


def named_on_disk(mode: str, files: Sequence[Named]) -> Sequence[Named]:
    """Give the files the names that they have on disk: with `strm`, `Film.mkv` is `Film.strm`."""
    return [_as_strm(file) for file in files] if mode == STRM else files


def content_layout(mode: str, asked: str) -> str:
    """Tell the content layout: with `none` even a lone file is shown as a folder."""
    return "Subfolder" if mode == NONE else asked


def _as_strm(file: Named) -> Named:
    if not is_video(file.name):
        return file
    folder, slash, name = file.name.rpartition("/")
    strm = f"{name.rpartition('.')[0]}.strm"
    # TorBox may put a lone file below a folder of its own name, with the extension.
    path = strm if folder == name else f"{folder}{slash}{strm}"
    return NamedFile(file.id, path, file.size)
