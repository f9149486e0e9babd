"""Links to files on TorBox's CDN: asked for when a fetch starts, and reused while they are good.

Making links over and over counts as abuse at TorBox, so a link is kept for 50 minutes (TorBox
lets it be started for an hour at least) unless the CDN has refused it. It outlives the attempt
that asked for it: a delivery that is taken up again goes on with the links it had.
"""

from collections.abc import Callable

from bridge.torbox import TorBox

KEEP_SECONDS = 50 * 60.0


class LinkBook:
    """The links of one remote item."""

    def __init__(self, torbox: TorBox, torrent_id: int, clock: Callable[[], float]) -> None:
        self._torbox = torbox
        self._torrent_id = torrent_id
        self._clock = clock
        self._links: dict[int, tuple[str, float]] = {}

    async def link(self, file_id: int, *, fresh: bool) -> str:
        """Return a link to the file; a new one if `fresh`, or if the last is too old.

        Raises:
            TorBoxError: TorBox gave none.
        """
        now = self._clock()
        known, made_at = self._links.get(file_id, ("", -KEEP_SECONDS))
        if known and not fresh and 0 <= now - made_at < KEEP_SECONDS:
            return known
        link = await self._torbox.link(self._torrent_id, file_id)
        self._links[file_id] = (link, now)
        return link

    def holds(self, file_id: int) -> bool:
        """Return whether a link made before would be given again."""
        link, made_at = self._links.get(file_id, ("", 0.0))
        return bool(link) and 0 <= self._clock() - made_at < KEEP_SECONDS

    def stale(self, now: float) -> bool:
        """Return whether none of its links may be used any more."""
        return all(now - made_at >= KEEP_SECONDS for _, made_at in self._links.values())


class LinkBooks:
    """The link books of all remote items; those of long ago are forgotten."""

    def __init__(self, torbox: TorBox, clock: Callable[[], float]) -> None:
        self._torbox = torbox
        self._clock = clock
        self._books: dict[int, LinkBook] = {}

    def of(self, torrent_id: int) -> LinkBook:
        """Return the links of a remote item."""
        now = self._clock()
        kept = {key: book for key, book in self._books.items() if not book.stale(now)}
        book = self._books.get(torrent_id) or LinkBook(self._torbox, torrent_id, self._clock)
        self._books = {**kept, torrent_id: book}
        return book

    def forget(self, torrent_id: int) -> None:
        """Forget the links of an item that was deleted."""
        self._books.pop(torrent_id, None)
