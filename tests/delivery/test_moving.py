"""Delivered content that is renamed, moved, verified, taken back."""

from pathlib import Path

import pytest

from bridge.delivery import DeliveryFailed, DeliveryRequest, TargetTaken
from bridge.delivery.delivery_errors import BadRequest
from bridge.delivery.disk.moving import (
    copy_content,
    missing_files,
    move_content,
    reclaim,
    rename_files,
)
from bridge.delivery.interface import RequestedFile
from tests.support.delivery import HASH, below

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
    """What was delivered."""
    files = tuple(
        RequestedFile(file_id=number, remote_name=path, size=len(data), path=path)
        for number, (path, data) in enumerate(FILES.items())
    )
    return DeliveryRequest(info_hash=HASH, save_path=place, content_name="Show", files=files)


async def test_renamed_files_leave_no_empty_folder(place: Path) -> None:
    """What is on disk gets its new path, and the folder that it leaves empty goes."""
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
def test_copies_between_file_systems(place: Path, tmp_path: Path, name: str) -> None:
    """A copy stands there whole before the original goes; what a crash left half is replaced."""
    (place / "Film.mkv").write_bytes(b"film")
    target = tmp_path / "other" / name
    target.parent.mkdir()
    (target.parent / f".{name}.moving").write_text("half of an earlier copy")
    before = below(place / name) if name == "Show" else set()
    copy_content(place / name, target)
    assert (below(target) if name == "Show" else set()) == before
    assert not (place / name).exists()
    assert [path.name for path in target.parent.iterdir()] == [name]


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
    """What cannot be done is told in the room's words, and nothing is lost."""
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(DeliveryFailed):
        await move_content(place, "Show", tmp_path / "file" / "below")
    assert (place / "Show" / "a.mkv").exists()
