"""What the doctor says of directories: whose they are, and the mount that links lead to."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.doctor import Level
from tests.support.doctor import World, running_world
from tests.support.process import run_to_end

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give directories away")
STRANGER = 4321


@pytest.fixture(name="mount")
def _mount(here: World, tmp_path: Path) -> Path:
    """A mount with something in it, which the settings name for links."""
    mount = tmp_path / "mount"
    (mount / "Show.S01").mkdir(parents=True)
    here.environ["BRIDGE_DELIVERY__MODE"] = "symlink"
    here.environ["BRIDGE_DELIVERY__MOUNT"] = str(mount)
    return mount


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Set the umask of this process for a while."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


async def test_before_the_first_start(here: World, tmp_path: Path) -> None:
    """The directory of the database may be missing: the first start makes it."""
    here.environ["BRIDGE_PATHS__DATABASE"] = str(tmp_path / "new" / "config" / "bridge.db")
    assert await here.wrong() == []
    assert not (tmp_path / "new").exists()


@as_root
@pytest.mark.parametrize(
    ("mask", "setgid", "fine"),
    [(0o022, True, False), (0o002, True, True), (0o002, False, False), (0o000, False, True)],
)
async def test_a_directory_of_another_user(
    here: World, mask: int, setgid: bool, fine: bool
) -> None:
    """It is a warning if what the bridge makes there its owner could not move."""
    os.chown(here.category, STRANGER, STRANGER)
    here.category.chmod(0o2775 if setgid else 0o775)
    with umask(mask):
        found = await here.wrong()
    assert [one.level for one in found] == ([] if fine else [Level.WARNING])
    if not fine:
        assert f"belongs to user {STRANGER}" in found[0].text
        assert "UMASK=002" in found[0].fix


@as_root
async def test_the_umask_of_the_environment(here: World) -> None:
    """The command judges by the UMASK that the bridge runs with."""
    os.chown(here.category, STRANGER, -1)
    code, out, _ = await run_to_end(here.environ | {"UMASK": "027"}, "check")
    assert "warning directories" in out
    assert "umask 027" in out
    code, out, _ = await run_to_end(here.environ | {"UMASK": "002"}, "check")
    assert (code, "warning" in out) == (0, False)


async def test_categories_of_the_arr_are_tried(here: World) -> None:
    """Also when the settings name them nowhere else."""
    assert f"can write and rename in {here.category}" in await here.told()


async def test_a_mount_that_is_empty_or_gone(here: World, tmp_path: Path) -> None:
    """One with nothing in it is worth a warning, one that is not there a problem."""
    mount = tmp_path / "mount"
    finding = await here.one(BRIDGE_DELIVERY__MOUNT=str(mount))
    assert finding.level is Level.PROBLEM
    mount.mkdir()
    finding = await here.one(BRIDGE_DELIVERY__MOUNT=str(mount))
    assert finding.level is Level.WARNING


async def test_a_mount_that_the_arr_sees(here: World, mount: Path) -> None:
    """At the same path, with the same things in it: links work."""
    here.api.sees += [str(mount), f"{mount}/Show.S01"]
    assert await here.wrong() == []
    assert f"it sees the mount {mount}" in await here.told()


async def test_a_mount_that_the_arr_does_not_see(here: World, mount: Path) -> None:
    """Its own download directories are not enough: links would lead nowhere."""
    finding = await here.one()
    assert finding.level is Level.PROBLEM
    assert f"it does not see {mount}" in finding.text


async def test_a_mount_that_is_empty_for_the_arr(here: World, mount: Path) -> None:
    """What was mounted after its container had started does not appear in it by itself."""
    here.api.sees.append(str(mount))
    finding = await here.one()
    assert f"it sees nothing in {mount}" in finding.text
    assert "rslave" in finding.fix


async def test_a_mount_that_needs_no_links(here: World, mount: Path) -> None:
    """Where files are fetched, the *arr need not see the mount."""
    assert await here.wrong(BRIDGE_DELIVERY__MODE="download") == []


@pytest.mark.parametrize(("style", "fine"), [("absolute", False), ("relative", True)])
async def test_a_mount_at_another_path(here: World, mount: Path, style: str, fine: bool) -> None:
    """Remote path mappings do not change where links lead to; relative ones go along."""
    root = here.rig.directory
    here.api.mappings = [
        {"host": "torbox-bridge", "remotePath": f"{root}/", "localPath": "/data/"},
    ]
    category = f"/data/downloads/{here.category.name}"
    here.api.sees = [category, "/data/mount", "/data/mount/Show.S01"]
    found = await here.wrong(BRIDGE_DELIVERY__LINK_STYLE=style)
    assert (found == []) is fine
    assert mount.name in (await here.told(BRIDGE_DELIVERY__LINK_STYLE=style))


async def test_a_public_url(tmp_path: Path) -> None:
    """Where `.strm` files send players has to lead to the bridge."""
    async with running_world(tmp_path) as alive:
        strm = {"BRIDGE_DELIVERY__MODE": "strm"}
        assert await alive.wrong(**strm, BRIDGE_DELIVERY__PUBLIC_URL=alive.rig.url) == []
        finding = await alive.one(**strm, BRIDGE_DELIVERY__PUBLIC_URL=alive.api.url)
        assert finding.level is Level.WARNING
        assert f"{alive.api.url}/healthz" in finding.fix
