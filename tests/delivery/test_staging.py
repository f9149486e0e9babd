"""Checkpoints: believed only when they fit what is on disk."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.delivery.delivery_errors import BadRequest, DeliveryFailed, NotEnoughSpace
from bridge.delivery.disk.request_paths import staging_root
from bridge.delivery.disk.reservations import SpaceReservations
from bridge.delivery.disk.safe_paths import open_folder
from bridge.delivery.disk.staging import StagedFile, begin, discard
from bridge.delivery.file_state import Validator
from bridge.delivery.interface import DeliveryRequest
from tests.support.delivery import below
from tests.support.killed import show, staging
from tests.support.mounts import tmpfs


def half(top: Path) -> StagedFile:
    """Stage the first half of the first file, and close it."""
    file = begin(staging(top), show(top), min_free=0)[0]
    file.validator = Validator('"one"', "Mon")
    file.write(0, b"x" * 25_000)
    file.done.add(0, 25_000)
    file.save()
    file.close()
    return file


def again(top: Path, request: DeliveryRequest | None = None) -> StagedFile:
    """Begin anew, as after a restart."""
    return begin(staging(top), request or show(top), min_free=0)[0]


def test_goes_on_where_it_was(tmp_path: Path) -> None:
    """A checkpoint brings back what was done, and of which version."""
    half(tmp_path)
    file = again(tmp_path)
    assert file.done.spans == ((0, 25_000),)
    assert file.validator == Validator('"one"', "Mon")
    assert not file.complete


def test_a_checkpoint_is_replaced_whole(tmp_path: Path) -> None:
    """Whoever reads while a new checkpoint comes reads the old one or the new one."""
    file = half(tmp_path)
    checkpoint = staging(tmp_path) / "0.json"
    old = checkpoint.read_bytes()
    with checkpoint.open("rb") as reader:
        file.done.add(25_000, 30_000)
        file.save()
        file.close()
        assert reader.read() == old
    assert checkpoint.read_bytes() != old


def test_another_content_name_changes_nothing(tmp_path: Path) -> None:
    """The content's name is not part of what is staged."""
    half(tmp_path)
    request = show(tmp_path)
    files = tuple(replace(file, path="Show (2)" + file.path[4:]) for file in request.files)
    file = again(tmp_path, replace(request, content_name="Show (2)", files=files))
    assert file.done.total == 25_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        '{"path": "a.mkv"}',
        '{"path": "a.mkv", "size": 49999, "done": [[0, 10]]}',
        '{"path": "b.mkv", "size": 50000, "done": [[0, 10]]}',
        '{"path": "a.mkv", "size": 50000, "done": [[10, 0]]}',
        '{"path": "a.mkv", "size": 50000, "done": [[-5, 10]]}',
        '{"path": "a.mkv", "size": 50000, "done": [[0, 50001]]}',
        '{"path": "a.mkv", "size": 50000, "done": [[0, 10], [5, 20]]}',
        '{"path": "a.mkv", "size": 50000, "done": [[0, 10]], "link": "x"}',
    ],
)
def test_does_not_believe_what_does_not_fit(tmp_path: Path, text: str) -> None:
    """A checkpoint that is damaged or of another file is removed, and the file starts anew."""
    half(tmp_path)
    checkpoint = staging(tmp_path) / "0.json"
    checkpoint.write_text(text)
    assert again(tmp_path).done.total == 0
    assert not checkpoint.exists()


def test_does_not_believe_a_checkpoint_without_its_file(tmp_path: Path) -> None:
    """Bytes that are gone or cut off are not done, whatever the checkpoint says."""
    path = half(tmp_path).path
    path.unlink()
    assert again(tmp_path).done.total == 0
    path = half(tmp_path).path
    path.write_bytes(b"x" * 100)
    assert again(tmp_path).done.total == 0
    assert path.stat().st_size == 50_000


def test_removes_what_the_order_does_not_want(tmp_path: Path) -> None:
    """Files, folders and checkpoints of an earlier order go."""
    half(tmp_path)
    root, request = staging(tmp_path), show(tmp_path)
    (root / "7.json").write_text("{}")
    (root / "0.new").write_text("{")
    (root / "folder").mkdir()
    again(tmp_path, replace(request, files=request.files[:1]))
    assert below(root) == {"0.json", "content", "content/a.mkv"}


def test_allocated_bytes_are_not_needed_twice(tmp_path: Path) -> None:
    """A file whose space was reserved before asks for no more of it."""
    half(tmp_path)
    request = show(tmp_path)
    staged = StagedFile(request, request.files[0], staging(tmp_path))
    with open_folder(staging(tmp_path)) as root:
        staged.load(root)
    assert staged.done.total == 25_000
    assert staged.unwritten == 0


