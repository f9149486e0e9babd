"""Helpers for tests in which several *arr have the same torrent."""

from bridge.core.model import Phase
from bridge.simulator import Content, magnet_of
from tests.arr_emulator.arr_client import Arr
from tests.support.rig import Rig

TV, FILMS = "tv-sonarr", "radarr"


def shown(rig: Rig) -> dict[str, Phase]:
    """Return the phase that each category is shown, from inside."""
    return {view.grab.category: view.phase for view in rig.service.queries.views.values()}


async def add(content: Content, *arrs: Arr) -> str:
    """Let each *arr grab the same release; answers the id that all of them give it."""
    (download_id,) = {await arr.add_magnet(magnet_of(content)) for arr in arrs}
    return download_id


async def settled(rig: Rig) -> None:
    """Wait until nothing is left to be removed."""
    await rig.until(lambda: not rig.removals)


def names(rig: Rig, category: str) -> list[str]:
    """List what lies in the directory of a category."""
    return sorted(path.name for path in (rig.downloads / category).iterdir())


async def fetched(rig: Rig, content: Content) -> int:
    """Count the bytes that the CDN sent, once it has counted all of them itself."""

    def sent() -> int:
        return sum(call.bytes for call in rig.sim.calls.to("cdn"))

    await rig.until(lambda: sent() >= content.size)
    return sent()
