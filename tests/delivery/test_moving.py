"""Delivered content that is renamed, moved, verified, taken back."""

import os
import shutil
from pathlib import Path

import pytest

from bridge.delivery import DeliveryFailed, DeliveryRequest, TargetTaken
from bridge.delivery.delivery_errors import BadRequest, NotEnoughSpace
from bridge.delivery.disk.moving import (
    missing_files,
    move_content,
    reclaim,
    rename_files,
)
from bridge.delivery.interface import RequestedFile
from tests.support.delivery import HASH, below
from tests.support.mounts import tmpfs

FILES = {"Show/a.mkv": b"first", "Show/sub/b.mkv": b"the second"}


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    """A save path with a delivered content."""
    place = tmp_path / "downloads"
    for path, data in FILES.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return place


def request(place: Path) -> DeliveryRequest:
    """The delivered files."""
    files = tuple(
        RequestedFile(file_id=number, remote_name=path, size=len(data), path=path)
        for number, (path, data) in enumerate(FILES.items())
    )
    return DeliveryRequest(info_hash=HASH, save_path=place, content_name="Show", files=files)


async def test_renamed_files_leave_no_empty_folder(place: Path) -> None:
    """A file gets its new path, and the folder that becomes empty is deleted."""
    await rename_files(place, [("Show/sub/b.mkv", "Show/b.mkv"), ("Show/gone", "Show/x")])
    assert below(place) == {"Show", "Show/a.mkv", "Show/b.mkv"}


async def test_renames_are_all_or_none(place: Path) -> None:
    """When the second of two cannot be done, the first is taken back."""
    (place / "Show" / "taken").write_text("mine")
    before = below(place)
    with pytest.raises(TargetTaken):
        await rename_files(place, [("Show/sub/b.mkv", "Other/b.mkv"), ("Show/a.mkv", "Show/taken")])
    assert below(place) - {"Other"} == before
    assert (place / "Show" / "taken").read_text() == "mine"


@pytest.mark.parametrize("new", ["../out", "/out", "Show/../../out", "Show//x"])
async def test_no_rename_leaves_the_save_path(place: Path, new: str) -> None:
    """Names were made safe before; here they are checked once more."""
    with pytest.raises(BadRequest):
        await rename_files(place, [("Show/a.mkv", new)])
    assert (place / "Show" / "a.mkv").exists()


async def test_moved_content_is_moved_once(place: Path, tmp_path: Path) -> None:
    """All of it goes, strangers' files too; again, after a crash, there is nothing left to do."""
    (place / "Show" / "mine.srt").write_text("1")
    target = tmp_path / "else" / "where"
    for _ in range(2):
        await move_content(place, "Show", target)
        assert (target / "Show" / "a.mkv").read_bytes() == b"first"
    assert (target / "Show" / "mine.srt").exists()
    assert not (place / "Show").exists()


async def test_nothing_is_moved_onto_something(place: Path, tmp_path: Path) -> None:
    """A taken place stays as it is, and so does the content."""
    (tmp_path / "Show").write_text("mine")
    with pytest.raises(TargetTaken):
        await move_content(place, "Show", tmp_path)
    assert (tmp_path / "Show").read_text() == "mine"
    assert (place / "Show" / "a.mkv").exists()


@pytest.mark.parametrize("name", ["Show", "Film.mkv"])
async def test_moves_between_file_systems(place: Path, tmp_path: Path, name: str) -> None:
    """A copy is there whole before the original goes; half a copy of a crash is replaced."""
    (place / "Film.mkv").write_bytes(b"film")
    os.utime(place / "Film.mkv", ns=(1, 2_000_000_000))
    (place / "Show" / "sub" / "link").symlink_to("nowhere")
    before = below(place / name) if name == "Show" else set()
    with tmpfs(tmp_path / "other") as other:
        (other / f".{name}.moving").write_text("half of an earlier copy")
        await move_content(place, name, other)
        assert (below(other / name) if name == "Show" else set()) == before
        assert not os.path.lexists(place / name)
        assert [path.name for path in other.iterdir()] == [name]
        if name == "Film.mkv":
            assert (other / name).stat().st_mtime_ns == 2_000_000_000


@pytest.mark.parametrize("copied", [True, False])
async def test_a_move_that_was_killed_at_its_end(
    place: Path, tmp_path: Path, *, copied: bool
) -> None:
    """After the original was renamed away the move is finished, and nothing is there twice."""
    (place / "Show").rename(place / ".Show.moved")
    shutil.copytree(
        place / ".Show.moved", tmp_path / "other" / ("Show" if copied else ".Show.moving")
    )
    await move_content(place, "Show", tmp_path / "other")
    assert below(tmp_path / "other") == {"Show", *FILES, "Show/sub"}
    assert below(place) == set()


async def test_no_move_to_a_full_disk(place: Path, tmp_path: Path) -> None:
    """The original stays, and no half of a copy is left."""
    with (place / "Show" / "a.mkv").open("wb") as file:
        file.write(bytes(3 << 20))
    with tmpfs(tmp_path / "other", mib=2) as other:
        with pytest.raises(NotEnoughSpace):
            await move_content(place, "Show", other)
        assert below(other) == set()
    assert (place / "Show" / "a.mkv").exists()


async def test_what_is_missing(place: Path) -> None:
    """A file counts when it stands there in full size, as a file and not through a link."""
    assert await missing_files(request(place)) == ()
    (place / "Show" / "a.mkv").write_bytes(b"firs")
    assert await missing_files(request(place)) == ("Show/a.mkv",)
    (place / "Show" / "sub").rename(place / "elsewhere")
    (place / "Show" / "sub").symlink_to(place / "elsewhere")
    assert await missing_files(request(place), links=True) == ("Show/sub/b.mkv",)


async def test_whole_files_are_taken_back(place: Path, tmp_path: Path) -> None:
    """They are staged as known in full; a changed file and strangers' files stay in place."""
    (place / "Show" / "a.mkv").write_bytes(b"changed by the user")
    assert await reclaim(tmp_path / "incomplete", request(place)) == 1
    staged = tmp_path / "incomplete" / HASH
    assert (staged / "content" / "sub" / "b.mkv").read_bytes() == b"the second"
    assert below(place) == {"Show", "Show/a.mkv"}
    assert await reclaim(tmp_path / "incomplete", request(place)) == 0


async def test_a_disk_that_refuses(place: Path, tmp_path: Path) -> None:
    """A failed move is reported with the paths of the disk, and nothing is lost."""
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(DeliveryFailed):
        await move_content(place, "Show", tmp_path / "file" / "below")
    assert (place / "Show" / "a.mkv").exists()
