"""The simulator as something to start, use and stop."""

import aiohttp
import pytest

from bridge.simulator import Simulator, make_torrent
from bridge.simulator.content import ContentFile
from tests.simulator.conftest import Start
from tests.simulator.support import A, B, film


async def test_it_listens_until_it_is_stopped() -> None:
    """A free port while it runs, nothing there afterwards; stopping twice is fine."""
    simulator = Simulator()
    await simulator.start()
    url = simulator.url
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as reply:
            assert reply.status == 404
        await simulator.stop()
        await simulator.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(url)


async def test_nothing_is_logged_that_holds_a_key_or_a_token(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """No access log: URLs of links and of requestdl are secrets."""
    caplog.set_level("DEBUG")
    api = await start(film(), items=[A])
    (item,) = api.sim.world.torrents()
    link = (await api.link(item.id)).data
    await api.fetch(link)
    assert api.sim.key not in caplog.text
    assert link.rpartition("token=")[2] not in caplog.text


async def test_two_run_side_by_side(start: Start) -> None:
    """Accounts are separate; a taken port is an OSError."""
    one, two = await start(film(), items=[A]), await start()
    assert one.sim.url != two.sim.url
    assert (await two.get("/torrents/mylist")).status == 404
    port = int(one.sim.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address"):
        await Simulator(port=port).start()


async def test_contents_are_registered_from_python(start: Start) -> None:
    """In the catalogue only, or on the account; their bytes can be compared."""
    api = await start()
    made = make_torrent("Film", (ContentFile("a.mkv", 10), ContentFile("b.mkv", 5)))
    assert api.sim.register(made) is None
    item = api.sim.register(film(B), on_account=True)
    assert item is not None
    assert item.present
    content = made.files[1]
    assert api.sim.content_bytes(made.hash, 1, 2, 3) == made.read(content, 2, 3)
    assert api.sim.content_bytes(made.hash, "b.mkv") == made.read(content, 0, 5)
    for wrong in ((A, 0), (B, "nothing.mkv")):
        with pytest.raises(KeyError):
            api.sim.content_bytes(*wrong)
