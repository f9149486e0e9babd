"""What an *arr answers. Fields that nobody here reads are left out, and missing ones are borne."""

from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class Status(Struct, frozen=True, rename="camel"):
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


class Client(Struct, frozen=True, rename="camel"):
    """A download client as it is set up in the *arr."""

    id: int = 0
    name: str = ""
    enable: bool = True
    implementation: str = ""
    fields: tuple[Field, ...] = ()
    remove_completed_downloads: bool = True
    remove_failed_downloads: bool = True

    def text(self, name: str) -> str:
        """Read a field such as `host` or `urlBase` as text; empty when it is not there."""
        for field in self.fields:
            if field.name == name and isinstance(field.value, str | int):
                return str(field.value)
        return ""

    def flag(self, name: str) -> bool:
        """Read a field such as `useSsl`; false when it is not there."""
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
        """Where it moves a download after the import; empty when it leaves it where it is."""
        names = (field.name for field in self.fields if field.name.endswith("ImportedCategory"))
        return next(filter(None, map(self.text, names)), "")


class Tag(Struct, frozen=True, rename="camel"):
    """A tag."""

    id: int = 0
    label: str = ""


class Complaint(Struct, frozen=True, rename="camel"):
    """What the Test button of a download client complains of."""

    property_name: str | None = None
    """The field that it is about, such as `Host` or `Username`."""
    error_message: str | None = None
    detailed_description: str | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        parts = (self.error_message, self.detailed_description)
        return ": ".join(part.strip() for part in parts if part and part.strip())


class ClientOptions(Struct, frozen=True, rename="camel"):
    """`config/downloadclient`: what it does with downloads that are done, or failed."""

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


class Entry(Struct, frozen=True):
    """A file or directory that the *arr sees."""

    name: str = ""


class Listing(Struct, frozen=True):
    """`filesystem`: what is in a directory that the *arr sees; nothing, too, if there is none."""

    directories: tuple[Entry, ...] | None = None
    files: tuple[Entry, ...] | None = None
