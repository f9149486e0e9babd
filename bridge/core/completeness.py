"""Whether TorBox lists every file that the torrent has.

TorBox cleans names up and may drop the root folder, but a file keeps its size. So a size counts
for more than a name here, and names only tell files of one size apart.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bridge.core.metainfo import TorrentFile
from bridge.core.model import RemoteFile

PADDING = "_____padding_file_"
"""How old clients name padding that is not marked as such."""


class Named(NamedTuple):
    """A file as one of the two lists has it."""

    path: str
    size: int


def missing(
    metainfo_files: Iterable[TorrentFile], remote_files: Iterable[RemoteFile]
) -> tuple[TorrentFile, ...]:
    """Return the torrent's files that TorBox does not list. Files without bytes are not missed.

    A zipped item cannot be compared: nothing of it counts as missing.
    """
    wanted = [file for file in metainfo_files if file.size and not _is_padding(file.path)]
    listed = list(remote_files)
    if any(file.zipped for file in listed):
        return ()
    spare = Counter(file.size for file in listed)
    paired = pairs(
        [Named(file.path, file.size) for file in wanted],
        [Named(file.name, file.size) for file in listed],
    )
    spare.subtract(wanted[index].size for index in paired)
    unpaired = (file for index, file in enumerate(wanted) if index not in paired)
    return tuple(file for file in unpaired if not _taken(spare, file.size))


def pairs(wanted: Sequence[Named], listed: Sequence[Named]) -> Mapping[int, int]:
    """Find the files that are the same beyond doubt: index in `wanted` to index in `listed`.

    Of one size, and alone of that size, or alike in their path below the root, their name, or the
    letters and digits of their name.
    """
    found: dict[int, int] = {}
    for left, right in _by_size(wanted, listed):
        for likeness in (_below_root, _base, _letters, _any):
            alike = list(_alone(left, right, wanted, listed, likeness))
            found |= alike
            for one, other in alike:
                left.remove(one)
                right.remove(other)
    return found


def _by_size(
    wanted: Sequence[Named], listed: Sequence[Named]
) -> Iterator[tuple[list[int], list[int]]]:
    right = defaultdict(list)
    for index, file in enumerate(listed):
        right[file.size].append(index)
    left = defaultdict(list)
    for index, file in enumerate(wanted):
        left[file.size].append(index)
    return ((left[size], right[size]) for size in left if size in right)


def _alone(
    left: Iterable[int],
    right: Iterable[int],
    wanted: Sequence[Named],
    listed: Sequence[Named],
    likeness: Callable[[str], str],
) -> Iterator[tuple[int, int]]:
    """Pair what is the only one of its likeness on both sides."""
    ours, theirs = defaultdict(list), defaultdict(list)
    for index in left:
        ours[likeness(wanted[index].path)].append(index)
    for index in right:
        theirs[likeness(listed[index].path)].append(index)
    for key, indices in ours.items():
        if len(indices) == len(theirs.get(key, ())) == 1:
            yield indices[0], theirs[key][0]


def _below_root(path: str) -> str:
    return path.partition("/")[2] or path


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _letters(path: str) -> str:
    return "".join(filter(str.isalnum, _base(path).casefold()))


def _any(_: str) -> str:
    return ""


def _taken(spare: Counter[int], size: int) -> bool:
    spare[size] -= 1
    return spare[size] >= 0


def _is_padding(path: str) -> bool:
    return _base(path).startswith(PADDING)
