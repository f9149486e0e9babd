"""Sends notifications with retries, one at a time to each receiver."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import structlog
from msgspec.structs import replace

from bridge.core.model import Entry
from bridge.logs import masked
from bridge.notify.messages import BlockerNews, Message, Receiver, of_change, request_for, together

log = structlog.get_logger(__name__)

PAUSES: Final = (5.0, 60.0, 300.0)
"""Seconds before each further attempt."""
SEND_SECONDS: Final = 20.0
LONGEST_WAIT: Final = 900.0
WAITING_AT_MOST: Final = 200
"""Length of a receiver's queue; beyond it the oldest message is dropped."""
LOOK_SECONDS: Final = 10.0
TOGETHER_SECONDS: Final = 1.0
"""Changes within this time are merged."""


class NotSent(Exception):
    """A receiver did not accept a message. The text holds no secret."""

    def __init__(self, why: str, *, again: bool, after: float | None = None) -> None:
        super().__init__(why)
        self.again = again
        """A retry may succeed."""
        self.after = after
        """Seconds until the retry, from the receiver's Retry-After."""


@dataclass(slots=True)
class _Line:
    receiver: Receiver
    queue: "asyncio.Queue[Message]"


class Notifier:
    """Sends every receiver its events. A restart loses messages that are not sent yet."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        receivers: Iterable[Receiver],
        *,
        clock: Callable[[], float],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._session = session
        self._clock = clock
        self._pauses = tuple(pauses)
        self._lines = [_Line(receiver, asyncio.Queue()) for receiver in receivers]
        self._blockers = BlockerNews()
        self._news: list[Message] = []
        self._changed = asyncio.Event()

    @property
    def receivers(self) -> Sequence[Receiver]:
        """List the receivers."""
        return [line.receiver for line in self._lines]

    def jobs(
        self, blockers: Callable[[], Iterable[tuple[str, str]]]
    ) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """Return the background tasks with their names; none without receivers."""
        if not self._lines:
            return []
        sending = [(f"notify {line.receiver.name}", self._send_all(line)) for line in self._lines]
        watching = ("notify blockers", self._watch(blockers))
        return [*sending, watching, ("notify changes", self._tell_changes())]

    def note(self, before: Entry | None, after: Entry | None) -> None:
        """Note that an entry changed; `_tell_changes` sends the message a moment later."""
        message = of_change(before, after) if self._lines else None
        if message is not None:
            self._news.append(message)
            self._changed.set()

    def tell(self, messages: Sequence[Message]) -> None:
        """Queue messages for the receivers of their events. Never waits."""
        for message in together(messages):
            clean = replace(message, title=masked(message.title), text=masked(message.text))
            for line in self._lines:
                if message.event in line.receiver.events:
                    if line.queue.qsize() >= WAITING_AT_MOST:
                        line.queue.get_nowait()
                        log.warning("notification_dropped", receiver=line.receiver.name)
                    line.queue.put_nowait(clean)

    async def try_out(self, receiver: Receiver) -> None:
        """Send a test message, without retries.

        Raises:
            NotSent: the receiver did not accept it.
        """
        text = "This is a test. Notifications of torbox-bridge arrive here"
        await self._send(receiver, Message(event="test", title="Test", text=text))

    async def _watch(self, blockers: Callable[[], Iterable[tuple[str, str]]]) -> None:
        while True:
            self.tell(self._blockers.look(blockers(), self._clock()))
            await asyncio.sleep(LOOK_SECONDS)

    async def _tell_changes(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(TOGETHER_SECONDS)
            self._changed.clear()
            news, self._news = self._news, []
            self.tell(news)

    async def _send_all(self, line: _Line) -> None:
        while True:
            message = await line.queue.get()
            await self._deliver(line.receiver, message)

    async def _deliver(self, receiver: Receiver, message: Message) -> None:
        for pause in (*self._pauses, None):
            try:
                await self._send(receiver, message)
            except NotSent as error:
                last = pause is None or not error.again
                log.warning(
                    "notification_not_sent",
                    receiver=receiver.name,
                    event_told=message.event,
                    why=str(error),
                    given_up=last,
                )
                if pause is None or not error.again:
                    return
                await asyncio.sleep(min(max(pause, error.after or 0.0), LONGEST_WAIT))
            else:
                log.debug("notification_sent", receiver=receiver.name, event_told=message.event)
                return

    async def _send(self, receiver: Receiver, message: Message) -> None:
        request = request_for(receiver, message, self._clock())
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=SEND_SECONDS),
                allow_redirects=False,  # a redirect means a wrong URL: report its status
            ) as response:
                status, after = response.status, response.headers.get("Retry-After", "")
        except TimeoutError:
            raise NotSent("no answer in time", again=True) from None
        except aiohttp.InvalidURL:
            raise NotSent("its URL is not valid", again=False) from None
        except (aiohttp.ClientError, OSError) as error:
            # Not str(error): it may name the URL, which may hold a secret.
            raise NotSent(f"no connection ({type(error).__name__})", again=True) from None
        if status in range(200, 300):
            return
        again = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        seconds = float(after) if after.isdecimal() else None
        raise NotSent(f"it answered HTTP {status}", again=again, after=seconds)
