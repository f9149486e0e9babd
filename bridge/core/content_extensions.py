"""File extensions of content: the files a torrent is downloaded for, unlike covers and texts."""

import re
from collections.abc import Iterable

from bridge.core.video import is_video

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
