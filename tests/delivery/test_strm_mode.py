"""Small files with a URL for each video."""

from pathlib import Path

import pytest

from bridge.delivery.delivery_errors import NotYet, TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.strm_mode import StrmDelivery
from tests.support.modes import HASH, NO_LINKS, a_request, done, put

NAMES = ("Show/Show.E01.strm", "Show/More/Show.E02.strm")


def address(request: DeliveryRequest, file: RequestedFile) -> str:
    """Make a URL that tells what it is for."""
    return f"http://bridge/strm/{request.torrent_id}-{file.file_id}"


def show(save_path: Path) -> DeliveryRequest:
    """Order two episodes."""
    return a_request(save_path, (NAMES[0], 1000), (NAMES[1], 2000))


async def test_one_url_for_each_file(tmp_path: Path) -> None:
    """Each file holds its URL on a line of its own, and nothing else appears."""
    request, progress = show(tmp_path / "tv"), Progress()
    await StrmDelivery(address).deliver(request, NO_LINKS, progress)
    for number, name in enumerate(NAMES):
        assert (tmp_path / "tv" / name).read_text() == f"http://bridge/strm/7-{number}\n"
    assert [path.name for path in (tmp_path / "tv").iterdir()] == ["Show"]
    assert done(progress, request) == [1000, 2000]


async def test_taken_up_again(tmp_path: Path) -> None:
    """Half-built content is built anew, and what is in place is left as it is."""
    put(tmp_path, f".torbox-bridge-{HASH}/content/half", b"")
    delivery = StrmDelivery(address)
    await delivery.deliver(show(tmp_path), NO_LINKS, Progress())
    before = (tmp_path / NAMES[0]).stat()
    await delivery.deliver(show(tmp_path), NO_LINKS, Progress())
    assert (tmp_path / NAMES[0]).stat() == before
    assert [path.name for path in tmp_path.iterdir()] == ["Show"]


async def test_a_target_of_somebody_else(tmp_path: Path) -> None:
    """A file with another text is not ours: it stays, and another name is asked for."""
    put(tmp_path, NAMES[0], b"http://other\n")
    put(tmp_path, NAMES[1], b"http://other\n")
    with pytest.raises(TargetTaken):
        await StrmDelivery(address).deliver(show(tmp_path), NO_LINKS, Progress())
    assert (tmp_path / NAMES[0]).read_bytes() == b"http://other\n"


async def test_without_an_address(tmp_path: Path) -> None:
    """Without the bridge's URL nothing is written; what was written before can be removed."""
    await StrmDelivery(address).deliver(show(tmp_path), NO_LINKS, Progress())
    delivery = StrmDelivery(None)
    assert await delivery.remove(tmp_path, "Show", NAMES) == 2
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NotYet, match="public_url"):
        await delivery.deliver(show(tmp_path), NO_LINKS, Progress())
    assert list(tmp_path.iterdir()) == []
