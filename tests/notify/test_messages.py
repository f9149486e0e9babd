"""What is told, and when."""

from typing import Any

import pytest

from bridge.config import NotifySettings, Secret
from bridge.core.model import Entry, GrabPhase
from bridge.notify.messages import (
    BLOCKED_SECONDS,
    EVENTS,
    MOST_AT_ONCE,
    BlockerNews,
    Message,
    of_change,
    request_for,
    together,
)
from tests.support import scenes
from tests.support.scenes import NOW, entry, failed

FAILED = entry(failed(failure_message="no seeds"))


def download(**fields: Any) -> Entry:
    """Make an entry that is new."""
    return entry(scenes.download(), **fields)


def ready(**fields: Any) -> Entry:
    """Make an entry that TorBox has the files of."""
    return entry(scenes.ready(), **fields)


def delivered(**fields: Any) -> Entry:
    """Make an entry whose files are there."""
    return entry(scenes.ready(), scenes.delivered(**fields))


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (download(), FAILED, "failed"),
        (None, FAILED, "failed"),
        (FAILED, entry(failed(failure_message="no seeds"), note="told"), None),
        (ready(), delivered(), "completed"),
        (None, delivered(), None),
        (delivered(), delivered(phase=GrabPhase.FINISHED), None),
        (delivered(), delivered(missing_files=True), "attention"),
        (ready(), ready(note="not enough space: 5 bytes needed, 1 free"), "disk_full"),
        (
            ready(note="not enough space: 5 bytes needed, 1 free"),
            ready(note="not enough space: 5 bytes needed, 2 free"),
            None,
        ),
        (delivered(), None, None),
        (download(), download(note="waits"), None),
    ],
)
def test_changes(before: Entry | None, after: Entry | None, event: str | None) -> None:
    """Each of the events is told once, when it happens."""
    message = of_change(before, after)
    assert (message.event if message else None) == event
    assert event is None or event in EVENTS


def test_a_failure_names_the_release_and_the_reason() -> None:
    """Somebody who reads it on a phone knows what happened."""
    message = of_change(download(), FAILED)
    assert message is not None
    assert message.text == "Show.1 (tv): no seeds"


def test_blocked_and_free_again() -> None:
    """A blocker is told after two minutes, once, and so is its end; a short one is not told."""
    news = BlockerNews()
    down = [("torbox", "TorBox does not answer")]
    assert news.look(down, NOW) == []
    assert news.look([], NOW + 10) == []
    assert news.look(down, NOW + 20) == []
    (told,) = news.look(down, NOW + 20 + BLOCKED_SECONDS)
    assert (told.event, "does not answer" in told.text) == ("blocked", True)
    assert news.look(down, NOW + 900) == []
    (free,) = news.look([], NOW + 1000)
    assert (free.event, "does not answer" in free.text) == ("free", True)
    assert news.look([], NOW + 1010) == []


def test_many_become_one() -> None:
    """A hundred failures at once are one message; a few are a message each."""
    few = [
        Message(event="failed", title="Download failed", text=str(n)) for n in range(MOST_AT_ONCE)
    ]
    assert together(few) == few
    (one,) = together([*few, *few])
    assert (one.title, one.text.endswith(f"and {MOST_AT_ONCE} more")) == (
        f"Download failed: {2 * MOST_AT_ONCE}",
        True,
    )


@pytest.mark.parametrize("kind", ["apprise", "json", "discord", "ntfy"])
def test_requests(kind: Any) -> None:
    """Each kind gets the title and the text in its own words, and the token as a header."""
    url, token = Secret("https://host/base/topic"), Secret("secret-token")
    receiver = NotifySettings(name="x", kind=kind, url=url, token=token)
    message = Message(event="failed", title="A title", text="A text ünïcode", level="failure")
    request = request_for(receiver, message, NOW)
    body = request.body.decode("unicode_escape")
    assert "A title" in body
    assert "A text ünïcode" in body
    assert "secret" not in body
    assert request.headers["Authorization"] == "Bearer secret-token"
    assert request.url == ("https://host/base/" if kind == "ntfy" else url.reveal())
    assert "secret" not in repr(receiver) + repr(request)
