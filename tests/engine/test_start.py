"""What a start finds out at once: the key, TorBox, and whether another bridge is at work."""

import socket
from pathlib import Path

import pytest
import structlog

from bridge.engine import RetryTimes
from bridge.listen import CannotStart
from tests.support.process import BridgeProcess
from tests.support.rig import Rig

REAL = RetryTimes()
"""The pauses of a bridge that is really run."""


async def test_a_rejected_key_is_told_before_any_grab(tmp_path: Path) -> None:
    """Within seconds of the start, in the log and in /readyz; a new key is taken up by itself."""
    rig = Rig(tmp_path, retry=REAL, BRIDGE_TORBOX__API_KEY="not-the-key")
    with structlog.testing.capture_logs() as logs:
        await rig.open()
        await rig.until(lambda: bool(rig.service.troubles), within=5)
    status, why = await rig.get("/readyz")
    assert (status, "TorBox" in why) == (503, True), why
    assert any(entry["event"] == "torbox_stopped" and entry["needs_you"] for entry in logs)
    rig.change(BRIDGE_TORBOX__API_KEY=rig.sim.key)
    await rig.until(lambda: not rig.service.troubles, within=15)
    assert (await rig.get("/readyz"))[0] == 200
    await rig.close()


async def test_an_unreachable_torbox_is_told_before_any_grab(tmp_path: Path) -> None:
    """The same of a TorBox that does not answer."""
    rig = Rig(tmp_path, retry=REAL, BRIDGE_TORBOX__BASE_URL="http://127.0.0.1:9")
    await rig.open()
    await rig.until(lambda: bool(rig.service.troubles), within=10)
    assert (await rig.get("/readyz"))[0] == 503
    await rig.close()


async def test_all_well_is_told_too(rig: Rig) -> None:
    """TorBox is asked once at the start, and then left alone."""
    await rig.until(lambda: rig.state.snapshot.listed_at > 0)
    assert (await rig.get("/readyz"))[0] == 200
    assert rig.sim.calls.counts() == {"mylist": 1}


async def test_two_bridges_on_one_database(rig: Rig, tmp_path: Path) -> None:
    """The second does not start, and says why; after the first has ended it does."""
    second = Rig(tmp_path)
    await second.sim.start()
    with pytest.raises(CannotStart, match="another bridge is running"):
        await second.start()
    await rig.stop()
    await second.start()
    await second.close()


async def test_two_bridges_in_a_new_directory(tmp_path: Path) -> None:
    """The same at the very first start, which makes the directory of the database."""
    first = Rig(tmp_path, BRIDGE_PATHS__DATABASE=str(tmp_path / "new" / "config" / "bridge.db"))
    await first.open()
    second = Rig(tmp_path, BRIDGE_PATHS__DATABASE=str(tmp_path / "new" / "config" / "bridge.db"))
    await second.sim.start()
    with pytest.raises(CannotStart, match="another bridge is running"):
        await second.start()
    await second.close()
    await first.close()


def new_password(rig: Rig) -> str | None:
    """Return the password that a start has made, and shows."""
    assert rig.running is not None
    return rig.running.new_password


async def test_a_first_start_that_fails_keeps_no_password(tmp_path: Path) -> None:
    """A password that nobody was shown is not stored: the next start makes another and shows it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        rig = Rig(tmp_path, BRIDGE_SERVER__PASSWORD="", BRIDGE_SERVER__PORT=str(port))
        with pytest.raises(CannotStart, match="another program listens there"):
            await rig.open()
    rig.change(BRIDGE_SERVER__PORT="0")
    await rig.start()
    assert new_password(rig)
    await rig.restart()
    assert new_password(rig) is None
    await rig.close()


async def test_a_killed_bridge_leaves_no_lock(rig: Rig) -> None:
    """The lock of a bridge that was killed with SIGKILL does not outlive it."""
    await rig.stop()
    first = BridgeProcess(rig.environ)
    await first.start()
    with pytest.raises(CannotStart, match="another bridge is running"):
        await rig.start()
    await first.kill()
    await rig.start()
