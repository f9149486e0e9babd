"""Stores the progress that clients were shown: it must not go back after a restart."""

from functools import partial

from msgspec.structs import replace

from bridge.core.model import Grab
from bridge.state import State

STEP = 0.05
"""A crash takes the shown progress back by no more than this."""


async def store_shown_progress(state: State, *, step: float = STEP) -> None:
    """Store the progress of every grab that has grown by more than `step` since it was stored."""
    grown = {
        grab_id: shown
        for grab_id, shown in state.shown_progress.items()
        if grab_id in state.grabs and shown > state.grabs[grab_id].progress + step
    }
    if not grown:
        return
    async with state.unit_of_work() as work:
        for grab_id, shown in grown.items():
            work.update_grab(grab_id, partial(_at_least, shown))


def _at_least(shown: float, grab: Grab) -> Grab:
    return replace(grab, progress=max(grab.progress, shown))
