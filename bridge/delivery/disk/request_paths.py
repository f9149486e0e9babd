"""Paths made from a request. They were made safe before; here they are checked again."""

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.delivery_errors import BadRequest
from bridge.delivery.interface import DeliveryRequest, RequestedFile

CONTENT = "content"
"""The top of the content while it is staged, whatever its name will be."""

HIDDEN_PREFIX = ".torbox-bridge-"
"""How the names of our hidden directories in a save path begin."""

STAGING_NAME = re.compile(r"(?P<hash>[0-9a-f]{40})(-[0-9A-Za-z]{1,32})?")
"""An info-hash, and a suffix that distinguishes several deliveries of it."""

_HASH = re.compile(r"[0-9a-f]{40}")

Parts = tuple[str, ...]


def staging_root(incomplete: Path, staging_name: str) -> Path:
    """Return the directory that holds everything unfinished of one delivery."""
    return incomplete / _checked(staging_name)


def hidden_folder(save_path: Path, staging_name: str) -> Path:
    """Return the hidden directory, next to the target, in which a delivery builds its content."""
    return save_path / f"{HIDDEN_PREFIX}{_checked(staging_name)}"


def _checked(staging_name: str) -> str:
    if not STAGING_NAME.fullmatch(staging_name):
        raise BadRequest(f"not a staging name: {staging_name!r}")
    return staging_name


def split(path: str) -> Parts:
    """Split a relative path; refuse, as BadRequest, a path that could leave its directory."""
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise BadRequest(f"not a path below the save path: {path!r}")
    return parts


def inner(content_name: str, path: str) -> Parts:
    """Return the path below the top of the content; empty for the content itself."""
    if len(split(content_name)) != 1:
        raise BadRequest(f"not a name: {content_name!r}")
    top, *below = split(path)
    if top != content_name:
        raise BadRequest(f"{path!r} is not in {content_name!r}")
    return tuple(below)


def check_request(request: DeliveryRequest) -> None:
    """Refuse, as BadRequest, a request that could not be delivered as one file or one folder."""
    if not request.save_path.is_absolute() or ".." in request.save_path.parts:
        raise BadRequest(f"not an absolute path: {request.save_path}")
    found = STAGING_NAME.fullmatch(request.staging_name)
    if not _HASH.fullmatch(request.info_hash) or not found or found["hash"] != request.info_hash:
        raise BadRequest(f"not a staging name of {request.info_hash!r}: {request.staging_name!r}")
    if not request.files:
        raise BadRequest("no files are to be delivered")
    if any(file.size < 0 for file in request.files):
        raise BadRequest("a file has a negative size")
    if len({file.file_id for file in request.files}) != len(request.files):
        raise BadRequest("two files have one id")
    _check_tree([inner(request.content_name, file.path) for file in request.files])


def _check_tree(paths: list[Parts]) -> None:
    files = set(paths)
    if len(files) != len(paths):
        raise BadRequest("two files have one path")
    if any(parent in files for parent in directories(files)):
        raise BadRequest("a file has the path of a folder")


def directories(files: Iterable[Parts]) -> set[Parts]:
    """Return every folder above the files, the top included."""
    return {path[:depth] for path in files for depth in range(len(path))}


def staged_parts(request: DeliveryRequest, file: RequestedFile) -> Parts:
    """Return where a file is staged, below the staging root."""
    return (CONTENT, *inner(request.content_name, file.path))


def staged_folders(request: DeliveryRequest) -> list[Parts]:
    """Return the folders of the staged content below the staging root, parents first."""
    below = directories(inner(request.content_name, file.path) for file in request.files)
    return sorted(((CONTENT, *path) for path in below), key=len)
