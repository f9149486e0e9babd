"""Publishing content that takes no time and no space to build: links, small texts.

It is built in a hidden folder beside its target, so that it needs no file system of its own, and
appears by one rename like everything else. Everything here blocks.
"""

from collections.abc import Callable
from pathlib import Path

from bridge.delivery.blocking import in_thread
from bridge.delivery.disk.disk_errors import disk_errors, make_directory
from bridge.delivery.disk.publish import Whole, publish, published
from bridge.delivery.disk.request_paths import (
    CONTENT,
    checked_staging_name,
    directories,
    inner,
    staged_path,
)
from bridge.delivery.disk.staging import discard
from bridge.delivery.interface import DeliveryRequest, RequestedFile

HIDDEN_PREFIX = ".torbox-bridge-"
"""How the hidden folder's name begins; the staging name follows."""


def put_in_place(
    request: DeliveryRequest, write: Callable[[Path, RequestedFile], None], whole: Whole
) -> None:
    """Make the content appear at its target; nothing is done when it is there already.

    `write` makes one file at a path, and `whole` tells whether it is the right one.

    Raises:
        TargetTaken: something else stands at the target.
        DeliveryFailed: the disk refused something.
        NotEnoughSpace: the disk is full.
    """
    root = _beside(request)
    with disk_errors(root):
        make_directory(request.save_path)
    discard(root)
    if published(root, request, whole):
        return
    with disk_errors(root):
        make_directory(root)
        for folder in _folders(request):
            root.joinpath(CONTENT, *folder).mkdir()
        for file in request.files:
            write(staged_path(root, request, file), file)
    publish(root, request, whole)


def abandon(request: DeliveryRequest) -> None:
    """Remove what was built beside the target and did not get there."""
    discard(_beside(request))


async def sweep(save_path: Path, staging_name: str) -> None:
    """Remove what was built beside a target under this staging name and did not get there.

    Raises:
        DeliveryFailed: the disk refused something.
    """
    await in_thread(discard, save_path / f"{HIDDEN_PREFIX}{checked_staging_name(staging_name)}")


def _beside(request: DeliveryRequest) -> Path:
    return request.save_path / f"{HIDDEN_PREFIX}{request.staging_name}"


def _folders(request: DeliveryRequest) -> list[tuple[str, ...]]:
    """List the folders to make, from the top down."""
    found = directories(inner(request.content_name, file.path) for file in request.files)
    return sorted(found, key=len)
