"""The directories that downloads may go to: the download roots, and nothing else."""

import re
from dataclasses import dataclass
from posixpath import isabs, join, normpath

from bridge.core.paths import safe_path

_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")
"""Characters that no file system accepts: NUL and lone surrogates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """The directories that the settings allow. Lexical: nothing is looked up on disk."""

    default: str
    """`paths.downloads`, for downloads without a category."""
    others: tuple[str, ...] = ()
    """Save paths that the settings give to categories."""
    reserved: tuple[str, ...] = ()
    """The bridge's own directories (`paths.incomplete`): no download may go there."""

    def category_path(self, name: str, save_path: str) -> str:
        """Return the directory of a category; without a save path it is named after the category.

        Raises:
            OutsideRoots: the save path is outside the download roots.
        """
        return self.resolve(save_path or safe_path(name), self.default)

    def resolve(self, path: str, base: str) -> str:
        """Return an absolute, normalised path; a relative one is below `base`.

        Raises:
            OutsideRoots: the path is outside the download roots.
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
    """A path to which no download may go; the text says why."""


def _plain(path: str) -> str:
    """Return the path without `.`, `..` and doubled slashes, which POSIX keeps at the start."""
    plain = normpath(path)
    return plain[1:] if plain.startswith("//") else plain


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
