"""Finds files of a torrent that TorBox does not list.

TorBox cleans names up and may drop the root folder, but a file keeps its size. So files are
compared by size first, and names only distinguish files of equal size.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bridge.core.metainfo import TorrentFile
from bridge.core.model import RemoteFile

PADDING = "_____padding_file_"
"""File name prefix by which old clients mark padding."""


class Named(NamedTuple):
    """A file as it appears in one of the two lists."""

    path: str
    size: int


def missing(
    metainfo_files: Iterable[TorrentFile], remote_files: Iterable[RemoteFile]
) -> tuple[TorrentFile, ...]:
    """Return the torrent's files that TorBox does not list, apart from empty files.

    Return nothing for a zipped item, whose contents cannot be compared.
    """
    wanted = [file for file in metainfo_files if file.size and not _is_padding(file.path)]
    listed = list(remote_files)
    # TorBox may pack a torrent of 100 files or more in a zip, whose size matches none of its files.
    if any(file.zipped for file in listed):
        return ()
    # Files of equal size whose names tell nothing (`01.dat`, renamed by TorBox) cannot be paired.
    # Each listed one makes up for one wanted file of its size.
    spare = Counter(file.size for file in listed)
    paired = pairs(
        [Named(file.path, file.size) for file in wanted],
        [Named(file.name, file.size) for file in listed],
    )
    spare.subtract(wanted[index].size for index in paired)
    unpaired = (file for index, file in enumerate(wanted) if index not in paired)
    return tuple(file for file in unpaired if not _taken(spare, file.size))


def pairs(wanted: Sequence[Named], listed: Sequence[Named]) -> Mapping[int, int]:
    """Return the certain matches: index in `wanted` to index in `listed`.

    Two files match when they have the same size, and when no other file of that size has the same
    path below the root, the same name, the same letters and digits in its name, or exists at all.
    """
    found: dict[int, int] = {}
    for left, right in _by_size(wanted, listed):
        # From the strictest key to the loosest, so that a certain pair is not spoilt by a loose
        # one.
        for likeness in (below_root, _base, _letters, _any):
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
    """Yield the pairs whose key (`likeness`) occurs exactly once on both sides."""
    ours, theirs = defaultdict(list), defaultdict(list)
    for index in left:
        ours[likeness(wanted[index].path)].append(index)
    for index in right:
        theirs[likeness(listed[index].path)].append(index)
    for key, indices in ours.items():
        if len(indices) == len(theirs.get(key, ())) == 1:
            yield indices[0], theirs[key][0]


def below_root(path: str) -> str:
    """Return a file's path below its root folder, which TorBox may drop or rename."""
    return path.partition("/")[2] or path


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _letters(path: str) -> str:
    # TorBox removes characters that it takes for unsafe from the names that it shows.
    return "".join(filter(str.isalnum, _base(path).casefold()))


def _any(_: str) -> str:
    return ""


def _taken(spare: Counter[int], size: int) -> bool:
    spare[size] -= 1
    return spare[size] >= 0


def _is_padding(path: str) -> bool:
    return _base(path).startswith(PADDING)
