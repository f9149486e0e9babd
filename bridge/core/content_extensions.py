"""Content by name: what somebody downloads a torrent for, as opposed to what lies beside it."""

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
"""E-books and comics. A `.txt` is seldom a book, and mostly somebody's greeting."""
ARCHIVES = frozenset(
    {"7z", "ace", "arj", "bz2", "gz", "lzh", "rar", "tar", "tbz2", "tgz", "txz", "xz", "zip", "zst"}
)
DISC = frozenset({"bdmv", "bup", "clpi", "mpls"})
"""What a disc does not play without."""

CONTENT_EXTENSIONS = AUDIO | BOOKS | ARCHIVES | DISC

_VOLUME = re.compile(r"[a-z]?\d{2,3}\Z")
"""A part of an archive: `.r00`, `.z01`, `.001`."""


def is_content(name: str) -> bool:
    """Tell by the extension: video, audio, e-book, comic, archive, or a part of one."""
    stem, _, extension = name.rpartition("/")[2].rpartition(".")
    extension = extension.lower()
    known = extension in CONTENT_EXTENSIONS or bool(_VOLUME.match(extension))
    return is_video(name) or (bool(stem) and known)


def content_among(names: Iterable[str]) -> frozenset[str]:
    """Return the names of the content; all of them where none is of a kind that is known."""
    every = frozenset(names)
    return frozenset(filter(is_content, every)) or every
