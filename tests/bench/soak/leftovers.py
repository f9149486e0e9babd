"""What is still there after everything was removed, and what is not and should be."""

from collections.abc import Collection, Iterator
from pathlib import Path

from bridge.simulator import Simulator
from tests.bench.soak.clients import CLIENTS
from tests.bench.soak.database import rows_left


def leftovers(
    sim: Simulator, elsewhere: Collection[str], downloads: Path, database: Path
) -> Iterator[str]:
    """Tell all of it; nothing when it is clean."""
    yield from _at_torbox(sim, elsewhere)
    yield from _on_disk(downloads)
    yield from rows_left(database)


def _at_torbox(sim: Simulator, elsewhere: Collection[str]) -> Iterator[str]:
    world = sim.world
    held = {torrent.hash: torrent.content.name for torrent in world.torrents()}
    held |= {queued.content.hash: queued.content.name for queued in world.queue()}
    yield from (f"left at TorBox: {name}" for one, name in held.items() if one not in elsewhere)
    yield from (f"deleted at TorBox, and not ours: {one}" for one in set(elsewhere) - held.keys())


def _on_disk(downloads: Path) -> Iterator[str]:
    """Nothing but the directories of the categories, and an empty one for what is unfinished."""
    empty = {downloads / ".incomplete", *(client.path(downloads) for client in CLIENTS)}
    for path in sorted(downloads.rglob("*")):
        if path not in empty:
            yield f"left on disk: {path.relative_to(downloads)}"
