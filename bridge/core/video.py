"""Recognises videos, and the extra videos of a release that no *arr imports."""

import re
from collections.abc import Sequence
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
