"""The commands as a user meets them: exit codes, what they say, how they end."""

import asyncio
import os
import re
import signal
import socket
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.http import client_of
from tests.support.process import INHERITED, BridgeProcess, run_to_end
from tests.support.rig import Rig


async def test_no_key(set_up: Rig) -> None:
    """Without a TorBox key it serves: the log says so, and the page asks for the key."""
    environ = {key: value for key, value in set_up.environ.items() if "TORBOX__API" not in key}
    process = BridgeProcess(environ)
    await process.start()
    assert any('"no_torbox_key"' in line for line in process.output)
    async with client_of(process.url) as client:
        assert (await client.get("/")).status == 200
        assert (await client.get("/healthz")).status == 200
    # The doctor's first look.
    await set_up.until(lambda: any('"check_finding"' in line for line in process.output))
    found = next(line for line in process.output if '"check_finding"' in line)
    assert "there is no API key yet" in found
    assert "on the bridge's page" in found
    assert set_up.sim.calls.counts() == {}
    assert await process.terminate() == 0


async def test_missing_downloads(set_up: Rig) -> None:
    """A downloads directory that is not there: exit 2, and the command that makes it."""
    set_up.downloads.rmdir()
    code, _, errors = await run_to_end(set_up.environ, "run")
    assert code == 2
    assert f"mkdir -p {set_up.downloads}" in errors


async def test_a_taken_port(set_up: Rig) -> None:
    """A port that somebody else listens on: exit 2, and the setting to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environ = set_up.environ | {"BRIDGE_SERVER__PORT": str(taken.getsockname()[1])}
        code, _, errors = await run_to_end(environ, "run")
    assert code == 2
    assert "server.port" in errors


async def test_bad_settings(set_up: Rig) -> None:
    """A misspelt setting: exit 2, and its name."""
    code, _, errors = await run_to_end(set_up.environ | {"BRIDGE_SERVER__PROT": "1"}, "run")
    assert code == 2
    assert "BRIDGE_SERVER__PROT" in errors


async def test_umask(set_up: Rig) -> None:
    """UMASK is taken as octal and holds for what the bridge makes; nonsense is exit 2."""
    code, _, errors = await run_to_end(set_up.environ | {"UMASK": "rw"}, "run")
    assert code == 2
    assert "UMASK" in errors
    bridge = BridgeProcess(
        set_up.environ | {"UMASK": "007", "BRIDGE_CATEGORIES": '{"tv-sonarr": {}}'}
    )
    await bridge.start()
    await bridge.terminate()
    assert (set_up.downloads / "tv-sonarr").stat().st_mode & 0o777 == 0o770


async def test_a_database_from_the_future(set_up: Rig) -> None:
    """A file that is no database: exit 2 with its name, and it is left as it is."""
    path = Path(set_up.environ["BRIDGE_PATHS__DATABASE"])
    path.write_text("not a database, and long enough to be looked at by SQLite\n" * 20)
    before = path.read_bytes()
    code, _, errors = await run_to_end(set_up.environ, "run")
    assert code == 2
    assert str(path) in errors
    assert path.read_bytes() == before


async def test_the_first_password(set_up: Rig) -> None:
    """Made at the first start, printed once, kept hashed, and good for a login ever after."""
    environ = {key: value for key, value in set_up.environ.items() if "PASSWORD" not in key}
    process = BridgeProcess(environ)
    await process.start()
    line = next(line for line in process.output if "password" in line)
    password = line.rpartition(" ")[2]
    await process.terminate()
    again = BridgeProcess(environ)
    await again.start()
    try:
        assert not any("Login for" in line for line in again.output)
        assert password.encode() not in Path(environ["BRIDGE_PATHS__DATABASE"]).read_bytes()
        async with set_up.arr_at(again.url, password) as arr:
            assert await arr.test() == []
    finally:
        await again.terminate()


async def test_health(set_up: Rig) -> None:
    """`health` says ok of a running bridge, without a call to TorBox, and exits 1 if there is none."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = set_up.environ | {"BRIDGE_SERVER__PORT": str(port)}
    code, _, _ = await run_to_end(environ, "health")
    assert code == 1
    process = BridgeProcess(environ)
    await process.start()
    try:
        for _ in range(3):
            code, out, _ = await run_to_end(environ, "health")
            assert (code, out) == (0, "ok\n")
        # The first look of the doctor may fall into this time; it calls each endpoint once.
        assert set(set_up.sim.calls.counts().values()) <= {1}
    finally:
        assert await process.terminate() == 0


