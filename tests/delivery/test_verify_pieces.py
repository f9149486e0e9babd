"""Bytes are checked against the torrent's pieces, mended, or honestly refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.request_paths import staged_parts
from bridge.delivery.fetch.fetch_settings import KIB
from bridge.delivery.fetch.verify_pieces import Verifier
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from tests.support.cdn import Behaviour, Served, honest
from tests.support.delivery import FAST, HASH, Room, some_bytes
from tests.support.torrents import Version, make_torrent

PIECE = 32 * KIB
FILES = {"a.mkv": 300 * KIB + 5, "b.mkv": 64 * KIB, "c.srt": 700}
CONTENT = {name: some_bytes(size, number) for number, (name, size) in enumerate(FILES.items())}
VERSIONS: list[tuple[Version, bool]] = [
    ("v1", False), ("v1", True), ("v2", False), ("hybrid", True)
]  # fmt: skip


def torrent(version: Version = "v1", *, padded: bool = False) -> bytes:
    """The .torrent of the files."""
    made = make_torrent("Show", CONTENT, version=version, piece_length=PIECE, pad_files=padded)
    return made.data


def request_of(save_path: Path, *names: str, data: bytes = b"") -> DeliveryRequest:
    """Order some of the files, to be checked by the torrent."""
    files = tuple(
        RequestedFile(file_id=number, remote_name=f"Show/{name}", size=FILES[name],
                      path=f"Show/{name}")
        for number, name in enumerate(names or FILES)
    )  # fmt: skip
    return DeliveryRequest(
        info_hash=HASH,
        save_path=save_path,
        content_name="Show",
        files=files,
        torrent=data or torrent(),
    )


def stage(root: Path, request: DeliveryRequest, damage: Mapping[str, int]) -> None:
    """Put the ordered files into staging, with one byte wrong at the given offsets."""
    for file in request.files:
        data = bytearray(CONTENT[file.path.partition("/")[2]])
        if file.path in damage:
            data[damage[file.path]] ^= 1
        path = root.joinpath(*staged_parts(request, file))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize(("version", "padded"), VERSIONS)
async def test_the_right_bytes_pass(tmp_path: Path, version: Version, padded: bool) -> None:
    """What is the torrent's has no bad piece, whatever kind of torrent it is."""
    request = request_of(tmp_path, data=torrent(version, padded=padded))
    stage(tmp_path, request, {})
    progress = Progress()
    assert not await Verifier().bad_pieces(tmp_path, request, progress)
    assert not progress.checking


@pytest.mark.parametrize(("version", "padded"), VERSIONS)
async def test_a_wrong_byte_is_found(tmp_path: Path, version: Version, padded: bool) -> None:
    """One wrong byte makes exactly its piece bad, and that piece names the bytes."""
    request = request_of(tmp_path, data=torrent(version, padded=padded))
    stage(tmp_path, request, {"Show/a.mkv": 3 * PIECE + 9})
    (bad,) = await Verifier().bad_pieces(tmp_path, request, Progress())
    assert bad.spans == ((0, (3 * PIECE, 4 * PIECE)),)


async def test_a_piece_of_two_files_names_both(tmp_path: Path) -> None:
    """A wrong byte where two files share a piece puts both under suspicion."""
    request = request_of(tmp_path)
    stage(tmp_path, request, {"Show/b.mkv": 0})
    (bad,) = await Verifier().bad_pieces(tmp_path, request, Progress())
    assert {file_id for file_id, _ in bad.spans} == {0, 1}


async def test_a_file_left_out_is_no_fault(tmp_path: Path) -> None:
    """Pieces that span a file that is not wanted are left alone; all others are checked."""
    request = request_of(tmp_path, "b.mkv")
    edge = len(CONTENT["a.mkv"]) % PIECE
    stage(tmp_path, request, {"Show/b.mkv": 0})
    assert not await Verifier().bad_pieces(tmp_path, request, Progress())
    stage(tmp_path, request, {"Show/b.mkv": PIECE - edge})
    assert len(await Verifier().bad_pieces(tmp_path, request, Progress())) == 1


async def test_only_some_pieces(tmp_path: Path) -> None:
    """Asked for some pieces, it looks at no others."""
    request = request_of(tmp_path)
    stage(tmp_path, request, {"Show/a.mkv": 0})
    assert not await Verifier().bad_pieces(tmp_path, request, Progress(), only=[1, 2])
    assert await Verifier().bad_pieces(tmp_path, request, Progress(), only=[0])


def damaged(offset: int, *, times: int) -> Behaviour:
    """Serve one wrong byte, so often."""
    left = [times]

    async def behave(request: web.Request, served: Served) -> web.StreamResponse:
        data = bytearray(served.data)
        if left[0]:
            left[0] -= 1
            data[offset] ^= 1
        return await honest(request, replace(served, data=bytes(data)))

    return behave


def serve(room: Room) -> DeliveryRequest:
    """Serve the files; order them with their torrent."""
    for number, data in enumerate(CONTENT.values()):
        room.cdn.add(number, data)
    return replace(
        room.request(*(f"Show/{name}" for name in FILES)), torrent=torrent("v1", padded=True)
    )


async def test_a_damaged_piece_is_fetched_again(room: Room) -> None:
    """Wrong bytes are fetched again with a fresh link, and only their piece is."""
    request = serve(room)
    room.cdn.files[1].always = damaged(PIECE + 5, times=2)
    await room.deliver(request)
    assert room.same(request)
    assert room.cdn.files[1].ranges == ["", *[f"bytes={PIECE}-{2 * PIECE - 1}"] * 2]
    assert room.cdn.asked == {False: 3, True: 2}


async def test_damage_that_stays_is_refused(room: Room) -> None:
    """Bytes that are never the torrent's are never published, and the reason names the file."""
    request = serve(room)
    room.cdn.files[1].always = damaged(PIECE + 5, times=99)
    with pytest.raises(DeliveryFailed, match=r"Show/b\.mkv.*hashes") as caught:
        await room.deliver(request)
    assert not caught.value.retryable
    assert not request.target.exists()
    assert len(room.cdn.files[1].requests) == 1 + FAST.repairs


async def test_without_the_torrent_sizes_are_enough(room: Room) -> None:
    """Nothing is checked where no .torrent is at hand."""
    request = replace(serve(room), torrent=b"")
    room.cdn.files[1].always = damaged(PIECE + 5, times=99)
    await room.deliver(request)
    assert not room.same(request)


async def test_checking_is_shown(room: Room) -> None:
    """While the pieces are checked, the meter says so."""
    request, seen = serve(room), []

    class Meter(Progress):
        def __setattr__(self, name: str, value: object) -> None:
            if name == "checking":
                seen.append(value)
            super().__setattr__(name, value)

    room.progress = Meter()
    await room.deliver(request)
    assert seen == [False, True, False]
