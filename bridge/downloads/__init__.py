"""The one door from the faces inward: add, list, remove, categorise.

Reads come from memory; writes are committed before they return. Answers are values: a rejection
is not an error, and only what is broken raises.

values      what goes in and out
callers     who asks, where several have one download
reads       views of downloads, their files, trackers, events
queue       remove, stop, start, force, order, seed limits
again       verify what is on disk, deliver once more what is gone
contents    rename, choose and move files
adding      magnets, hashes and .torrent files
adopting    what is on the account without us
informing   what is in a magnet, while TorBox does not tell by itself
links       links to .torrents and magnets
fetching    following a link, with limits
guard       which addresses a link may lead to
search      TorBox's search, as jobs
tidying     what goes without being asked for, what is nobody's
limits      speed limits and other preferences
categories  categories and tags
door        `Downloads`: all of it in one
"""

from bridge.downloads.callers import NOBODY, Caller, program_of
from bridge.downloads.categories import valid_category
from bridge.downloads.door import Downloads
from bridge.downloads.fetching import LinkFetcher
from bridge.downloads.limits import PASSWORD_FACT, USERNAME_FACT
from bridge.downloads.search import SearchJob
from bridge.downloads.tidying import Tidy
from bridge.downloads.values import (
    Added,
    AddResult,
    FileView,
    Joined,
    Known,
    NoAnswer,
    Options,
    Pending,
    Refusal,
    Rejected,
    View,
)
from bridge.torbox import SearchResult

__all__ = [
    "NOBODY",
    "PASSWORD_FACT",
    "USERNAME_FACT",
    "AddResult",
    "Added",
    "Caller",
    "Downloads",
    "FileView",
    "Joined",
    "Known",
    "LinkFetcher",
    "NoAnswer",
    "Options",
    "Pending",
    "Refusal",
    "Rejected",
    "SearchJob",
    "SearchResult",
    "Tidy",
    "View",
    "program_of",
    "valid_category",
]
