"""Links to a mount that is late, renames, lies about sizes, or goes away."""

import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.delivery.delivery_errors import DeliveryFailed, NotYet, TargetTaken
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.safe_paths import ROOTS
from bridge.delivery.interface import DeliveryRequest
from bridge.delivery.modes.mount_lookup import MountGone
from bridge.delivery.modes.symlink_mode import LinkSettings, SymlinkDelivery
from tests.support.modes import HASH, NO_LINKS, a_request, done, put

FIRST, SECOND = "Show.S01-GRP/Show.E01.mkv", "Show.S01-GRP/Subs/Show.E01.srt"
SIZES = {FIRST: 1000, SECOND: 10}
TIMEOUT = 60.0


class Scene:
    """A mount with something else on it, a save path, and a clock that a test sets."""

    def __init__(self, top: Path) -> None:
        self.mount = top / "mount"
        self.save_path = top / "downloads" / "tv"
        self.now = 0.0
        put(self.mount, "Other/other.mkv", b"other")

    def delivery(self, *, relative: bool = False) -> SymlinkDelivery:
        """Make a delivery, as after a restart."""
        settings = LinkSettings(mount=self.mount, relative=relative, timeout=TIMEOUT)
        return SymlinkDelivery(settings, clock=lambda: self.now)

    def request(self, *names: str, title: str = "Show S01 (edited)") -> DeliveryRequest:
        """Order files of the sizes that are known for them."""
        files = [(name, SIZES.get(name, 5)) for name in names or SIZES]
        return a_request(self.save_path, *files, titles=(title,))

    def show(self, *names: str) -> None:
        """Let the mount show files of the right sizes under these names."""
        for name, size in zip(names, SIZES.values(), strict=True):
            put(self.mount, name, bytes([len(name)]) * size)

    def seen(self) -> list[str]:
        """List what an *arr would see, hidden or not."""
        return sorted(path.name for path in self.save_path.glob("*"))


@pytest.fixture(name="scene")
def _scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FIRST, SECOND),
        ("Show S01 (edited)/Show.E01.mkv", "Show S01 (edited)/Subs/Show.E01.srt"),
        ("Show S01 (edited)/Show.E01.mkv", "Show S01 (edited)/Show.E01.srt"),
        ("Show.E01.mkv", "Show.E01.srt"),
        ("Show_S01_GRP/deep/Show.E01.mkv", "Show_S01_GRP/deep/er/Show.E01.srt"),
        ("series/Show S01 GRP/Season 01/Show.E01.mkv", "series/Show S01 GRP/Show.E01.srt"),
    ],
    ids=["as TorBox", "title", "title, no folders", "flat", "other spelling", "one level down"],
)
async def test_every_layout_of_a_mount(scene: Scene, first: str, second: str) -> None:
    """Files are found in whichever way the mount shows them, and linked in the torrent's way."""
    scene.show(first, second)
    request, progress = scene.request(), Progress()
    delivered = await scene.delivery().deliver(request, NO_LINKS, progress)
    assert delivered.content_path == scene.save_path / "Show.S01-GRP"
    for name, shown in ((FIRST, first), (SECOND, second)):
        assert (scene.save_path / name).readlink() == scene.mount / shown
        assert (scene.save_path / name).read_bytes() == (scene.mount / shown).read_bytes()
    assert done(progress, request) == [1000, 10]
    assert scene.seen() == ["Show.S01-GRP"]


@pytest.mark.parametrize("shown", ["Film.mkv", "Film/Film.mkv", "Film.mkv/Film.mkv"])
async def test_a_lone_file_is_a_lone_link(scene: Scene, shown: str) -> None:
    """A single file needs no folder, whatever the mount puts it into."""
    put(scene.mount, shown, b"video")
    delivered = await scene.delivery().deliver(
        scene.request("Film.mkv", title="Film.mkv"), NO_LINKS, Progress()
    )
    assert delivered.content_path.readlink() == scene.mount / shown
    assert scene.seen() == ["Film.mkv"]


async def test_it_waits_for_every_file_in_its_size(scene: Scene) -> None:
    """A file that is missing or not whole yet is waited for, and nothing is seen until then."""
    scene.show(FIRST, SECOND)
    delivery, request = scene.delivery(), scene.request()
    (scene.mount / FIRST).write_bytes(b"half")
    (scene.mount / SECOND).unlink()
    with pytest.raises(NotYet, match="2 of 2 files"):
        await delivery.deliver(request, NO_LINKS, Progress())
    assert scene.seen() == []
    scene.show(FIRST, SECOND)
    await delivery.deliver(request, NO_LINKS, Progress())
    assert scene.seen() == ["Show.S01-GRP"]


