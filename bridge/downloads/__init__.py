"""The service that the APIs call: add, list, remove, categorise.

service             `DownloadService`: everything below, put together
adds                magnets, hashes, .torrent files and links
queries             views of entries, their files, trackers and timeline
commands            remove, stop, start, order, limits, recheck
content_commands    rename, choose and move files
labels              categories, tags and save paths
client_scopes       which grab a client means by a hash
client_preferences  limits for everything, and the login
unmanaged_items     items on the account that the bridge does not manage
cleanup_report      what is cleaned up automatically
results             the values that the service takes and returns
"""

from bridge.core.model import AddOptions
from bridge.downloads.adds import PAGE_CLIENT
from bridge.downloads.client_preferences import PASSWORD_HASH, USERNAME
from bridge.downloads.client_scopes import NOBODY, Caller, program_of
from bridge.downloads.commands import Commands
from bridge.downloads.results import (
    Added,
    AddResult,
    CleanupEntry,
    DirectoryRefusal,
    FileView,
    Joined,
    Known,
    NoAnswer,
    Pending,
    Rejected,
    View,
)
from bridge.downloads.service import DownloadService
from bridge.engine import SearchResult
from bridge.engine.search_jobs import SearchJob

__all__ = [
    "NOBODY",
    "PAGE_CLIENT",
    "PASSWORD_HASH",
    "USERNAME",
    "AddOptions",
    "AddResult",
    "Added",
    "Caller",
    "CleanupEntry",
    "Commands",
    "DirectoryRefusal",
    "DownloadService",
    "FileView",
    "Joined",
    "Known",
    "NoAnswer",
    "Pending",
    "Rejected",
    "SearchJob",
    "SearchResult",
    "View",
    "program_of",
]
