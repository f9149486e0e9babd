"""Publishing, and taking back what was published."""

import os
import stat
from pathlib import Path

import pytest

from bridge.delivery.delivery_errors import BadRequest, DeliveryFailed, TargetTaken
from bridge.delivery.disk.publish import publish, published, remove_delivered
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from tests.support.delivery import HASH, below
from tests.support.killed import show, staging


def files(*paths: str) -> list[RequestedFile]:
    """Delivered files under these paths."""
    return [
        RequestedFile(file_id=at, remote_name=path, size=1, path=path)
        for at, path in enumerate(paths)
    ]


def write(top: Path, *paths: str) -> None:
    """Make small files."""
    for path in paths:
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text("x")


async def test_removes_what_was_delivered(tmp_path: Path) -> None:
    """The files and their empty folders go, the content's own folder too, the save path stays."""
    write(tmp_path, "Show/a.mkv", "Show/Subs/en/a.srt", "Other/b.mkv")
    assert await remove_delivered(tmp_path, "Show", ["Show/a.mkv", "Show/Subs/en/a.srt"]) == 2
    assert below(tmp_path) == {"Other", "Other/b.mkv"}


async def test_removes_a_single_file(tmp_path: Path) -> None:
    """A content that is a file goes; the save path stays even when it is empty."""
    write(tmp_path, "Movie.mkv")
    assert await remove_delivered(tmp_path, "Movie.mkv", ["Movie.mkv"]) == 1
    assert below(tmp_path.parent) >= {tmp_path.name}
    assert below(tmp_path) == set()


async def test_keeps_what_is_not_listed(tmp_path: Path) -> None:
    """A file that the user or an *arr put there stays, and its folder with it."""
    write(tmp_path, "Show/a.mkv", "Show/mine.txt", "Show/Subs/a.srt")
    await remove_delivered(tmp_path, "Show", ["Show/a.mkv", "Show/Subs/a.srt"])
    assert below(tmp_path) == {"Show", "Show/mine.txt"}


async def test_what_is_gone_already_is_fine(tmp_path: Path) -> None:
    """Imported (moved) files are no reason to fail, nor is a save path that is gone."""
    write(tmp_path, "Show/a.mkv")
    assert await remove_delivered(tmp_path, "Show", ["Show/a.mkv", "Show/b/c.mkv"]) == 1
    assert await remove_delivered(tmp_path / "gone", "Show", ["Show/a.mkv"]) == 0
    assert below(tmp_path) == set()


async def test_follows_no_links(tmp_path: Path) -> None:
    """Behind a symbolic link nothing is deleted; a listed link itself is."""
    write(tmp_path, "outside/a.mkv", "tv/Show/b.mkv")
    (tmp_path / "tv" / "Show" / "Subs").symlink_to(tmp_path / "outside")
    (tmp_path / "tv" / "Linked").symlink_to(tmp_path / "outside")
    save_path = tmp_path / "tv"
    assert await remove_delivered(save_path, "Show", ["Show/Subs/a.mkv", "Show/b.mkv"]) == 1
    assert await remove_delivered(save_path, "Linked", ["Linked/a.mkv"]) == 0
    assert below(tmp_path / "outside") == {"a.mkv"}
    assert await remove_delivered(save_path, "Linked", ["Linked"]) == 1
    assert below(tmp_path / "outside") == {"a.mkv"}


@pytest.mark.parametrize(
    ("name", "path"),
    [("Show", "Other/a"), ("Show", "Show/../../a"), ("..", "../a"), (".", "./a"), ("", "/a")],
)
async def test_removes_nothing_outside_the_content(tmp_path: Path, name: str, path: str) -> None:
    """A path that leaves the content is refused, and nothing is deleted at all."""
    write(tmp_path, "tv/Show/a", "tv/Other/a", "a")
    before = below(tmp_path)
    with pytest.raises(BadRequest):
        await remove_delivered(tmp_path / "tv", name, ["Show/a", path])
    assert below(tmp_path) == before


def test_publishes_only_what_is_whole(tmp_path: Path) -> None:
    """A staged file of another size is refused, and nothing is published."""
    request = show(tmp_path)
    write(staging(tmp_path) / "content", "a.mkv", "Subs/a.srt", "empty.nfo")
    with pytest.raises(DeliveryFailed, match=r"a\.mkv"):
        publish(staging(tmp_path), request)
    assert not request.save_path.exists()


def test_a_target_of_another_size_is_not_ours(tmp_path: Path) -> None:
    """A target counts as published only when every file has its size and no folder is a link."""
    request = show(tmp_path)
    assert published(staging(tmp_path), request) is False
    for file in request.files:
        write(request.save_path, file.path)
        (request.save_path / file.path).write_bytes(bytes(file.size))
    assert published(staging(tmp_path), request) is True
    subtitles = request.target / "Subs"
    subtitles.rename(tmp_path / "Subs")
    subtitles.symlink_to(tmp_path / "Subs")
    with pytest.raises(TargetTaken):
        published(staging(tmp_path), request)


@pytest.mark.parametrize("paths", [("Show/a.mkv", "Show/Subs/a.srt"), ("Movie.mkv",)])
def test_a_shared_group_is_kept(tmp_path: Path, paths: tuple[str, ...]) -> None:
    """In a setgid save path the content gets its group, and folders pass the group on."""
    root, save_path = tmp_path / HASH, tmp_path / "tv"
    for path in paths:
        staged = root.joinpath("content", *path.split("/")[1:])
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text("x")
    save_path.mkdir()
    group = 54321 if os.geteuid() == 0 else os.getgid()
    os.chown(save_path, -1, group)
    save_path.chmod(0o2775)
    content_name = paths[0].split("/")[0]
    request = DeliveryRequest(
        info_hash=HASH, save_path=save_path, content_name=content_name, files=tuple(files(*paths))
    )
    publish(root, request)
    made = [save_path / name for name in below(save_path)]
    assert {path.stat().st_gid for path in made} == {group}
    assert all(path.stat().st_mode & stat.S_ISGID for path in made if path.is_dir())
