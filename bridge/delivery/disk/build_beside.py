"""Publishing content that takes no time and no space to build: links, small texts, hard links.

It is built in a hidden folder beside its target, so that it needs no file system of its own, and
appears by one rename like everything else. Everything here blocks, but `discard_beside`.
"""

from collections.abc import Callable
from pathlib import Path

from bridge.delivery.blocking import in_thread
from bridge.delivery.disk.disk_errors import disk_errors, name_errors
from bridge.delivery.disk.publish import Whole, publish, published
from bridge.delivery.disk.request_paths import hidden_folder, staged_parts
from bridge.delivery.disk.safe_paths import Folder, open_folder
from bridge.delivery.disk.staging import discard, make_folders
from bridge.delivery.interface import DeliveryRequest, RequestedFile

Write = Callable[[Folder, str, RequestedFile], None]
"""Creates one file under this name in the folder."""


def put_in_place(request: DeliveryRequest, write: Write, whole: Whole) -> None:
    """Make the content appear at its target; do nothing if it is there already.

    Raises:
        TargetTaken: something else is at the target.
        NameRefused: the file system does not take a name.
        LocalDiskError: the disk refused something.
        NotEnoughSpace: the disk is full.
    """
    root = hidden_folder(request.save_path, request.staging_name)
    discard(root)
    if published(root, request, whole):
        return
    with disk_errors(root), open_folder(root, make=True) as folder:
        make_folders(folder, request)
        for file in request.files:
            *folders, name = staged_parts(request, file)
            with folder.walk(folders) as parent, name_errors(root.parent):
                write(parent, name, file)
    publish(root, request, whole)


async def discard_beside(save_path: Path, staging_name: str) -> None:
    """Remove what was built below a save path under this staging name and never got to its target.

    Raises:
        LocalDiskError: the disk refused something.
    """
    await in_thread(discard, hidden_folder(save_path, staging_name))