async def test_patience_has_an_end(scene: Scene) -> None:
    """Files that a working mount does not show in time fail the download, and are named."""
    delivery, request = scene.delivery(), scene.request()
    with pytest.raises(NotYet):
        await delivery.deliver(request, NO_LINKS, Progress())
    scene.now = TIMEOUT
    with pytest.raises(DeliveryFailed, match=r"Show\.E01\.mkv") as failure:
        await delivery.deliver(request, NO_LINKS, Progress())
    assert not failure.value.retryable


@pytest.mark.parametrize("gone", ["empty", "missing"])
async def test_a_mount_that_is_gone_ages_nothing(scene: Scene, gone: str) -> None:
    """Without the mount nothing fails, however long; when it is back the waiting begins anew."""
    delivery, request = scene.delivery(), scene.request()
    with pytest.raises(NotYet):
        await delivery.deliver(request, NO_LINKS, Progress())
    shutil.rmtree(scene.mount)
    if gone == "empty":
        scene.mount.mkdir()
    for scene.now in (TIMEOUT, 9 * TIMEOUT):
        with pytest.raises(MountGone, match=str(scene.mount)):
            await delivery.deliver(request, NO_LINKS, Progress())
    put(scene.mount, "Other/other.mkv", b"other")
    with pytest.raises(NotYet, match="yet"):
        await delivery.deliver(request, NO_LINKS, Progress())
    scene.show(FIRST, SECOND)
    await delivery.deliver(request, NO_LINKS, Progress())


async def test_relative_links(scene: Scene, tmp_path: Path) -> None:
    """Relative links lead from their own folder, and survive that all of it moves together."""
    scene.show(FIRST, SECOND)
    delivery = scene.delivery(relative=True)
    await delivery.deliver(scene.request(), NO_LINKS, Progress())
    assert not (scene.save_path / SECOND).readlink().is_absolute()
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("mount", "downloads"):
        (tmp_path / name).rename(moved / name)
    assert len((moved / "downloads" / "tv" / SECOND).read_bytes()) == SIZES[SECOND]


async def test_relative_links_below_a_linked_directory(scene: Scene, tmp_path: Path) -> None:
    """A save path that is a link itself is looked through: `..` leads from where it really is."""
    real = tmp_path / "elsewhere" / "deep" / "tv"
    real.mkdir(parents=True)
    scene.save_path.parent.mkdir(parents=True)
    scene.save_path.symlink_to(real)
    ROOTS.add(scene.save_path)
    scene.show(FIRST, SECOND)
    await scene.delivery(relative=True).deliver(scene.request(), NO_LINKS, Progress())
    assert len((scene.save_path / SECOND).read_bytes()) == SIZES[SECOND]


async def test_twins_are_told_apart(scene: Scene) -> None:
    """Files of one name and size are found by their folders only, not by the name."""
    one, two = "Disc/1/VTS_01_1.VOB", "Disc/2/VTS_01_1.VOB"
    request = scene.request(one, two, title="Disc")
    put(scene.mount, "VTS_01_1.VOB", b"other")
    put(scene.mount, "Disc/VTS_01_1.VOB", b"other")
    with pytest.raises(NotYet):
        await scene.delivery().deliver(request, NO_LINKS, Progress())
    put(scene.mount, "DISC/x/1/VTS_01_1.VOB", b"first")
    put(scene.mount, "DISC/x/2/VTS_01_1.VOB", b"secon")
    await scene.delivery().deliver(request, NO_LINKS, Progress())
    assert (scene.save_path / one).read_bytes() == b"first"
    assert (scene.save_path / two).read_bytes() == b"secon"


async def test_nothing_outside_the_mount_is_linked(scene: Scene, tmp_path: Path) -> None:
    """A remote name or title that leads out of the mount finds nothing."""
    put(tmp_path, "secret.mkv", b"12345")
    request = scene.request("secret.mkv", title="..")
    (file,) = request.files
    for name in (
        "../secret.mkv",
        str(tmp_path / "secret.mkv"),
        "a/../../secret.mkv",
        "..",
        "\0",
        "\ud800",
    ):
        odd = replace(request, files=(replace(file, remote_name=name),))
        with pytest.raises(NotYet):
            await scene.delivery().deliver(odd, NO_LINKS, Progress())


async def test_taken_up_again(scene: Scene) -> None:
    """After a kill before or after the rename, a new start ends with the same links."""
    scene.show(FIRST, SECOND)
    put(scene.save_path, f".torbox-bridge-{HASH}/content/half", b"")
    await scene.delivery().deliver(scene.request(), NO_LINKS, Progress())
    before = (scene.save_path / FIRST).lstat()
    await scene.delivery().deliver(scene.request(), NO_LINKS, Progress())
    assert (scene.save_path / FIRST).lstat() == before
    assert scene.seen() == ["Show.S01-GRP"]


