"""Pieces, as far as they can be told: counted from the metainfo, not from TorBox. Pure."""

from collections.abc import Iterator, Sequence

from bridge.core.metainfo import Metainfo
from bridge.core.model import Phase
from bridge.downloads import FileView, View

NOT_BEGUN, ON_ITS_WAY, HERE = 0, 1, 2


def piece_states(view: View, metainfo: Metainfo | None) -> list[int]:
    """List a state for each piece; one for the whole while their number is not known."""
    if metainfo is None and not view.status.size:
        return []
    count = metainfo.pieces_num if metainfo else 1
    done = pieces_have(view, count)
    working = view.phase is Phase.DELIVERING and done < count
    next_one = [ON_ITS_WAY] if working else []
    return ([HERE] * done + next_one + [NOT_BEGUN] * count)[:count]


def pieces_have(view: View, count: int) -> int:
    """Tell how many of so many pieces are here, by the share that is done."""
    return count if view.complete else int(count * min(max(view.status.progress, 0), 1))


def piece_ranges(
    files: Sequence[FileView], metainfo: Metainfo | None
) -> dict[int, tuple[int, int]]:
    """Tell the first and last piece of each file that the metainfo has, by the file's index.

    While they are listed in its order, the order tells: names may have changed. TorBox may list
    them in another one; then they are known again by name and size.
    """
    if metainfo is None:
        return {}
    if [file.size for file in files] == [file.size for file in metainfo.files]:
        ranges = (pieces for _, pieces in _ranges(metainfo))
        return {file.index: pieces for file, pieces in zip(files, ranges, strict=True)}
    known = dict(_ranges(metainfo))
    found = ((file.index, known.get((_base(file.name), file.size))) for file in files)
    return {index: pieces for index, pieces in found if pieces is not None}


def _ranges(metainfo: Metainfo) -> Iterator[tuple[tuple[str, int], tuple[int, int]]]:
    length = metainfo.piece_length
    offset = 0
    for file in metainfo.files:
        if metainfo.infohash_v2:
            # Every file of a v2 torrent begins with a piece of its own.
            offset = -(-offset // length) * length
        last = max(offset + file.size - 1, offset)
        yield (_base(file.path), file.size), (offset // length, last // length)
        offset += file.size


def _base(path: str) -> str:
    return path.rpartition("/")[2]
