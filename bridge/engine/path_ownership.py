"""Which grab owns the content at a path: exactly one.

An *arr that moves its files away leaves a path that another grab could be given while the first
grab still names it. And a grab must not take over files of another grab that happen to have the
same names and sizes, as two torrents of one release do.
"""

from bridge.core.model import Entry, GrabPhase, Removal
from bridge.state import State


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
