"""Orders and directories for the modes that fetch nothing."""

from pathlib import Path

from msgspec.structs import replace

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.interface import DeliveryRequest, RequestedFile

HASH = "d" * 40


class NoLinks:
    """Links that nobody may ask for."""

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Fail: the mode has no use for TorBox's CDN."""
        raise AssertionError(file_id, fresh)


NO_LINKS = NoLinks()


def a_request(save_path: Path, *files: tuple[str, int], **fields: object) -> DeliveryRequest:
    """Order files by TorBox's name and size, under the same paths, numbered from 0."""
    listed = tuple(
        RequestedFile(file_id=number, remote_name=name, size=size, path=name)
        for number, (name, size) in enumerate(files)
    )
    request = DeliveryRequest(
        info_hash=HASH,
        save_path=save_path,
        content_name=files[0][0].partition("/")[0],
        files=listed,
        torrent_id=7,
    )
    return replace(request, **fields)  # type: ignore[arg-type]  # fields of an Order


def put(root: Path, name: str, data: bytes) -> Path:
    """Write a file, with the folders above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def done(progress: Progress, request: DeliveryRequest) -> list[int]:
    """Bytes done of each file of the order."""
    return [progress.done(file.file_id) for file in request.files]
