"""Names made of an order. They were made safe before; here they are checked once more."""

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.core.model import DeliveredFile
from bridge.delivery.base import Order
from bridge.delivery.errors import BadOrder

CONTENT = "content"
"""The top of the content while it is staged, whatever its name will be."""

_HASH = re.compile(r"[0-9a-f]{40}")


def staging_root(incomplete: Path, info_hash: str) -> Path:
    """Return the directory that holds all that is half done for one download."""
    if not _HASH.fullmatch(info_hash):
        raise BadOrder(f"not an info-hash: {info_hash!r}")
    return incomplete / info_hash


def split(path: str) -> tuple[str, ...]:
    """Split a relative path; refuse what could leave its directory."""
    parts = tuple(path.split("/"))
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise BadOrder(f"not a path below the save path: {path!r}")
    return parts


def inner(content_name: str, path: str) -> tuple[str, ...]:
    """Return the path below the top of the content; empty for the content itself."""
    if len(split(content_name)) != 1:
        raise BadOrder(f"not a name: {content_name!r}")
    top, *below = split(path)
    if top != content_name:
        raise BadOrder(f"{path!r} is not in {content_name!r}")
    return tuple(below)


def check_order(order: Order) -> None:
    """Refuse, as BadOrder, an order that could not be delivered as one file or one folder."""
    if not order.save_path.is_absolute() or ".." in order.save_path.parts:
        raise BadOrder(f"not an absolute path: {order.save_path}")
    if not order.files:
        raise BadOrder("no files are to be delivered")
    if any(file.size < 0 for file in order.files):
        raise BadOrder("a file has a negative size")
    if len({file.file_id for file in order.files}) != len(order.files):
        raise BadOrder("two files have one id")
    _check_tree([inner(order.content_name, file.path) for file in order.files])


def _check_tree(paths: list[tuple[str, ...]]) -> None:
    files = set(paths)
    if len(files) != len(paths):
        raise BadOrder("two files have one path")
    if any(parent in files for parent in directories(files)):
        raise BadOrder("a file stands where a folder has to be")


def directories(files: Iterable[tuple[str, ...]]) -> set[tuple[str, ...]]:
    """Return every folder above the files, the top included."""
    return {path[:depth] for path in files for depth in range(len(path))}


def staged_path(root: Path, order: Order, file: DeliveredFile) -> Path:
    """Return where a file is while it is fetched."""
    return root.joinpath(CONTENT, *inner(order.content_name, file.path))
