"""Entries by hand: fields named as a client sees them go to the download or to the grab."""

from dataclasses import fields
from typing import Any

from msgspec.structs import replace

from bridge.core.model import (
    Download,
    DownloadPhase,
    Entry,
    Grab,
    GrabPhase,
    Phase,
    Reason,
)

_DOWNLOAD = frozenset(field.name for field in fields(Download))
_GRAB = frozenset(field.name for field in fields(Grab))
_BOTH = frozenset({"phase_at", "next_attempt_at"})
_OF_DOWNLOAD = frozenset({"id", "name", "failure_reason", "failure_message", "attempts"})

_PHASES = {
    Phase.ACCEPTED: (DownloadPhase.NEW, GrabPhase.WAITING),
    Phase.SUBMITTING: (DownloadPhase.SUBMITTING, GrabPhase.WAITING),
    Phase.QUEUED: (DownloadPhase.QUEUED, GrabPhase.WAITING),
    Phase.REMOTE: (DownloadPhase.ACTIVE, GrabPhase.WAITING),
    Phase.READY: (DownloadPhase.READY, GrabPhase.WAITING),
    Phase.DELIVERING: (DownloadPhase.READY, GrabPhase.DELIVERING),
    Phase.DELIVERED: (DownloadPhase.READY, GrabPhase.DELIVERED),
    Phase.FINISHED: (DownloadPhase.READY, GrabPhase.FINISHED),
    Phase.FAILED: (DownloadPhase.FAILED, GrabPhase.WAITING),
}


def with_fields(entry: Entry, **changes: Any) -> Entry:
    """Return the entry with other values; `phase` is the one that clients see."""
    download, grab = dict[str, Any](), dict[str, Any]()
    for name, value in changes.items():
        if name == "phase":
            download["phase"], grab["phase"] = _PHASES[value]
            if value is Phase.FAILED:
                download.setdefault("failure_reason", Reason.STALLED)
        elif name == "grab_id":
            grab["id"] = value
        elif name == "size":
            download["size"] = grab["size"] = value
        elif name == "note":
            (grab if grab.get("phase") in {GrabPhase.DELIVERING, *_complete()} else download)[
                "note"
            ] = value
        elif name in _BOTH:
            download[name] = grab[name] = value
        elif name in _OF_DOWNLOAD or name not in _GRAB:
            assert name in _DOWNLOAD, name
            download[name] = value
        else:
            grab[name] = value
    return Entry(replace(entry.download, **download), replace(entry.grab, **grab))


def _complete() -> tuple[GrabPhase, ...]:
    return (GrabPhase.DELIVERED, GrabPhase.FINISHED)


def field_of(entry: Entry, name: str) -> Any:
    """Return a field of the entry as a client names it."""
    if name in _GRAB and name not in _OF_DOWNLOAD and name not in _BOTH:
        return getattr(entry.grab, name)
    return getattr(entry.download, name)


class Seen:
    """An entry whose fields have the names that a client knows: of the download, or of the grab."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __getattr__(self, name: str) -> Any:
        if name == "failure_reason":
            return self.entry.failure.reason if self.entry.failure else None
        if name == "failure_message":
            return self.entry.failure.message if self.entry.failure else ""
        if hasattr(Entry, name):
            return getattr(self.entry, name)
        return field_of(self.entry, {"active_at": "uploaded_at"}.get(name, name))

    def __repr__(self) -> str:
        return repr(self.entry)
