"""What is still there after everything was removed, and what is not and should be."""

import os
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path

from bridge.simulator import Simulator
from tests.bench.soak.clients import CLIENTS
from tests.bench.soak.database import rows_left


def leftovers(
    sim: Simulator,
    *,
    kept: Collection[str],
    may_be_kept: Collection[str],
    downloads: Path,
    database: Path,
) -> Iterator[str]:
    """Tell all of it; nothing when it is clean. `kept` is what has to be at TorBox."""
    yield from _at_torbox(sim, kept, may_be_kept)
    yield from _on_disk(downloads)
    yield from rows_left(database)


def _at_torbox(
    sim: Simulator, kept: Collection[str], may_be_kept: Collection[str]
) -> Iterator[str]:
    world = sim.world
    held = {torrent.hash: torrent.content.name for torrent in world.torrents()}
    held |= {queued.content.hash: queued.content.name for queued in world.queue()}
    fine = {*kept, *may_be_kept}
    yield from (f"left at TorBox: {name}" for one, name in held.items() if one not in fine)
    yield from (f"deleted at TorBox, and still needed: {one}" for one in set(kept) - held.keys())


def _on_disk(downloads: Path) -> Iterator[str]:
    """Nothing but the directories of the categories, and an empty one for what is unfinished."""
    empty = {downloads / ".incomplete", *(client.path(downloads) for client in CLIENTS)}
    # Not rglob, which fails when a directory is deleted while it looks.
    found = {Path(where, name) for where, *names in os.walk(downloads) for name in chain(*names)}
    yield from (f"left on disk: {path.relative_to(downloads)}" for path in sorted(found - empty))
