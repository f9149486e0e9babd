"""Whose the content at a place on disk is: a place belongs to one grab, and to nobody else.

An *arr that moves its files away leaves a place that another grab could be given, while its own
entry still names it. And what others have delivered must not pass for a grab's own, though it has
the same names and sizes: another torrent of the same release has.
"""

from bridge.core.model import Entry, GrabPhase, Removal
from bridge.state import State


def target_in_use(state: State, entry: Entry) -> bool:
    """Return whether another grab has its content where this one's is to be, or is about to."""
    grab = entry.grab
    return any(
        other.grab.id != grab.id and _goes_first(other, entry)
        for other in state.at_target(grab.save_path, grab.content_name)
    )


async def paths_safe_to_delete(state: State, removal: Removal) -> tuple[str, ...]:
    """Return the files to delete, without those in whose place another grab's are by now."""
    others: set[str] = set()
    for other in tuple(state.at_target(removal.save_path, removal.content_name)):
        if other.grab.complete or other.grab.phase is GrabPhase.DELIVERING:
            files = await state.files(other.grab.id)
            others |= {file.path for file in files if file.chosen}
    return tuple(path for path in removal.files if path not in others)


def _goes_first(holder: Entry, entry: Entry) -> bool:
    """Of two that are being delivered to one place, the one that began first has it."""
    if holder.complete:
        return True
    if holder.grab.phase is not GrabPhase.DELIVERING:
        return False
    if entry.grab.phase is not GrabPhase.DELIVERING:
        return True
    return (holder.grab.phase_at, holder.grab.id) < (entry.grab.phase_at, entry.grab.id)
