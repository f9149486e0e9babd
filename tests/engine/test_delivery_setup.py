"""Directories tried before the start, each as its mode will use it."""

from pathlib import Path
from tempfile import gettempdir

import pytest

from bridge.config import (
    CategorySettings,
    DeliverySettings,
    Mode,
    PathSettings,
    Policy,
    Settings,
)
from bridge.engine.delivery_setup import directory_problems
from tests.support.rig import Rig

SHM = Path("/dev/shm")

ELSEWHERE = pytest.mark.skipif(
    not SHM.is_dir() or SHM.stat().st_dev == Path(gettempdir()).stat().st_dev,
    reason="needs a second file system",
)


def settings(downloads: Path, mode: Mode = "download", **save_paths: str) -> Settings:
    """Deliver all categories in one mode, each at its save path; "" is the default one."""
    return Settings(
        paths=PathSettings(downloads=downloads),
        delivery=DeliverySettings(mode=mode),
        categories={
            name: CategorySettings(save_path=path or None) for name, path in save_paths.items()
        },
    )


@pytest.mark.parametrize("mode", ["download", "symlink", "strm", "none"])
def test_all_is_well(tmp_path: Path, mode: Mode) -> None:
    """Directories of categories are made, and nothing is left behind in them."""
    chosen = settings(tmp_path, mode, tv="", films=str(tmp_path / "deep" / "films"))
    assert directory_problems(chosen) == []
    assert list((tmp_path / "tv").iterdir()) == []
    assert list((tmp_path / "deep" / "films").iterdir()) == []


@pytest.mark.parametrize("mode", ["download", "symlink"])
def test_downloads_must_be_there(tmp_path: Path, mode: Mode) -> None:
    """A missing downloads directory is one problem, with the command that makes it."""
    (problem,) = directory_problems(settings(tmp_path / "gone", mode, tv=""))
    assert f"mkdir -p {tmp_path / 'gone'}" in problem


def test_a_category_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the place of a category's directory is told with the category's key."""
    (tmp_path / "tv").touch()
    (problem,) = directory_problems(settings(tmp_path, "strm", tv="", films=""))
    assert problem.startswith("categories.tv.save_path: ")


@ELSEWHERE
@pytest.mark.parametrize("mode", ["download", "symlink", "strm"])
def test_a_category_may_be_on_another_file_system(tmp_path: Path, mode: Mode) -> None:
    """Fetched files are copied there when they are whole; links go anywhere."""
    there = SHM / tmp_path.name
    policy = Policy(delivery=mode)
    chosen = Settings(
        paths=PathSettings(downloads=tmp_path),
        categories={"tv": CategorySettings(save_path=str(there), policy=policy)},
    )
    try:
        assert directory_problems(chosen) == []
    finally:
        there.rmdir()


async def test_one_bad_category_of_an_arr_stops_nothing(rig: Rig) -> None:
    """A directory that an *arr's category lost is told in the log; the bridge starts all the same."""
    assert await rig.service.labels.create_category("tv-sonarr", "") is None
    await rig.stop()
    (rig.downloads / "tv-sonarr").rmdir()
    (rig.downloads / "tv-sonarr").touch()
    await rig.start()
    assert (await rig.get("/healthz"))[0] == 200
