"""Publishing content that takes no time and no space to build: links, small texts.

It is built in a hidden folder beside its target, so that it needs no file system of its own, and
appears by one rename like everything else. Everything here blocks.
"""

from collections.abc import Callable
from pathlib import Path

from bridge.core.model import DeliveredFile
from bridge.delivery.base import Order
from bridge.delivery.disk import disk_errors, make_directory
from bridge.delivery.layout import CONTENT, directories, inner, staged_path
from bridge.delivery.publish import Whole, publish, published
from bridge.delivery.staging import discard
from bridge.delivery.tasks import in_thread

BESIDE = ".torbox-bridge-"
"""How the hidden folder begins; the info-hash follows."""


def put_in_place(order: Order, write: Callable[[Path, DeliveredFile], None], whole: Whole) -> None:
    """Make the content appear at its target; nothing is done when it is there already.

    `write` makes one file at a path, and `whole` tells whether it is the right one.

    Raises:
        TargetTaken: something else stands at the target.
        DeliveryFailed: the disk refused something.
        NotEnoughSpace: the disk is full.
    """
    root = _beside(order)
    with disk_errors(root):
        make_directory(order.save_path)
    discard(root)
    if published(root, order, whole):
        return
    with disk_errors(root):
        make_directory(root)
        for folder in _folders(order):
            root.joinpath(CONTENT, *folder).mkdir()
        for file in order.files:
            write(staged_path(root, order, file), file)
    publish(root, order, whole)


def abandon(order: Order) -> None:
    """Remove what was built beside the target and did not get there."""
    discard(_beside(order))


async def sweep(save_path: Path, info_hash: str) -> None:
    """Remove what was built for a hash below a save path and did not get to its target.

    Raises:
        DeliveryFailed: the disk refused something.
    """
    await in_thread(discard, save_path / f"{BESIDE}{info_hash}")


def _beside(order: Order) -> Path:
    return order.save_path / f"{BESIDE}{order.hash}"


def _folders(order: Order) -> list[tuple[str, ...]]:
    """List the folders to make, from the top down."""
    found = directories(inner(order.content_name, file.path) for file in order.files)
    return sorted(found, key=len)
