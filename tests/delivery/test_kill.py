"""Killed at any moment, a delivery leaves the truth on disk and goes on from there."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.staging import Checkpoint
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.modes.download_mode import DownloadDelivery
from tests.support.cdn import Cdn, slowly
from tests.support.delivery import FAST, HASH, below, some_bytes
from tests.support.killed import SIZES, VERSIONS, across, show, staging
from tests.support.mounts import tmpfs

ROOT = Path(__file__).parents[2]
PROGRAM = (sys.executable, "-m", "tests.support.killed")


class NoLinks:
    """Links that nobody may need."""

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Fail."""
        raise AssertionError(f"a link for {file_id} was asked for")


def kill_everywhere(what: str, top: Path, *rest: Path) -> list[Path]:
    """Let the program do its work, killed at each step in turn; return the directories it left."""
    command = [*PROGRAM, what, str(top), *map(str, rest)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=50)
    return sorted(top.iterdir(), key=lambda case: int(case.name))


async def test_killed_while_publishing(tmp_path: Path, session: aiohttp.ClientSession) -> None:
    """At each step the content is wholly staged or wholly at its target; the next run ends it."""
    cases = await asyncio.to_thread(kill_everywhere, "publish", tmp_path)
    assert len(cases) > 8
    published_at_once = []
    for case in cases:
        request = show(case)
        published_at_once.append(request.target.exists())
        holder = request.target if request.target.exists() else staging(case) / "content"
        assert {path for path in below(holder) if (holder / path).is_file()} == set(SIZES)
        delivery = DownloadDelivery(incomplete=case / ".incomplete", session=session, settings=FAST)
        await delivery.deliver(request, NoLinks(), Progress())
        for file in request.files:
            expected = some_bytes(file.size, file.file_id)
            assert (request.save_path / file.path).read_bytes() == expected
        assert not staging(case).exists()
    assert published_at_once == sorted(published_at_once)
    assert len(set(published_at_once)) == 2


async def test_killed_while_publishing_to_another_file_system(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """At each step the content is staged or at its target, whole; the next run leaves one copy."""
    top = tmp_path / "cases"
    top.mkdir()
    with tmpfs(tmp_path / "other") as other:
        cases = await asyncio.to_thread(kill_everywhere, "publish-across", top, other)
        assert len(cases) > 20
        published_at_once = []
        for case in cases:
            request = across(case, other)
            published_at_once.append(request.target.exists())
            delivery = DownloadDelivery(
                incomplete=case / ".incomplete", session=session, settings=FAST
            )
            await delivery.deliver(request, NoLinks(), Progress())
            for file in request.files:
                expected = some_bytes(file.size, file.file_id)
                assert (request.save_path / file.path).read_bytes() == expected
            assert not staging(case).exists()
            assert [path.name for path in request.save_path.iterdir()] == ["Show"]
        assert len(set(published_at_once)) == 2


async def test_killed_while_a_file_starts_anew(tmp_path: Path) -> None:
    """At each step the checkpoint claims only bytes that are there, of the version it names."""
    cases = await asyncio.to_thread(kill_everywhere, "restage", tmp_path)
    assert len(cases) > 10
    seen = set()
    for case in cases:
        checkpoint = staging(case) / "0.json"
        if not checkpoint.exists():
            continue
        claimed = msgspec.json.decode(checkpoint.read_bytes(), type=Checkpoint)
        data = (staging(case) / "content" / "a.mkv").read_bytes()
        assert len(data) == claimed.size
        version = claimed.etag.strip('"').encode()
        assert all(data[start:end] == version * (end - start) for start, end in claimed.done)
        seen.add((version, claimed.done))
    assert {version for version, _ in seen} == set(VERSIONS)


@pytest.mark.parametrize("seed", range(2))
async def test_killed_while_fetching(tmp_path: Path, cdn: Cdn, seed: int) -> None:
    """Killed again and again, a fetch keeps what its checkpoints claim and ends with the bytes."""
    size = 900 * KIB
    served = cdn.add(0, some_bytes(size, seed))
    served.always = slowly(pause=0.01, step=8 * KIB)
    arguments = ("fetch", str(tmp_path), await cdn.link(0, fresh=False), str(size))
    dice, claimed = random.Random(seed), []
    for _ in range(3):
        before = served.sent
        program = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, cwd=ROOT)
        goal = before + dice.randrange(100, 250) * KIB
        while served.sent < goal:  # noqa: ASYNC110 - the other side is a process
            await asyncio.sleep(0.003)
        program.kill()
        await program.wait()
        claimed.append(_true_claims(tmp_path, served.data))
    assert claimed == sorted(claimed)
    assert claimed[-1] > 0
    served.always = None
    before = served.sent
    program = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, cwd=ROOT)
    assert await program.wait() == 0
    assert (tmp_path / "tv" / "new" / "Show" / "a.mkv").read_bytes() == served.data
    assert served.sent - before == size - claimed[-1]


def _true_claims(top: Path, truth: bytes) -> int:
    """How much the checkpoint claims, all of it found to be true."""
    checkpoint = top / ".incomplete" / HASH / "0.json"
    if not checkpoint.exists():
        return 0
    claimed = msgspec.json.decode(checkpoint.read_bytes(), type=Checkpoint)
    data = (top / ".incomplete" / HASH / "content" / "a.mkv").read_bytes()
    assert all(data[start:end] == truth[start:end] for start, end in claimed.done)
    return sum(end - start for start, end in claimed.done)


async def test_sigterm_ends_a_delivery_full_of_fifos(tmp_path: Path, cdn: Cdn) -> None:
    """FIFOs that appear again and again in place of its files do not keep it from ending."""
    size = 900 * KIB
    served = cdn.add(0, some_bytes(size))
    served.always = slowly(pause=0.02, step=8 * KIB)
    arguments = ("fetch", str(tmp_path), await cdn.link(0, fresh=False), str(size))
    staged = tmp_path / ".incomplete" / HASH
    for name in ("0.json", "0.json.new", "content/a.mkv", "0.moved", "0.whole"):
        (staged / "content").mkdir(parents=True, exist_ok=True)
        os.mkfifo(staged / name)
    program = await asyncio.create_subprocess_exec(*PROGRAM, *arguments, cwd=ROOT)
    while served.sent < 200 * KIB:  # noqa: ASYNC110 - the other side is a process
        await asyncio.sleep(0.003)
    for name in ("0.json", "0.json.new", "content/a.mkv"):
        (staged / name).unlink(missing_ok=True)
        os.mkfifo(staged / name)
    await asyncio.sleep(0.2)
    program.send_signal(signal.SIGTERM)
    async with asyncio.timeout(10):
        await program.wait()
