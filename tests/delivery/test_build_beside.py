"""Hard links to what another owner has."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.delivery import (
    DeliveryRequest,
    LinkSource,
    TargetTaken,
    link_existing,
    target_exists,
)
from bridge.delivery.interface import RequestedFile
from tests.support.delivery import HASH, below

FILES = {"Show/a.mkv": b"first", "Show/sub/b.mkv": b"the second"}


def request(place: Path, files: dict[str, bytes] = FILES, name: str = "Show") -> DeliveryRequest:
    """What is, or is to be, at a save path."""
    listed = tuple(
        RequestedFile(
            file_id=number,
            remote_name=path,
            size=len(data),
            path=path.replace("Show", name, 1),
        )
        for number, (path, data) in enumerate(files.items())
    )
    return DeliveryRequest(info_hash=HASH, save_path=place, content_name=name, files=listed)


def delivered(done: DeliveryRequest) -> LinkSource:
    """The files that a request has put on disk."""
    return LinkSource(done.save_path, {file.file_id: file.path for file in done.files})


@pytest.fixture(name="source")
def _source(tmp_path: Path) -> DeliveryRequest:
    """A delivered content."""
    for path, data in FILES.items():
        target = tmp_path / "tv" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return request(tmp_path / "tv")


async def test_the_same_bytes_take_no_room(tmp_path: Path, source: DeliveryRequest) -> None:
    """The files appear below the other save path, and are the very same on disk."""
    other = request(tmp_path / "radarr", name="Show (2)")
    assert await link_existing(delivered(source), other)
    assert below(tmp_path / "radarr") == {
        "Show (2)",
        "Show (2)/a.mkv",
        "Show (2)/sub",
        "Show (2)/sub/b.mkv",
    }
    for mine, theirs in zip(source.files, other.files, strict=True):
        assert (tmp_path / "tv" / mine.path).samefile(tmp_path / "radarr" / theirs.path)


async def test_a_part_of_it(tmp_path: Path, source: DeliveryRequest) -> None:
    """A category that wants fewer files gets those."""
    other = request(tmp_path / "radarr")
    assert await link_existing(delivered(source), replace(other, files=other.files[1:]))
    assert "Show/a.mkv" not in below(tmp_path / "radarr")


async def test_twice_is_once(tmp_path: Path, source: DeliveryRequest) -> None:
    """After a crash between the rename and the note of it, it is found as it is."""
    other = request(tmp_path / "radarr")
    assert await link_existing(delivered(source), other)
    (tmp_path / "tv/Show/a.mkv").unlink()
    (tmp_path / "tv/Show/a.mkv").write_bytes(b"again")
    assert await link_existing(delivered(source), other)
    assert (tmp_path / "radarr/Show/a.mkv").read_bytes() == b"first"


@pytest.mark.parametrize("spoil", ["gone", "short", "a link", "not listed"])
async def test_what_is_not_whole_is_not_shared(
    tmp_path: Path, source: DeliveryRequest, spoil: str
) -> None:
    """Where one file is not what it should be nothing appears at all."""
    victim = tmp_path / "tv/Show/sub/b.mkv"
    match spoil:
        case "gone":
            victim.unlink()
        case "short":
            victim.write_bytes(b"the")
        case "a link":
            victim.rename(tmp_path / "elsewhere")
            victim.symlink_to(tmp_path / "elsewhere")
        case _:
            source = replace(source, files=source.files[:1])
    assert not await link_existing(delivered(source), request(tmp_path / "radarr"))
    assert not (tmp_path / "radarr").exists()


async def test_a_stranger_at_the_target(tmp_path: Path, source: DeliveryRequest) -> None:
    """What stands there already is left alone."""
    (tmp_path / "radarr/Show").mkdir(parents=True)
    (tmp_path / "radarr/Show/mine").write_text("mine")
    with pytest.raises(TargetTaken):
        await link_existing(delivered(source), request(tmp_path / "radarr"))
    assert below(tmp_path / "radarr") == {"Show", "Show/mine"}


async def test_a_place_where_nothing_can_be_linked(tmp_path: Path, source: DeliveryRequest) -> None:
    """Across file systems there are no hard links: then it has to be fetched, and nothing is left."""
    place = Path("/dev/shm") / f"torbox-bridge-test-{os.getpid()}"
    if not place.parent.is_dir() or place.parent.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    try:
        assert not await link_existing(delivered(source), request(place))
        assert below(place) == set()
    finally:
        shutil.rmtree(place)


async def test_what_stands(tmp_path: Path, source: DeliveryRequest) -> None:
    """Also a link that leads nowhere stands in the way."""
    (tmp_path / "dead").symlink_to(tmp_path / "nowhere")
    assert await target_exists(tmp_path, "dead")
    assert await target_exists(tmp_path / "tv", "Show")
    assert not await target_exists(tmp_path, "nowhere")
