"""Decides which changes become messages, and builds the request for each receiver. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

import msgspec

from bridge import USER_AGENT
from bridge.config import NotifySettings
from bridge.config.value_types import NotifyEvent
from bridge.core.model import Entry, Phase

EVENTS: Final = get_args(NotifyEvent)

BLOCKED_SECONDS: Final = 120.0
"""A blocker that ends sooner causes no message."""
NO_SPACE: Final = "not enough space"
"""The start of the note of a download that waits for disk space."""
MOST_AT_ONCE: Final = 5
"""More messages of the same event at one time are merged into one."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A notification."""

    event: str
    """An event of `EVENTS`, or `test`."""
    title: str
    text: str
    level: str = "info"
    """`info`, `success`, `warning` or `failure`: the types of Apprise."""


def of_change(before: Entry | None, after: Entry | None) -> Message | None:
    """Return the message about a changed entry; None if the change is not worth a message."""
    if after is None:
        return None
    name, where = after.name, f" ({after.grab.category})" if after.grab.category else ""
    if after.phase is Phase.FAILED and (before is None or before.phase is not Phase.FAILED):
        why = (after.failure.message if after.failure else "") or "It failed"
        return Message(
            event="failed", title="Download failed", text=f"{name}{where}: {why}", level="failure"
        )
    if before is None:
        return None
    if after.complete and not before.complete:
        return Message(
            event="completed", title="Download completed", text=f"{name}{where}", level="success"
        )
    if after.grab.missing_files and not before.grab.missing_files:
        text = f"{name}{where}: files are missing on disk. Recheck it to deliver it again"
        return Message(event="attention", title="Needs attention", text=text, level="warning")
    if after.note.startswith(NO_SPACE) and not before.note.startswith(NO_SPACE):
        return Message(
            event="disk_full",
            title="Disk full",
            text=f"{name}{where}: {after.note}",
            level="warning",
        )
    return None


def together(messages: Sequence[Message]) -> list[Message]:
    """Merge more than `MOST_AT_ONCE` messages of the same event into one."""
    kept: list[Message] = []
    for event in dict.fromkeys(message.event for message in messages):
        same = [message for message in messages if message.event == event]
        if len(same) <= MOST_AT_ONCE:
            kept += same
            continue
        lines = [message.text for message in same[:MOST_AT_ONCE]]
        lines.append(f"and {len(same) - MOST_AT_ONCE} more")
        kept.append(Message(
            event=event, title=f"{same[0].title}: {len(same)}", text="\n".join(lines), level=same[0].level
        ))  # fmt: skip
    return kept


@dataclass(slots=True)
class BlockerNews:
    """Reports a blocker after `BLOCKED_SECONDS`, and its end if it was reported."""

    _since: dict[str, float] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)

    def look(self, blockers: Iterable[tuple[str, str]], now: float) -> list[Message]:
        """Compare with the previous call and return the messages. `blockers` are (kind, why)."""
        there, found = dict(blockers), []
        for kind, why in there.items():
            since = self._since.setdefault(kind, now)
            if kind not in self._told and now - since >= BLOCKED_SECONDS:
                self._told[kind] = why
                found.append(Message(
                    event="blocked", title="Blocked", text=f"{why}. Downloads wait, nothing is lost", level="warning"
                ))  # fmt: skip
        # A list, because the loop deletes from the dict.
        for kind in [kind for kind in self._since if kind not in there]:
            del self._since[kind]
            if why := self._told.pop(kind, ""):
                text = f"It goes on. It was: {why}"
                found.append(Message(event="free", title="Free again", text=text, level="success"))
        return found


DISCORD_TEXT: Final = 4000
NTFY_TEXT: Final = 3900
LONGEST_TITLE: Final = 250

_COLOURS: Final = {"info": 0x3B82F6, "success": 0x22A55B, "warning": 0xE0A020, "failure": 0xD64545}
_PRIORITIES: Final = {"info": 3, "success": 3, "warning": 4, "failure": 4}
_NTFY_TAGS: Final = {
    "info": "information_source",
    "success": "white_check_mark",
    "warning": "warning",
    "failure": "x",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequest:
    """An HTTP POST."""

    url: str = field(repr=False)
    body: bytes
    headers: Mapping[str, str] = field(repr=False)


def request_for(receiver: NotifySettings, message: Message, now: float) -> NotificationRequest:
    """Return the request that sends a message to a receiver."""
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT}
    if receiver.token is not None:
        headers["Authorization"] = f"Bearer {receiver.token.reveal()}"
    url, payload = _PAYLOADS[receiver.kind](receiver.url.reveal(), message, now)
    return NotificationRequest(url=url, body=json.dumps(payload).encode(), headers=headers)


def _apprise(url: str, message: Message, _now: float) -> tuple[str, object]:
    return url, {"title": message.title, "body": message.text, "type": message.level}


def _json(url: str, message: Message, now: float) -> tuple[str, object]:
    return url, {
        "event": message.event,
        "level": message.level,
        "title": message.title,
        "text": message.text,
        "at": round(now),
        "source": "torbox-bridge",
    }


def _discord(url: str, message: Message, _now: float) -> tuple[str, object]:
    return url, {
        "username": "torbox-bridge",
        "allowed_mentions": {"parse": []},
        "embeds": [
            {
                "title": message.title[:LONGEST_TITLE],
                "description": message.text[:DISCORD_TEXT],
                "color": _COLOURS[message.level],
            }
        ],
    }


def _ntfy(url: str, message: Message, _now: float) -> tuple[str, object]:
    """Return the URL of the server's root and the message as JSON."""
    # Not as a POST to the topic: that takes the title from a header, which cannot hold Unicode.
    root, _, topic = url.rstrip("/").rpartition("/")
    return f"{root}/", {
        "topic": topic,
        "title": message.title[:LONGEST_TITLE],
        "message": message.text[:NTFY_TEXT],
        "priority": _PRIORITIES[message.level],
        "tags": [_NTFY_TAGS[message.level]],
    }


_PAYLOADS: Final = {"apprise": _apprise, "json": _json, "discord": _discord, "ntfy": _ntfy}
KINDS: Final = tuple(_PAYLOADS)
