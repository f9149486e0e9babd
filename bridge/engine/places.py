"""Whose is what stands on the disk: a place belongs to one who asked, and to nobody else.

An *arr that moves its files away leaves a place that others may be given, while its own entry still
names it. And what others have delivered must not pass for a download's own, though it has the same
names and sizes.
"""

from collections.abc import Iterator, Sequence

from bridge.core.claims import same
from bridge.core.model import Claim, DeliveredFile, Download, Removal
from bridge.engine.services import Services


def taken(services: Services, asked: Download | Claim) -> bool:
    """Tell whether another one has its content where this one's is to be."""
    owners = _owners(services, asked.save_path, asked.content_name)
    return any(owner.hash != asked.hash or not same(owner, asked) for owner, _ in owners)


def still_there(services: Services, removal: Removal) -> tuple[str, ...]:
    """List the files to remove, without those in whose place another one's stand by now."""
    owners = _owners(services, removal.save_path, removal.content_name)
    others = {file.path for _, files in owners for file in files if file.chosen}
    return tuple(path for path in removal.files if path not in others)


def _owners(
    services: Services, save_path: str, content_name: str
) -> Iterator[tuple[Download | Claim, Sequence[DeliveredFile]]]:
    """Find who has its content there, complete."""
    ledger = services.ledger
    for download in ledger.downloads.values():
        asked: tuple[Download | Claim, ...] = (download, *ledger.claims(download.hash))
        for one in asked:
            if one.complete and (one.save_path, one.content_name) == (save_path, content_name):
                yield one, one.files if isinstance(one, Claim) else ledger.files(one.hash)