async def test_a_rejected_key_is_logged_at_the_start(set_up: Rig) -> None:
    """A wrong TorBox key is in the log within seconds, with what to do, before anything is added."""
    process = BridgeProcess(set_up.environ | {"BRIDGE_TORBOX__API_KEY": "a-wrong-key"})
    await process.start()
    try:
        await set_up.until(lambda: any("check_finding" in line for line in process.output))
    finally:
        await process.terminate()
    found = next(line for line in process.output if "check_finding" in line)
    assert '"level": "error"' in found
    assert "rejected the API key" in found
    assert "torbox.api_key" in found
    assert not any("a-wrong-key" in line for line in process.output)


async def test_version() -> None:
    """`version` prints one line."""
    code, out, _ = await run_to_end({}, "version")
    assert code == 0
    assert out.startswith("torbox-bridge ")


async def test_the_demo() -> None:
    """Every step of the demo passes, and it ends with what TorBox saw."""
    code, out, errors = await run_to_end({}, "demo", within=120.0)
    assert (code, errors) == (0, "")
    assert "All 12 steps passed" in out
    assert " 1 file, 37,748,736 bytes" in out
    assert "2 x createtorrent" in out


@pytest.mark.parametrize("command", ["demo", "simulator"])
@pytest.mark.parametrize("port", ["65536", "-1", "http"])
async def test_a_port_that_is_none(command: str, port: str) -> None:
    """A port that does not exist: exit 2, what is allowed, and nothing is started."""
    code, out, errors = await run_to_end({}, command, f"--port={port}")
    assert (code, out) == (2, "")
    assert f"argument --port: expected 0 to 65535, got '{port}'" in errors


async def test_a_taken_port_of_the_simulator() -> None:
    """Exit 1, and why in words."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, errors = await run_to_end({}, "simulator", f"--port={port}")
    assert (code, out) == (1, "")
    assert errors == f"cannot listen on 127.0.0.1:{port}: another program listens there\n"


async def test_the_demo_is_kept() -> None:
    """With --keep it goes on at the port that was asked for, with downloads in different states."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "demo", "--keep", "--host", "0.0.0.0"),
        *("--port", str(port)),
        env=INHERITED,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    told = (await asyncio.wait_for(process.stdout.readuntil(b"Press Ctrl-C"), 60)).decode()
    try:
        assert f"http://localhost:{port}/" in told
        password = re.findall(r"password (\S+)", told)[0]
        async with client_of(f"http://127.0.0.1:{port}") as client:
            await client.login("admin", password)
            account = (await client.get("/api/bridge/account")).json()
            async with asyncio.timeout(20):
                groups = set[str]()
                while groups != {"fetching", "torbox", "waiting", "failed", "paused", "completed"}:
                    await asyncio.sleep(0.1)
                    rows = (await client.get("/api/bridge/sync")).json()["rows"]
                    groups = {row["group"] for row in rows}
        assert [item["name"] for item in account] == ["Added.On.The.Site.S02.720p.WEB.H264-ELSE"]
    finally:
        process.send_signal(signal.SIGINT)
        await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0


INTERRUPTED_IMPORT = """
import sys

class CtrlC:
    def find_spec(self, name, *_):
        if name == "bridge.config":
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from bridge.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["run", "check", "simulator"])
async def test_ctrl_c_while_it_loads(command: str) -> None:
    """Ctrl-C before the command runs ends it like later: exit 130, without a traceback."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", INTERRUPTED_IMPORT, command),
        cwd=Path(__file__).parents[1],
        env=INHERITED,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert (process.returncode, out) == (130, b"")


async def test_a_plain_checkout(tmp_path: Path) -> None:
    """`python -m bridge` needs the dependencies only: the package itself need not be installed."""
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "torbox_bridge" not in entry.name:
            (tmp_path / entry.name).symlink_to(entry)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-S", "-m", "bridge", "demo"),
        cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
