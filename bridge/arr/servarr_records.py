"""The answers of an *arr: only the fields that are used here, and each may be missing."""

from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

QBITTORRENT = "QBittorrent"
"""The `implementation` of a download client that is qBittorrent, or this bridge."""


class SystemStatus(Struct, frozen=True, rename="camel"):
    """`system/status`."""

    app_name: str = ""
    version: str = ""


class QueueRecord(Struct, frozen=True, rename="camel"):
    """A row of the queue. A season pack has one for each episode, with one download id."""

    id: int
    download_id: str | None = None
    title: str | None = None


class HistoryRecord(Struct, frozen=True, rename="camel"):
    """A row of the history. `event_type` is `grabbed`, `downloadFailed` and the like."""

    id: int
    date: datetime
    event_type: str = ""
    download_id: str | None = None


class Page(Struct, Generic[T], frozen=True, rename="camel"):
    """A page of a list."""

    records: tuple[T, ...] = ()
    total_records: int = 0


class Field(Struct, frozen=True):
    """A setting of a download client, of any type."""

    name: str = ""
    value: object = None


class DownloadClient(Struct, frozen=True, rename="camel"):
    """A download client as it is set up in the *arr."""

    id: int = 0
    name: str = ""
    enable: bool = True
    implementation: str = ""
    fields: tuple[Field, ...] = ()
    remove_completed_downloads: bool = True
    remove_failed_downloads: bool = True

    def text(self, name: str) -> str:
        """Return a field such as `host` or `urlBase` as text; empty if it is missing."""
        for field in self.fields:
            if field.name == name and isinstance(field.value, str | int):
                return str(field.value)
        return ""

    def flag(self, name: str) -> bool:
        """Return a field such as `useSsl`; false if it is missing."""
        return any(field.name == name and field.value is True for field in self.fields)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories it grabs into: `tvCategory`, `movieCategory` … by kind."""
        return tuple(
            field.value
            for field in self.fields
            if field.name.endswith("Category")
            and "Imported" not in field.name
            and isinstance(field.value, str)
        )

    @property
    def imported_category(self) -> str:
        """The category it moves a download to after the import; empty if it does not."""
        names = (field.name for field in self.fields if field.name.endswith("ImportedCategory"))
        return next(filter(None, map(self.text, names)), "")


class Tag(Struct, frozen=True, rename="camel"):
    """A tag."""

    id: int = 0
    label: str = ""


class ClientTestFailure(Struct, frozen=True, rename="camel"):
    """A problem that the Test button of a download client found."""

    property_name: str | None = None
    """The field that it is about, such as `Host` or `Username`."""
    error_message: str | None = None
    detailed_description: str | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        parts = (self.error_message, self.detailed_description)
        return ": ".join(part.strip() for part in parts if part and part.strip())


class DownloadClientOptions(Struct, frozen=True, rename="camel"):
    """`config/downloadclient`: what it does with downloads that are complete or failed."""

    enable_completed_download_handling: bool = True
    auto_redownload_failed: bool = True


class PathMapping(Struct, frozen=True, rename="camel"):
    """A remote path mapping: what a client calls `remote_path` is `local_path` to the *arr."""

    host: str = ""
    remote_path: str = ""
    local_path: str = ""


class RootFolder(Struct, frozen=True):
    """A directory of the *arr's library."""

    path: str = ""


class DirectoryEntry(Struct, frozen=True):
    """A file or directory that the *arr sees."""

    name: str = ""


class DirectoryListing(Struct, frozen=True):
    """`filesystem`: the content of a directory as the *arr sees it; empty if there is none."""

    directories: tuple[DirectoryEntry, ...] | None = None
    files: tuple[DirectoryEntry, ...] | None = None
