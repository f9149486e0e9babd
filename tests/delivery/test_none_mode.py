"""An empty folder stands for what stays at TorBox."""

from pathlib import Path

import pytest

from bridge.delivery.delivery_errors import BadRequest, TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.modes.none_mode import NoDelivery
from tests.support.modes import NO_LINKS, a_request, put


async def test_an_empty_folder(tmp_path: Path) -> None:
    """The content path exists below the save path and is empty; once more changes nothing."""
    request = a_request(tmp_path / "tv", ("Show/Show.E01.mkv", 5))
    for _ in range(2):
        await NoDelivery().deliver(request, NO_LINKS, Progress())
        assert list((tmp_path / "tv" / "Show").iterdir()) == []


@pytest.mark.parametrize("theirs", ["Show", "Show/theirs.mkv"])
async def test_a_target_of_somebody_else(tmp_path: Path, theirs: str) -> None:
    """A file, or a folder with something in it, is not taken over."""
    put(tmp_path, theirs, b"theirs")
    with pytest.raises(TargetTaken):
        await NoDelivery().deliver(a_request(tmp_path, ("Show/a.mkv", 5)), NO_LINKS, Progress())
    assert (tmp_path / theirs).read_bytes() == b"theirs"


async def test_removal(tmp_path: Path) -> None:
    """The folder goes while it is empty; files that somebody put there stay."""
    request = a_request(tmp_path, ("Show/a.mkv", 5))
    delivery = NoDelivery()
    await delivery.deliver(request, NO_LINKS, Progress())
    mine = put(tmp_path, "Show/a.mkv", b"mine")
    await delivery.remove(tmp_path, "Show", ["Show/a.mkv"])
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    await delivery.remove(tmp_path, "Show", ["Show/a.mkv"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b"])
async def test_removal_stays_below_the_save_path(tmp_path: Path, name: str) -> None:
    """What is no name removes nothing, least of all the save path."""
    (tmp_path / "tv").mkdir()
    with pytest.raises(BadRequest):
        await NoDelivery().remove(tmp_path / "tv", name, ())
    assert (tmp_path / "tv").is_dir()
