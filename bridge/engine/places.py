"""Whose is what stands on the disk: a place belongs to one who asked, and to nobody else.

An *arr that moves its files away leaves a place that others could be given, while its own entry
still names it. And what others have delivered must not pass for a download's own, though it has
the same names and sizes: another torrent of the same release has.
"""

from collections.abc import Iterator, Sequence

from bridge.core.claims import same
from bridge.core.model import Claim, DeliveredFile, Download, Phase, Removal
from bridge.engine.services import Services


def taken(services: Services, asked: Download | Claim) -> bool:
    """Tell whether another one has its content where this one's is to be, or is about to."""
    return any(
        _goes_first(holder, asked)
        for holder, _ in _holders(services, asked.save_path, asked.content_name)
        if holder.hash != asked.hash or not same(holder, asked)
    )


def still_there(services: Services, removal: Removal) -> tuple[str, ...]:
    """List the files to remove, without those in whose place another one's stand by now."""
    holders = _holders(services, removal.save_path, removal.content_name)
    others = {file.path for _, files in holders for file in files if file.chosen}
    return tuple(path for path in removal.files if path not in others)


def _holders(
    services: Services, save_path: str, content_name: str
) -> Iterator[tuple[Download | Claim, Sequence[DeliveredFile]]]:
    """Find those whose content is there, or may be."""
    ledger = services.ledger
    for download in ledger.downloads.values():
        asked: tuple[Download | Claim, ...] = (download, *ledger.claims(download.hash))
        for one in asked:
            here = (one.save_path, one.content_name) == (save_path, content_name)
            if here and (one.complete or _on_its_way(one)):
                yield one, one.files if isinstance(one, Claim) else ledger.files(one.hash)


def _on_its_way(asked: Download | Claim) -> bool:
    """Tell whether its files may be in place though that is not written down yet."""
    return asked.waits if isinstance(asked, Claim) else asked.phase is Phase.DELIVERING


def _goes_first(holder: Download | Claim, asked: Download | Claim) -> bool:
    """Of two that are being delivered to one place the one that began first has it."""
    if isinstance(holder, Claim) or isinstance(asked, Claim) or holder.complete:
        return True
    return (holder.phase_at, holder.hash) < (asked.phase_at, asked.hash)
