"""The same files once more, at another place: hard links to those that another owner has.

Nothing is copied and nothing is fetched. Afterwards each owner may move or delete its own.
"""

import os
from pathlib import Path

import structlog

from bridge.core.model import DeliveredFile
from bridge.delivery.base import Order
from bridge.delivery.errors import DeliveryFailed
from bridge.delivery.layout import check_order
from bridge.delivery.publish import is_plain, of_full_size
from bridge.delivery.small import abandon, put_in_place
from bridge.delivery.tasks import in_thread

log = structlog.get_logger()


async def share(source: Order, order: Order) -> bool:
    """Make an order's content of hard links to the files of another order of the same torrent.

    False when not all of them are there whole, or where there are no hard links: then nothing is
    seen at the target. It appears by one rename, and is found again after a crash.

    Raises:
        TargetTaken: something else stands at the target.
    """
    check_order(order)
    return await in_thread(_share, source, order)


def _share(source: Order, order: Order) -> bool:
    paths = {file.file_id: file.path for file in source.files}

    def place(file: DeliveredFile) -> Path:
        return source.save_path / paths[file.file_id]

    def there(file: DeliveredFile) -> bool:
        path = paths.get(file.file_id)
        plain = path is not None and is_plain(source.save_path, path)
        return plain and of_full_size(place(file), file)

    def link(path: Path, file: DeliveredFile) -> None:
        os.link(place(file), path, follow_symlinks=False)

    if not all(map(there, order.files)):
        return False
    try:
        put_in_place(order, link, of_full_size)
    except DeliveryFailed as error:
        log.info("not_shared", hash=order.hash, target=str(order.target), why=str(error))
        abandon(order)
        return False
    return True


async def stands(save_path: Path, name: str) -> bool:
    """Tell whether something stands below a save path by that name."""
    return await in_thread(os.path.lexists, save_path / name)
