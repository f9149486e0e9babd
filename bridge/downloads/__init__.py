"""The service that the APIs call: add, list, remove, categorise.

service             `DownloadService`: everything below, put together
adds                magnets, hashes, .torrent files and links
queries             views of entries, their files, trackers and timeline
commands            remove, stop, start, order, limits, recheck
content_commands    rename, choose and move files
labels              categories, tags and save paths
client_scopes       which grab a client means by a hash
client_preferences  limits for everything, and the login
account             what is on the account without the bridge
cleanup_report      what is cleaned up automatically
results             what goes in and out
"""

from bridge.core.model import AddOptions
from bridge.downloads.client_preferences import PASSWORD_HASH, USERNAME
from bridge.downloads.client_scopes import NOBODY, Caller, program_of
from bridge.downloads.labels import valid_category
from bridge.downloads.results import (
    Added,
    AddResult,
    CleanupEntry,
    FileView,
    Joined,
    Known,
    NoAnswer,
    Pending,
    Refusal,
    Rejected,
    View,
)
from bridge.downloads.service import DownloadService
from bridge.engine import SearchResult
from bridge.engine.search_jobs import SearchJob

__all__ = [
    "NOBODY",
    "PASSWORD_HASH",
    "USERNAME",
    "AddOptions",
    "AddResult",
    "Added",
    "Caller",
    "CleanupEntry",
    "DownloadService",
    "FileView",
    "Joined",
    "Known",
    "NoAnswer",
    "Pending",
    "Refusal",
    "Rejected",
    "SearchJob",
    "SearchResult",
    "View",
    "program_of",
    "valid_category",
]
