"""Where downloads may go: below the download roots, and nowhere else."""

import re
from dataclasses import dataclass
from posixpath import isabs, join, normpath

from bridge.core.paths import safe_path

_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What no file system takes: NUL, and what is no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The directories that the user's settings allow. Lexical: nothing is looked up on disk."""

    default: str
    """`paths.downloads`: where downloads without a category go."""
    others: tuple[str, ...] = ()
    """Save paths that the settings give to categories."""
    reserved: tuple[str, ...] = ()
    """The bridge's own directories (`paths.incomplete`): no download goes there."""

    def category_path(self, name: str, save_path: str) -> str:
        """Tell the directory of a category. Without a save path it is named after the category.

        Raises:
            OutsideRoots: the save path leaves the download roots.
        """
        return self.resolve(save_path or safe_path(name), self.default)

    def resolve(self, path: str, base: str) -> str:
        """Make a path absolute and plain; a relative one stands below `base`.

        Raises:
            OutsideRoots: it leaves the download roots.
        """
        plain = _plain(path if isabs(path) else join(base, path))
        if _UNUSABLE.search(plain):
            raise OutsideRoots(f"{path!r} cannot be a path")
        if not any(_within(plain, _plain(root)) for root in (self.default, *self.others)):
            raise OutsideRoots(f"{path!r} is not below {self.default}")
        if any(_within(plain, _plain(own)) for own in self.reserved):
            raise OutsideRoots(f"{path!r} is for unfinished files only")
        return plain


class OutsideRoots(ValueError):
    """A path that no download may go to; the text says why."""


def _plain(path: str) -> str:
    """Resolve `.`, `..` and doubled slashes; POSIX would leave two at the start alone."""
    plain = normpath(path)
    return plain[1:] if plain.startswith("//") else plain


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
