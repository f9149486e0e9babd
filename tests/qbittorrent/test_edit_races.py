"""A file is renamed or left out at the moment at which the files are planned."""

import asyncio
import time
from collections.abc import Coroutine
from types import MappingProxyType
from typing import Any

import pytest

from bridge.core.model import DeliveredFile, Phase, RemoteFile, RemoteItem, Snapshot
from bridge.engine.file_planning import plan_files, plan_one
from tests.support.face import Face, magnet
from tests.support.http import Client

H = "a" * 40
ITEM = RemoteItem(
    id=7,
    hash=H,
    size=300,
    finished=True,
    present=True,
    files=(
        RemoteFile(id=0, name="Film/a.mkv", size=100),
        RemoteFile(id=1, name="Film/b.mkv", size=200),
    ),
)
EDITS = {
    "renameFile": {"oldPath": "Film/a.mkv", "newPath": "Film/new.mkv"},
    "renameFolder": {"oldPath": "Film", "newPath": "Movie"},
    "filePrio": {"id": "1", "priority": "0"},
}


async def waiting(face: Face, number: int) -> None:
    """Wait until so many units of work wait for the one in progress."""
    deadline = time.monotonic() + 10
    while len(face.state._lock._waiters or ()) < number:
        assert time.monotonic() < deadline, "it does not wait"
        await asyncio.sleep(0.01)


async def one_after_the_other(face: Face, *works: Coroutine[Any, Any, Any]) -> None:
    """Let each look at the state as it is before the first of them commits."""
    async with asyncio.TaskGroup() as group, face.state.unit_of_work():
        for number, work in enumerate(works, start=1):
            group.create_task(work)
            await waiting(face, number)


def is_edited(files: tuple[DeliveredFile, ...], endpoint: str) -> bool:
    """Return whether the files are as the edit wants them."""
    first, second = files
    match endpoint:
        case "renameFile":
            return first.path == "Film/new.mkv"
        case "renameFolder":
            return {file.path for file in files} == {"Movie/a.mkv", "Movie/b.mkv"}
        case _:
            return first.chosen and not second.chosen


@pytest.mark.parametrize("first", ["edit", "plan"])
@pytest.mark.parametrize("all_at_once", [True, False])
@pytest.mark.parametrize("endpoint", EDITS)
async def test_no_edit_is_lost(
    face: Face, client: Client, endpoint: str, *, all_at_once: bool, first: str
) -> None:
    """Whoever commits first: the files are planned as the client wants them."""
    await client.post("torrents/add", urls=magnet(H, "Film"))
    await face.put(H, phase=Phase.REMOTE, torrent_id=ITEM.id)
    face.state.set_snapshot(Snapshot(items=MappingProxyType({ITEM.id: ITEM})), [ITEM.id])
    entry = face.view(H)
    edit = client.post(f"torrents/{endpoint}", hash=H, **EDITS[endpoint])
    plan = (
        plan_files(face.ctx, entry.download.id)
        if all_at_once
        else plan_one(face.ctx, entry.grab.id)
    )
    works = (edit, plan) if first == "edit" else (plan, edit)
    await one_after_the_other(face, *works)
    if not face.view(H).grab.planned:
        await plan_one(face.ctx, entry.grab.id)  # as its delivery does
    assert is_edited(await face.state.files(entry.grab.id), endpoint)
