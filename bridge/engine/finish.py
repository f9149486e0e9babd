"""Finishes grabs that have nothing left to seed, so that their *arr may remove them."""

import structlog

from bridge.core.model import COMPLETE, NOT_DELIVERED, Download, Entry, Grab, GrabPhase
from bridge.core.remote_tracking import to_grab_phase
from bridge.core.seeding import has_an_end
from bridge.engine.context import EngineContext
from bridge.torbox import Operation, TorBoxError

log = structlog.get_logger()


async def finish(ctx: EngineContext, grab_id: int) -> None:
    """Finish the grab, and stop seeding at TorBox if no other grab needs it."""
    entry = ctx.state.entry(grab_id)
    if entry is None:
        return
    others = [one for one in ctx.state.grabs_of(entry.download.id) if one.id != grab_id]
    if _seeds_for_us(ctx, entry, others):
        await _stop_seeding(ctx, entry.download)
    await ctx.state.update_grab(
        grab_id,
        lambda latest: (
            to_grab_phase(latest, GrabPhase.FINISHED) if latest.phase in COMPLETE else latest
        ),
        why="nothing left to seed",
    )


def _seeds_for_us(ctx: EngineContext, entry: Entry, others: list[Grab]) -> bool:
    """Return whether TorBox seeds it for us and no other grab wants that to continue."""
    if not entry.download.ours or entry.download.torrent_id is None:
        return False
    grabs = [ctx.with_limits(one) for one in (entry.grab, *others)]
    asked = any(has_an_end(ctx.rules(one.category).seed, one) for one in grabs)
    busy = NOT_DELIVERED | {GrabPhase.DELIVERED}
    return asked and not any(one.phase in busy for one in others)


async def _stop_seeding(ctx: EngineContext, download: Download) -> None:
    if download.torrent_id is None:
        return
    try:
        await ctx.torbox.control(download.torrent_id, Operation.STOP_SEEDING)
    except TorBoxError as error:
        # The *arr removes the entry next, and the item with it: the slot is freed all the same.
        log.warning(
            "stop_seeding_failed", release=download.name, hash=download.hash, why=str(error)
        )