def test_a_file_without_a_checkpoint_is_made_anew(tmp_path: Path) -> None:
    """Another program (an aria2 from before the mode was changed) may still write to the old one."""
    begin(staging(tmp_path), show(tmp_path), min_free=0)
    with (staging(tmp_path) / "content/a.mkv").open("r+b") as old:
        file = again(tmp_path)
        old.write(b"from another program")
        old.flush()
        assert file.path.read_bytes() == bytes(50_000)


def test_a_file_that_aria2_completed_is_taken_over(tmp_path: Path) -> None:
    """It is whole, and nothing of it is fetched again; a file of another size is not believed."""
    root = staging(tmp_path)
    for size, whole in ((50_000, True), (49_999, False)):
        (root / "content").mkdir(parents=True, exist_ok=True)
        (root / "content/a.mkv").write_bytes(b"a" * size)
        (root / "0.whole").touch()
        file = again(tmp_path)
        assert file.complete is whole
        assert not (root / "0.whole").exists()
        discard(root)


def test_a_write_that_is_cut_short_goes_on(tmp_path: Path) -> None:
    """Bytes land where they belong, in any order."""
    file = half(tmp_path)
    file.write(40_000, b"z" * 10_000)
    file.write(25_000, bytearray(b"y" * 15_000))
    file.close()
    assert file.path.read_bytes() == b"x" * 25_000 + b"y" * 15_000 + b"z" * 10_000


def test_refuses_links_in_the_way(tmp_path: Path) -> None:
    """Staging that is a symbolic link is neither written through nor deleted through."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("x")
    staging(tmp_path).parent.mkdir()
    staging(tmp_path).symlink_to(outside)
    with pytest.raises(DeliveryFailed):
        again(tmp_path)
    with pytest.raises(DeliveryFailed):
        discard(staging(tmp_path))
    assert below(outside) == {"mine"}


@pytest.mark.parametrize("text", ["", "..", "a" * 39, "A" * 40, "a" * 40 + "/", "../" + "a" * 40])
def test_staging_is_named_by_an_info_hash(tmp_path: Path, text: str) -> None:
    """Nothing but an info-hash makes a directory name."""
    with pytest.raises(BadRequest):
        staging_root(tmp_path, text)


def test_writes_parts_behind_one_another(tmp_path: Path) -> None:
    """Many parts, empty ones among them, land one behind the other."""
    file = begin(staging(tmp_path), show(tmp_path), min_free=0)[0]
    parts = [bytes([number % 256]) * (number % 3) for number in range(2000)]
    file.write(100, *parts)
    file.close()
    whole = b"".join(parts)
    assert file.read(100, 100 + len(whole)) == whole


def test_forgotten_bytes_stay_forgotten(tmp_path: Path) -> None:
    """Bytes that were found wrong are missing after a restart, too; the others are kept."""
    half(tmp_path).forget([(5_000, 6_000), (24_000, 30_000)])
    file = again(tmp_path)
    assert file.done.spans == ((0, 5_000), (6_000, 24_000))
    assert file.validator == Validator('"one"', "Mon")


def test_another_path_keeps_what_was_fetched(tmp_path: Path) -> None:
    """A file that is renamed while it is fetched goes on from where it was, after a kill as well."""
    half(tmp_path)
    request = show(tmp_path)
    names = ["Show/new/b.mkv", "Show/a.mkv", "Show/empty.nfo"]
    files = tuple(replace(file, path=name) for file, name in zip(request.files, names, strict=True))
    renamed = replace(request, files=files)
    file = again(tmp_path, renamed)
    assert file.done.spans == ((0, 25_000),)
    assert file.validator == Validator('"one"', "Mon")
    assert file.path == staging(tmp_path) / "content/new/b.mkv"
    assert file.path.read_bytes()[:25_000] == b"x" * 25_000
    assert below(staging(tmp_path)) >= {"content/a.mkv", "content/new/b.mkv"}
    assert again(tmp_path).done.total == 25_000  # and back
    (staging(tmp_path) / "content/a.mkv").rename(staging(tmp_path) / "0.moved")
    assert again(tmp_path, renamed).done.total == 25_000


def test_two_deliveries_do_not_count_on_the_same_bytes(tmp_path: Path) -> None:
    """Space that one delivery still has to write is not free for another one."""
    with tmpfs(tmp_path / "disk", mib=8) as disk:
        reservations = SpaceReservations()
        with open_folder(disk) as folder, ExitStack() as stack:
            left = [5 << 20]
            stack.enter_context(reservations.reserve(folder, lambda: left[0], min_free=0))
            with pytest.raises(NotEnoughSpace):
                stack.enter_context(reservations.reserve(folder, lambda: 4 << 20, min_free=0))
            left[0] = 1 << 20  # the first one has written most of its bytes elsewhere
            stack.enter_context(reservations.reserve(folder, lambda: 4 << 20, min_free=0))
        with open_folder(disk) as folder, reservations.reserve(folder, lambda: 7 << 20, min_free=0):
            pass
