"""Plays steps on a server and keeps what it answers, in a form that two servers can agree on."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec

from tests.differential.steps import Step
from tests.differential.wire import Wired, exchange, multipart

SETTLE_SECONDS: Final = 10.0
ARRIVAL_SECONDS: Final = 1.0
"""How long to wait for something new; what was here already never comes."""
POLL_SECONDS: Final = 0.03
HOP_BY_HOP: Final = frozenset({"connection", "content-length", "date", "keep-alive", "set-cookie"})
"""Headers of the connection, of the clock, and the one that is compared as cookies."""


@dataclass(frozen=True, slots=True)
class Place:
    """A server to play on."""

    url: str
    downloads: Path
    username: str
    password: str

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def fill(self, value: str) -> str:
        """Put this server's own values in."""
        own = {
            "{downloads}": str(self.downloads),
            "{password}": self.password,
            "{server}": self.url.removeprefix("http://"),
        }
        for name, its in own.items():
            value = value.replace(name, its)
        return value

    def blank(self, body: bytes) -> bytes:
        """Take this server's own values out."""
        return body.replace(str(self.downloads).encode(), b"{downloads}").replace(
            self.url.removeprefix("http://").encode(), b"{server}"
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: Mapping[str, str]
    """`SID` -> "" (its value is secret), `SID.samesite` -> "Strict" and so on."""

    @property
    def content_type(self) -> str:
        """Name the type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> object:
        """Read the body as JSON."""
        return msgspec.json.decode(self.body)


class Player:
    """A client with several sessions on one server."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._cookies: dict[str, str] = {}
        self._listed: Mapping[str, str] = {}

    async def play(self, steps: Iterable[Step]) -> Sequence[Answer]:
        """Play the steps in order; after one that adds, wait until what was added is there."""
        answers: list[Answer] = []
        for step in steps:
            answer = await self._send(step)
            answers.append(answer)
            await asyncio.sleep(step.wait)
            if step.priority is not None:
                await self._until_placed(step.session, *step.priority)
            if (step.state or step.endpoint in SETTLING) and answer.status == HTTPStatus.OK:
                await self._settle(step, until_new=answer.body == b"Ok.")
        return answers

    async def _send(self, step: Step) -> Answer:
        path = step.endpoint if step.endpoint.startswith("/") else f"/api/v2/{step.endpoint}"
        query = urlencode({name: self._place.fill(value) for name, value in step.query.items()})
        body, content_type = self._body(step)
        headers = {"Content-Type": content_type} if content_type else {}
        if cookie := self._cookies.get(step.session):
            headers["Cookie"] = cookie
        headers |= {name: self._place.fill(value) for name, value in step.headers.items()}
        target = path + (f"?{query}" if query else "")
        wired = await exchange(self._place.port, step.method, target, headers, body)
        if step.session and (cookie := wired.header("set-cookie")):
            self._cookies[step.session] = cookie.partition(";")[0]
        return read(wired, self._place.blank(wired.body))

    def _body(self, step: Step) -> tuple[bytes | None, str]:
        """Write the body and name its type."""
        if step.body is not None or step.form is None:
            return step.body, ""
        form = {name: self._place.fill(value) for name, value in step.form.items()}
        if step.files:
            return multipart(form, step.files)
        return urlencode(form).encode(), "application/x-www-form-urlencoded"

    async def _settle(self, step: Step, *, until_new: bool) -> None:
        """Wait until the list stands still: qBittorrent adds, checks and removes in its own time."""
        began = time.monotonic()
        old, before = self._listed, None
        while time.monotonic() < began + SETTLE_SECONDS:
            self._listed = await self._states(step.session)
            waiting = until_new and self._listed.keys() <= old.keys()
            new = {key: state for key, state in self._listed.items() if key not in old}
            if waiting and time.monotonic() < began + ARRIVAL_SECONDS:
                await asyncio.sleep(POLL_SECONDS)
            elif self._listed != before or not _at_rest(new or self._listed, step.state):
                before = self._listed
                await asyncio.sleep(POLL_SECONDS)
            else:
                return
        raise AssertionError(f"{self._place.url} does not come to rest: {before}")

    async def _until_placed(self, session: str, info_hash: str, priority: int) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < deadline:
            listed = await self._list(session)
            if any((one.hash, one.priority) == (info_hash, priority) for one in listed):
                return
            await asyncio.sleep(POLL_SECONDS)
        raise AssertionError(f"{self._place.url} does not move {info_hash} in its queue")

    async def _states(self, session: str) -> Mapping[str, str]:
        return {torrent.hash: torrent.state for torrent in await self._list(session)}

    async def _list(self, session: str) -> "list[Listed]":
        answer = await self._send(Step("GET", "torrents/info", session=session))
        assert answer.status == HTTPStatus.OK, f"{self._place.url}: {answer}"
        return msgspec.json.decode(answer.body, type=list[Listed])


class Listed(msgspec.Struct):
    """What the player itself reads of a torrent."""

    hash: str
    state: str
    priority: int


SETTLING: Final = frozenset({"torrents/add", "torrents/recheck", "torrents/delete"})
"""Endpoints that answer before what they do is done."""


def _at_rest(listed: Mapping[str, str], end: str) -> bool:
    return all(state.endswith(end) and "checking" not in state for state in listed.values())


def read(wired: Wired, body: bytes) -> Answer:
    """Keep what two servers can agree on."""
    headers = {name: value for name, value in wired.headers if name not in HOP_BY_HOP}
    cookies: dict[str, str] = {}
    for name, value in wired.headers:
        if name == "set-cookie":
            cookies |= _cookie(value)
    return Answer(wired.status, body, headers, cookies)


def _cookie(header: str) -> Mapping[str, str]:
    first, *attributes = (part.strip() for part in header.split(";"))
    name, _, value = first.partition("=")
    found = {name: "some value" if value else ""}
    for attribute in attributes:
        key, _, given = attribute.partition("=")
        known = "some time" if key.lower() == "expires" else given
        found[f"{name}.{key.lower()}"] = known
    return found