@pytest.mark.parametrize("taken", ["file", "folder", "links elsewhere"])
async def test_a_target_of_somebody_else(scene: Scene, taken: str) -> None:
    """What stands at the target and is not ours stays as it is, and another name is asked for."""
    scene.show(FIRST, SECOND)
    target = scene.save_path / "Show.S01-GRP"
    match taken:
        case "file":
            put(scene.save_path, "Show.S01-GRP", b"theirs")
        case "folder":
            put(target, "theirs.mkv", b"theirs")
        case _:
            for name in SIZES:
                (scene.save_path / name).parent.mkdir(parents=True, exist_ok=True)
                (scene.save_path / name).symlink_to(scene.mount / "Other/other.mkv")
    before = sorted(target.rglob("*"))
    with pytest.raises(TargetTaken):
        await scene.delivery().deliver(scene.request(), NO_LINKS, Progress())
    assert sorted(target.rglob("*")) == before
    assert scene.seen() == ["Show.S01-GRP"]


async def test_removal_takes_links_only(scene: Scene) -> None:
    """Links go, their targets stay, and so does a real file that took the place of a link."""
    scene.show(FIRST, SECOND)
    delivery = scene.delivery()
    await delivery.deliver(scene.request(), NO_LINKS, Progress())
    (scene.save_path / SECOND).unlink()
    put(scene.save_path, SECOND, b"mine")
    shutil.move(scene.mount, gone := scene.mount.with_name("gone"))
    assert await delivery.remove(scene.save_path, "Show.S01-GRP", SIZES) == 1
    assert not os.path.lexists(scene.save_path / FIRST)
    assert (scene.save_path / SECOND).read_bytes() == b"mine"
    assert len((gone / FIRST).read_bytes()) == SIZES[FIRST]


async def test_without_a_mount(scene: Scene) -> None:
    """A download that began as links waits, when the setting was taken away, and can be removed."""
    scene.show(FIRST, SECOND)
    await scene.delivery().deliver(scene.request(), NO_LINKS, Progress())
    delivery = SymlinkDelivery(LinkSettings(mount=None))
    with pytest.raises(NotYet, match=r"delivery\.mount"):
        await delivery.deliver(scene.request(), NO_LINKS, Progress())
    assert await delivery.remove(scene.save_path, "Show.S01-GRP", SIZES) == 2
    assert scene.seen() == []


async def test_a_new_listing_is_asked_for(scene: Scene) -> None:
    """Only files that are missing are a reason to ask TorBox for a new listing."""
    asked = 0

    async def refresh() -> None:
        nonlocal asked
        asked += 1

    delivery = SymlinkDelivery(LinkSettings(mount=scene.mount), refresh=refresh)
    with pytest.raises(NotYet):
        await delivery.deliver(scene.request(), NO_LINKS, Progress())
    assert asked == 1
    scene.show(FIRST, SECOND)
    await delivery.deliver(scene.request(), NO_LINKS, Progress())
    assert asked == 1


async def test_links_that_lead_nowhere_are_not_complete(scene: Scene, tmp_path: Path) -> None:
    """A link has to open where it ends up, whatever was seen on the mount; patience has an end."""
    scene.show(FIRST, SECOND)
    detour = tmp_path / "a" / "detour"
    detour.parent.mkdir()
    detour.symlink_to(scene.mount)
    settings = LinkSettings(mount=detour / ".." / "mount", relative=True, timeout=TIMEOUT)
    delivery = SymlinkDelivery(settings, clock=lambda: scene.now)
    with pytest.raises(NotYet, match="links"):
        await delivery.deliver(scene.request(), NO_LINKS, Progress())
    scene.now = TIMEOUT
    with pytest.raises(DeliveryFailed, match="links") as failure:
        await delivery.deliver(scene.request(), NO_LINKS, Progress())
    assert not failure.value.retryable


@pytest.mark.parametrize("folder", ["Film", "Film.2024_GRP", "movies/film 2024 grp"])
async def test_the_items_own_folder_comes_first(scene: Scene, folder: str) -> None:
    """Of several files of one name and size the one in the item's folder is linked."""
    request = scene.request("Film/Film.mkv", "Film/en.srt", title="Film.2024-GRP")
    put(scene.mount, f"{folder}/Film.mkv", b"video")
    put(scene.mount, f"{folder}/en.srt", b"ours!")
    put(scene.mount, "en.srt", b"other")
    put(scene.mount, "Film.mkv", b"other")
    await scene.delivery().deliver(request, NO_LINKS, Progress())
    assert (scene.save_path / "Film/en.srt").read_bytes() == b"ours!"
    assert (scene.save_path / "Film/Film.mkv").read_bytes() == b"video"


async def test_a_bare_name_is_looked_for_in_the_folder_first(scene: Scene) -> None:
    """TorBox lists a file without a folder; the mount has it in one, and a stranger at its top."""
    request = scene.request("en.srt", title="Film.2024-GRP")
    put(scene.mount, "Film 2024 GRP/en.srt", b"ours!")
    put(scene.mount, "en.srt", b"other")
    await scene.delivery().deliver(request, NO_LINKS, Progress())
    assert (scene.save_path / "en.srt").read_bytes() == b"ours!"
