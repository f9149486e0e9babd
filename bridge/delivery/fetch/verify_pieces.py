"""Comparing the staged bytes with the hashes of the torrent, piece by piece.

A piece cannot be checked if it has bytes of a file that was not requested, or of a file that cannot
be matched to the torrent with certainty. Such pieces are counted, and trusted by their size.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from bridge.core.completeness import Named, pairs
from bridge.core.metainfo import Blueprint, NotATorrent, blueprint
from bridge.core.pieces import Hasher, Part, Piece, hasher, pieces_of
from bridge.delivery.blocking import in_thread
from bridge.delivery.delivery_errors import DeliveryFailed
from bridge.delivery.delivery_progress import Progress
from bridge.delivery.disk.disk_errors import disk_errors
from bridge.delivery.disk.request_paths import staged_parts
from bridge.delivery.disk.safe_paths import open_folder
from bridge.delivery.fetch.fetch_settings import MIB
from bridge.delivery.file_state import Span
from bridge.delivery.interface import DeliveryRequest

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Downloads checked at the same time, because hashing is work for the processor."""

_BUFFER = MIB
_BATCH = 64 * MIB
"""Bytes checked in one go; in between the check may be cancelled."""


class BadPiece(msgspec.Struct, frozen=True):
    """A piece whose hash differs from the torrent's."""

    number: int
    """Counted from 0, over all pieces."""
    spans: tuple[tuple[int, Span], ...]
    """The file ids that it touches, and which of their bytes."""


class Verifier:
    """Checks staged requests, a few at a time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def bad_pieces(
        self,
        root: Path,
        request: DeliveryRequest,
        progress: Progress,
        *,
        only: Collection[int] = (),
    ) -> Sequence[BadPiece]:
        """Return the wrong pieces; with `only`, check just the pieces with these numbers.

        `progress.checking` is true while it runs. Memory does not depend on the size of a piece.

        Raises:
            DeliveryFailed: a staged file cannot be read.
        """
        async with self._slots:
            progress.checking = True
            try:
                check = await in_thread(_Check.of, root, request, frozenset(only))
                while await in_thread(check.go_on):
                    pass
            finally:
                progress.checking = False
        log.info(
            "pieces_checked",
            hash=request.info_hash,
            checked=check.checked,
            unchecked=check.unchecked,
            bad=len(check.bad),
        )
        return check.bad


async def verify_with_repair(
    verifier: Verifier,
    root: Path,
    request: DeliveryRequest,
    progress: Progress,
    repair: Callable[[Sequence[BadPiece]], Awaitable[bool]],
    *,
    repairs: int,
) -> None:
    """Check the pieces of a request, if its torrent is known; `repair` fetches the wrong bytes again.

    Raises:
        DeliveryFailed: they are still wrong after so many repairs.
    """
    if not request.torrent:
        return
    bad = await verifier.bad_pieces(root, request, progress)
    for _ in range(repairs):
        if not bad:
            return
        everything = await repair(bad)
        only = [] if everything else [piece.number for piece in bad]
        bad = await verifier.bad_pieces(root, request, progress, only=only)
    if bad:
        raise DeliveryFailed(_message(request, bad), retryable=False)


def _message(request: DeliveryRequest, bad: Sequence[BadPiece]) -> str:
    touched = {file_id for piece in bad for file_id, _ in piece.spans}
    names = [file.path for file in request.files if file.file_id in touched]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"{names[0]}{more}: {len(bad)} pieces do not have the torrent's hashes,"
        " however often they are fetched; TorBox's copy is damaged"
    )


@dataclass(slots=True)
class _Check:
    """A single pass over the pieces. Everything here blocks."""

    pieces: Iterator[tuple[int, Piece]]
    files: Mapping[int, tuple[int, Path]]
    """By index in the blueprint: the file's id, and where it is."""
    only: frozenset[int] = frozenset()
    checked: int = 0
    unchecked: int = 0
    bad: list[BadPiece] = field(default_factory=list)
    _buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_BUFFER)))

    @classmethod
    def of(cls, root: Path, request: DeliveryRequest, only: frozenset[int]) -> "_Check":
        plan = blueprint(request.torrent)
        if isinstance(plan, NotATorrent):
            log.warning("pieces_unknown", hash=request.info_hash, why=plan.reason)
            return cls(iter(()), {})
        return cls(enumerate(pieces_of(plan)), _places(plan, root, request), only)

    def go_on(self) -> bool:
        """Check the next pieces; return whether there may be more."""
        size = 0
        for number, piece in self.pieces:
            if self.only and number not in self.only:
                continue
            size += self._check(number, piece)
            if size >= _BATCH:
                return True
        return False

    def _check(self, number: int, piece: Piece) -> int:
        """Check one piece; return how many bytes were read."""
        if any(part.file is not None and part.file not in self.files for part in piece.parts):
            self.unchecked += 1
            return 0
        hashing = hasher(piece)
        for part in piece.parts:
            self._feed(hashing, part)
        self.checked += 1
        if hashing.digest() != piece.digest:
            self.bad.append(BadPiece(number, tuple(self._spans(piece))))
        return piece.size

    def _feed(self, hashing: Hasher, part: Part) -> None:
        if part.file is None:
            # Padding of BEP 47: zeros that are in no file.
            for at in range(part.start, part.end, _BUFFER):
                hashing.update(bytes(min(_BUFFER, part.end - at)))
            return
        path, left = self.files[part.file][1], part.end - part.start
        with (
            disk_errors(path),
            open_folder(path.parent) as folder,
            os.fdopen(folder.open_file(path.name, os.O_RDONLY), "rb", 0) as file,
        ):
            file.seek(part.start)
            while left and (count := file.readinto(self._buffer[:left])):
                hashing.update(self._buffer[:count])
                left -= count

    def _spans(self, piece: Piece) -> Iterator[tuple[int, Span]]:
        for part in piece.parts:
            if part.file is not None:
                yield self.files[part.file][0], (part.start, part.end)


def _places(plan: Blueprint, root: Path, request: DeliveryRequest) -> dict[int, tuple[int, Path]]:
    real = [index for index, (_, padding) in enumerate(plan.entries) if not padding]
    wanted = [Named(plan.entries[index][0].path, plan.entries[index][0].size) for index in real]
    found = pairs(wanted, [Named(file.remote_name, file.size) for file in request.files])
    ordered = {real[one]: request.files[other] for one, other in found.items()}
    return {
        index: (file.file_id, root.joinpath(*staged_parts(request, file)))
        for index, file in ordered.items()
    }
