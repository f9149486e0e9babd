"""The files of a grab: the request that delivers them, and which grab owns a path.

An *arr that moves its files away leaves a path that another grab could be given while the first
grab still names it. And a grab must not take over files of another grab that happen to have the
same names and sizes, as two torrents of one release do.
"""

from collections.abc import Collection, Iterable
from pathlib import Path

from bridge.core.model import DeliveredFile, Entry, Grab, GrabPhase, Removal
from bridge.delivery import DeliveryRequest, LinkSource, RequestedFile
from bridge.state import State


def request_of(
    entry: Entry, files: Iterable[DeliveredFile], *, title: str = "", torrent: bytes = b""
) -> DeliveryRequest:
    """Return the request for the chosen files of a grab. `title` is the item's name at TorBox."""
    grab = entry.grab
    names = (title, entry.download.remote_name, entry.name)
    return DeliveryRequest(
        info_hash=entry.hash,
        staging_name=grab.staging_name,
        save_path=Path(grab.save_path),
        content_name=grab.content_name,
        files=tuple(map(requested, (file for file in files if file.chosen))),
        torrent_id=entry.download.torrent_id or 0,
        titles=tuple(dict.fromkeys(name for name in names if name)),
        torrent=torrent,
        limit=grab.download_limit or None,
    )


def requested(file: DeliveredFile) -> RequestedFile:
    """Return the delivery's description of a file."""
    return RequestedFile(
        file_id=file.file_id, remote_name=file.remote_name, size=file.size, path=file.path
    )


def link_source(grab: Grab, files: Iterable[DeliveredFile]) -> LinkSource:
    """Return where the delivered files of a grab are, as a source for hard links."""
    paths = {file.file_id: file.path for file in files if file.chosen}
    return LinkSource(Path(grab.save_path), paths)


def staging_name_of(entry: Entry, taken: Collection[str]) -> str:
    """Return the name of a grab's directory below `paths.incomplete`.

    The info-hash, unless that is in `taken`.
    """
    if entry.grab.staging_name:
        return entry.grab.staging_name
    return f"{entry.hash}-{entry.grab.id}" if entry.hash in taken else entry.hash


def target_in_use(state: State, entry: Entry) -> bool:
    """Return whether another grab has, or is about to have, its content at this grab's target."""
    grab = entry.grab
    return any(
        other.grab.id != grab.id and _goes_first(other, entry)
        for other in state.at_target(grab.save_path, grab.content_name)
    )


async def paths_safe_to_delete(state: State, removal: Removal) -> tuple[str, ...]:
    """Return the files to delete, without paths that now hold another grab's files."""
    others: set[str] = set()
    for other in tuple(state.at_target(removal.save_path, removal.content_name)):
        if other.grab.complete or other.grab.phase is GrabPhase.DELIVERING:
            files = await state.files(other.grab.id)
            others |= {file.path for file in files if file.chosen}
    return tuple(path for path in removal.files if path not in others)


def _goes_first(holder: Entry, entry: Entry) -> bool:
    """Return whether the other of two deliveries to one path began first and so owns it."""
    if holder.complete:
        return True
    if holder.grab.phase is not GrabPhase.DELIVERING:
        return False
    if entry.grab.phase is not GrabPhase.DELIVERING:
        return True
    return (holder.grab.phase_at, holder.grab.id) < (entry.grab.phase_at, entry.grab.id)
