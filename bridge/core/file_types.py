"""Recognises files by their extension: content, videos, and extra videos that no *arr imports."""

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from bridge.core.files import SelectableFile

VIDEO_EXTENSIONS = frozenset(
    {"3gp", "asf", "asx", "avc", "avi", "bivx", "divx", "dv", "dvr-ms", "fli", "flv"}
    | {"ifo", "img", "iso", "m2ts", "m2v", "m4v", "mk3d", "mkv", "mov", "mp4", "mpeg"}
    | {"mpg", "nrg", "nsv", "nuv", "ogm", "ogv", "pva", "qt", "rm", "rmvb", "svq3"}
    | {"ts", "ty", "viv", "vob", "vp3", "webm", "wmv", "wtv", "xvid"}
)
"""Extensions that Sonarr and Radarr read as video, without playlists, `.bin` and `.dat`."""

SAMPLE_BYTES = 300 * 1024**2
"""Maximum size of a sample in bytes: a minute of 4K is smaller."""
MUCH_SMALLER = 5
"""A sample is smaller than a fifth of the largest video."""

EXTRAS = frozenset(
    {"behind the scenes", "deleted scenes", "extrafanart", "extras", "featurettes", "interviews"}
    | {"sample", "samples", "scenes", "shorts", "trailers"}
)
"""Folders that Sonarr and Radarr skip when they import."""

_SAMPLE = re.compile(r"(?:^|[ ._\-(\[])sample(?:$|[ ._\-)\]])", re.IGNORECASE)

File = TypeVar("File", bound=SelectableFile)


def is_video(name: str) -> bool:
    """Return whether the name has a video extension."""
    stem, _, extension = name.rpartition("/")[2].rpartition(".")
    return bool(stem) and extension.lower() in VIDEO_EXTENSIONS


def without_extras(files: Sequence[File]) -> tuple[File, ...]:
    """Return the files without the extra videos that no *arr imports.

    Extra videos are those below a folder such as `Extras` or `Featurettes`, and those called
    "sample" that are much smaller than the largest video. At least one video is kept if there was
    one, and all other files are kept.
    """
    videos = [file for file in files if is_video(file.name)]
    proper = [file for file in videos if not _among_extras(file.name)]
    largest = max((file.size for file in proper), default=0)
    dropped = {
        file.id
        for file in videos
        if (proper and _among_extras(file.name))
        or (_called_sample(file.name) and file.size < min(largest / MUCH_SMALLER, SAMPLE_BYTES))
    }
    return tuple(file for file in files if file.id not in dropped)


def _among_extras(name: str) -> bool:
    """Return whether a folder below the root is an extras folder. The root is the release name."""
    return any(folder.lower() in EXTRAS for folder in name.split("/")[1:-1])


def _called_sample(name: str) -> bool:
    return bool(_SAMPLE.search(name.rpartition("/")[2].rpartition(".")[0]))


AUDIO = frozenset(
    {"aac", "aif", "aiff", "alac", "ape", "dff", "dsf", "flac", "m4a", "m4b", "m4p", "mka", "mp2"}
    | {"mp3", "mpc", "oga", "ogg", "opus", "ra", "tak", "tta", "wav", "wma", "wv"}
)
BOOKS = frozenset(
    {"azw", "azw3", "azw4", "cb7", "cba", "cbr", "cbt", "cbz", "chm", "djvu", "doc", "docx"}
    | {"epub", "fb2", "kepub", "kfx", "lit", "lrf", "mobi", "odt", "pdb", "pdf", "prc", "rtf"}
)
"""E-books and comics. `.txt` is left out: it is mostly the release group's notes."""
ARCHIVES = frozenset(
    {"7z", "ace", "arj", "bz2", "gz", "lzh", "rar", "tar", "tbz2", "tgz", "txz", "xz", "zip", "zst"}
)
DISC = frozenset({"bdmv", "bup", "clpi", "mpls"})
"""Index files that a disc needs to play."""

CONTENT_EXTENSIONS = AUDIO | BOOKS | ARCHIVES | DISC

_VOLUME = re.compile(r"[a-z]?\d{2,3}\Z")
"""A part of an archive: `.r00`, `.z01`, `.001`."""


def is_content(name: str) -> bool:
    """Return whether a name is video, audio, an e-book, a comic, or an archive or its volume."""
    stem, _, extension = name.rpartition("/")[2].rpartition(".")
    extension = extension.lower()
    known = extension in CONTENT_EXTENSIONS or bool(_VOLUME.match(extension))
    return is_video(name) or (bool(stem) and known)


def content_among(names: Iterable[str]) -> frozenset[str]:
    """Return the names that are content; every name if no extension is known."""
    every = frozenset(names)
    return frozenset(filter(is_content, every)) or every
