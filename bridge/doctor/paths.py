"""What a path of ours is called by an *arr. Pure, and by the *arr's own rules."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from bridge.arr import PathMapping


def mapped(path: str, host: str, mappings: Iterable[PathMapping]) -> str:
    """Apply the first remote path mapping of this client's host that covers the path.

    Hosts know no case, paths do, and a mapping covers whole components.
    """
    ours = PurePosixPath(path)
    for mapping in mappings:
        remote = PurePosixPath(mapping.remote_path)
        if mapping.host.lower() == host.lower() and ours.is_relative_to(remote):
            return str(PurePosixPath(mapping.local_path) / ours.relative_to(remote))
    return path


def overlaps(path: str, root: str) -> bool:
    """Tell whether one is in the other, or both are the same."""
    one, other = PurePosixPath(path), PurePosixPath(root)
    return one.is_relative_to(other) or other.is_relative_to(one)
