"""The request that sends a message to each kind of receiver. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bridge.notify.messages import Message

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
class Receiver:
    """An address that notifications are sent to."""

    name: str
    kind: str
    """`apprise`, `json`, `discord` or `ntfy`."""
    url: str = field(repr=False)
    """May hold a secret, so repr leaves it out."""
    token: str = field(default="", repr=False)
    """Sent as a bearer token unless empty."""
    events: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationRequest:
    """An HTTP POST."""

    url: str = field(repr=False)
    body: bytes
    headers: Mapping[str, str] = field(repr=False)


def request_for(receiver: Receiver, message: Message, now: float) -> NotificationRequest:
    """Return the request that sends a message to a receiver."""
    headers = {"Content-Type": "application/json", "User-Agent": "torbox-bridge"}
    if receiver.token:
        headers["Authorization"] = f"Bearer {receiver.token}"
    url, payload = _PAYLOADS[receiver.kind](receiver.url, message, now)
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
