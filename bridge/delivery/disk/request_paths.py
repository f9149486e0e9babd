"""Names made of an order. They were made safe before; here they are checked once more."""

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.delivery.delivery_errors import BadRequest
from bridge.delivery.interface import DeliveryRequest, RequestedFile

CONTENT = "content"
"""The top of the content while it is staged, whatever its name will be."""

_HASH = re.compile(r"[0-9a-f]{40}")
STAGING_NAME = re.compile(r"(?P<hash>[0-9a-f]{40})(-[0-9A-Za-z]{1,32})?")
"""An info-hash, and what tells several deliveries of it apart."""


def staging_root(incomplete: Path, staging_name: str) -> Path:
    """Return the directory that holds everything unfinished of one delivery."""
    return incomplete / checked_staging_name(staging_name)


def checked_staging_name(name: str) -> str:
    """Return the name; raise BadRequest if it is not a staging name."""
    if not STAGING_NAME.fullmatch(name):
        raise BadRequest(f"not a staging name: {name!r}")
    return name


def split(path: str) -> tuple[str, ...]:
    """Split a relative path; refuse what could leave its directory."""
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise BadRequest(f"not a path below the save path: {path!r}")
    return parts


def inner(content_name: str, path: str) -> tuple[str, ...]:
    """Return the path below the top of the content; empty for the content itself."""
    if len(split(content_name)) != 1:
        raise BadRequest(f"not a name: {content_name!r}")
    top, *below = split(path)
    if top != content_name:
        raise BadRequest(f"{path!r} is not in {content_name!r}")
    return tuple(below)


def check_request(request: DeliveryRequest) -> None:
    """Refuse, as BadOrder, an order that could not be delivered as one file or one folder."""
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


def _check_tree(paths: list[tuple[str, ...]]) -> None:
    files = set(paths)
    if len(files) != len(paths):
        raise BadRequest("two files have one path")
    if any(parent in files for parent in directories(files)):
        raise BadRequest("a file stands where a folder has to be")


def directories(files: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return every folder above the files, the top included."""
    return {path[:depth] for path in files for depth in range(len(path))}


def staged_path(root: Path, request: DeliveryRequest, file: RequestedFile) -> Path:
    """Return where a file is while it is fetched."""
    return root.joinpath(CONTENT, *inner(request.content_name, file.path))
