"""`adopt` on a terminal and without one: what it asks, and what it prints."""

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from bridge.simulator import ContentFile, make_torrent
from tests.support.process import INHERITED, BridgeProcess, run_to_end
from tests.support.rig import Rig, cached

ROOT = Path(__file__).parents[1]
NAMES = ["Show.S01.\x1b[2J\x1b]0;owned\x07GRP", "Film.\u202egpj.mkv"]


@pytest.fixture(name="environ")
async def _environ(set_up: Rig) -> AsyncIterator[dict[str, str]]:
    """A running bridge, and two items that only TorBox knows."""
    for name in NAMES:
        content = cached(make_torrent(name, [ContentFile(f"{name}.mkv", 2 * 1024**2)]))
        set_up.sim.world.put(content)
    process = BridgeProcess(set_up.environ)
    await process.start()
    try:
        yield set_up.environ | {"BRIDGE_SERVER__PORT": process.url.rpartition(":")[2]}
    finally:
        await process.terminate()


async def test_all_is_asked_about(environ: dict[str, str]) -> None:
    """Without a terminal `--all` takes over nothing, and says how much it would have been."""
    code, said, errors = await run_to_end(environ, "adopt", "--all")
    assert code == 1
    assert "2 items, 0.00 GiB in all." in said
    assert environ["BRIDGE_PATHS__DOWNLOADS"] in said
    assert "--yes" in errors
    code, said, _ = await run_to_end(environ, "adopt")
    assert (code, len(said.splitlines())) == (0, 5)


async def test_all_with_yes(environ: dict[str, str]) -> None:
    """`--yes` answers the question."""
    code, said, _ = await run_to_end(environ, "adopt", "--all", "--yes", "--category", "tv")
    assert code == 0
    assert said.count("adopted") == 2


@pytest.mark.parametrize(("answer", "adopted"), [("n", 0), ("", 0), ("y", 2)])
async def test_all_on_a_terminal(environ: dict[str, str], answer: str, adopted: int) -> None:
    """Only a yes takes over."""
    code, shown = await _on_a_terminal(environ, answer, "adopt", "--all", "--category", "tv")
    assert code == (0 if adopted else 1)
    assert "They go into the category tv." in shown
    assert shown.count("adopted") == adopted


async def test_names_do_not_reach_the_terminal_raw(environ: dict[str, str]) -> None:
    """Escape codes and reversed text in a torrent's name are shown, not obeyed."""
    code, shown, _ = await run_to_end(environ, "adopt")
    assert code == 0
    assert not set("\x1b\x07\u202e") & set(shown)
    assert "\\x1b[2J" in shown
    assert "\\u202e" in shown


async def _on_a_terminal(
    environ: Mapping[str, str], answer: str, *arguments: str
) -> tuple[int | None, str]:
    """Run a command on a terminal; answers exit code and what it showed."""
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bridge",
            *arguments,
            cwd=ROOT,
            env={**INHERITED, **environ},
            stdin=theirs,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        os.write(ours, f"{answer}\n".encode())
        shown, _ = await asyncio.wait_for(process.communicate(), 20)
        return process.returncode, shown.decode()
    finally:
        os.close(ours)
        os.close(theirs)
