"""Sending notifications to a real receiver, which is not always well."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bridge import logs
from bridge.config import NotifySettings, Secret
from bridge.notify import Message, Notifier, NotSent
from bridge.notify.notifier import WAITING_AT_MOST

TOPIC = "a-secret-topic-of-the-tests"


@dataclass
class Inbox:
    """A receiver."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """To answer with, one after another; then 200."""
    got: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: web.Request) -> web.Response:
        """Keep a message."""
        async with self.changed:
            self.got.append(json.loads(await request.read()))
            self.changed.notify_all()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Retry-After": "0"})


@asynccontextmanager
async def inbox() -> AsyncIterator[Inbox]:
    """Run one."""
    made = Inbox()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/{TOPIC}"
    try:
        yield made
    finally:
        await runner.cleanup()


@asynccontextmanager
async def notifier(*receivers: NotifySettings) -> AsyncIterator[Notifier]:
    """Run a notifier with short pauses."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        made = Notifier(session, receivers, clock=lambda: 1000.0, pauses=(0.01, 0.01))
        tasks = [group.create_task(job) for _, job in made.jobs(list)]
        yield made
        for task in tasks:
            task.cancel()


def receiver(url: str, *events: str, kind: Any = "json") -> NotifySettings:
    """Make one."""
    told: Any = events or ("failed",)
    return NotifySettings(name="it", kind=kind, url=Secret(url), events=told)


def message(text: str = "x", event: str = "failed") -> Message:
    """Make a message."""
    return Message(event=event, title="Title", text=text)


async def until(box: Inbox, number: int) -> None:
    """Wait until so many requests came."""
    async with asyncio.timeout(5), box.changed:
        await box.changed.wait_for(lambda: len(box.got) >= number)


async def test_it_tells_what_was_asked_for() -> None:
    """Only the events that the receiver wants, in their order."""
    async with inbox() as box, notifier(receiver(box.url, "failed", "free")) as made:
        made.tell([message("1"), message("2", "completed"), message("3", "free")])
        await until(box, 2)
        assert [one["text"] for one in box.got] == ["1", "3"]
        assert box.got[0] == {
            "event": "failed",
            "level": "info",
            "title": "Title",
            "text": "1",
            "at": 1000,
            "source": "torbox-bridge",
        }


async def test_it_tries_again() -> None:
    """A receiver that is not well gets it later; one that refuses is left alone."""
    async with inbox() as box, notifier(receiver(box.url)) as made:
        box.statuses = [503, 429]
        made.tell([message("1")])
        await until(box, 3)
        box.statuses = [400]
        made.tell([message("2"), message("3")])
        await until(box, 5)
        assert [one["text"] for one in box.got] == ["1", "1", "1", "2", "3"]


async def test_no_secret_is_told() -> None:
    """What is masked in the log is masked here."""
    logs.mask("a-key-that-nobody-may-see")
    async with inbox() as box, notifier(receiver(box.url)) as made:
        made.tell([message("why: a-key-that-nobody-may-see, token=abc")])
        await until(box, 1)
        assert box.got[0]["text"] == "why: ***, token=***"


async def test_one_that_is_gone_holds_up_nobody() -> None:
    """The others are told, and what waits for it is bounded."""
    gone = receiver("http://127.0.0.1:9/")
    async with inbox() as box, notifier(gone, receiver(box.url)) as made:
        for number in range(WAITING_AT_MOST + 50):
            made.tell([message(str(number))])
        await until(box, WAITING_AT_MOST)


@pytest.mark.parametrize(
    ("url", "status", "why"),
    [("", 404, "HTTP 404"), ("http://127.0.0.1:9/", 0, "no connection"), ("nonsense", 0, "URL")],
)
async def test_a_test_says_why_not(url: str, status: int, why: str) -> None:
    """The reason is told, and the URL is not: it holds the secret."""
    async with inbox() as box, notifier() as made:
        box.statuses = [status]
        with pytest.raises(NotSent, match=why) as caught:
            await made.try_out(receiver(url or box.url))
        assert TOPIC not in str(caught.value)


async def test_a_test_arrives() -> None:
    """And says that it is one."""
    async with inbox() as box, notifier() as made:
        await made.try_out(receiver(box.url, kind="discord"))
        assert box.got[0]["embeds"][0]["title"] == "Test"
