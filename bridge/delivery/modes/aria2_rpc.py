"""A client for the few methods of aria2's JSON-RPC that a delivery needs.

Error texts of aria2 may hold links, which carry tokens, so they are never passed on.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

import aiohttp
import msgspec

from bridge.delivery.delivery_errors import DeliveryFailed, NotYet

TIMEOUT = 15.0
"""Seconds for one answer."""

_HEADERS = {
    "Content-Type": "application/json",
    "Accept-Encoding": "identity",
    # aria2 closes idle connections; a question sent on one of those would be lost.
    "Connection": "close",
}
_LISTS = (
    ("aria2.tellActive", ()),
    ("aria2.tellWaiting", (0, 1000)),
    ("aria2.tellStopped", (0, 1000)),
)

Options: TypeAlias = Mapping[str, str]
T = TypeVar("T")
Word: TypeAlias = Literal["active", "waiting", "paused", "error", "complete", "removed"]


class TransferStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of a transfer."""

    gid: str
    status: Word
    total: int = msgspec.field(name="totalLength", default=0)
    """Bytes; 0 while aria2 does not know."""
    completed: int = msgspec.field(name="completedLength", default=0)
    """Bytes on its disk."""
    error: int = msgspec.field(name="errorCode", default=0)


_KEYS = ("gid", "status", "totalLength", "completedLength", "errorCode")


class Uri(msgspec.Struct, frozen=True):
    """A link that a transfer has."""

    uri: str


class _Error(msgspec.Struct, frozen=True):
    code: int = 0
    message: str = ""


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class Aria2Refused(DeliveryFailed):
    """aria2 understood the call and refused it."""


class Aria2Unreachable(NotYet):
    """The daemon does not answer: it is looked for again soon, and the download does not fail."""


class Aria2:
    """An aria2 daemon. The caller closes the session.

    Every method raises Aria2Unreachable if there is no answer, DeliveryFailed if aria2 rejects the
    secret, and Aria2Refused if it refuses the call.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, secret: str) -> None:
        self._session = session
        self._url = url
        self._secret = secret

    async def status(self, gid: str) -> TransferStatus | None:
        """Return the status of a transfer; None if aria2 does not know it."""
        try:
            raw = await self._call("aria2.tellStatus", gid, _KEYS)
        except Aria2Refused:
            return None
        return _read(raw, TransferStatus)

    async def known(self) -> Sequence[TransferStatus]:
        """List every transfer: active, waiting and ended."""
        found: list[TransferStatus] = []
        for method, span in _LISTS:
            found += _read(await self._call(method, *span, _KEYS), list[TransferStatus])
        return found

    async def add(self, url: str, options: Options) -> None:
        """Start a transfer; `options` holds its gid."""
        await self._call("aria2.addUri", [url], options)

    async def replace_links(self, gid: str, url: str) -> None:
        """Replace all links of a transfer by another link."""
        uris = _read(await self._call("aria2.getUris", gid), list[Uri])
        old = list(dict.fromkeys(uri.uri for uri in uris))
        if old != [url]:
            await self._call("aria2.changeUri", gid, 1, [uri.uri for uri in uris], [url])

    async def pause(self, gid: str) -> None:
        """Pause a transfer at once."""
        await self._call("aria2.forcePause", gid)

    async def unpause(self, gid: str) -> None:
        """Resume a paused transfer."""
        await self._call("aria2.unpause", gid)

    async def remove(self, gid: str) -> None:
        """Stop a transfer at once."""
        await self._call("aria2.forceRemove", gid)

    async def forget(self, gid: str) -> None:
        """Remove the result of an ended transfer."""
        await self._call("aria2.removeDownloadResult", gid)

    async def _call(self, method: str, *params: object) -> msgspec.Raw:
        token = [f"token:{self._secret}"] if self._secret else []
        question = {"jsonrpc": "2.0", "id": "1", "method": method, "params": [*token, *params]}
        try:
            async with self._session.post(
                self._url,
                data=msgspec.json.encode(question),
                headers=_HEADERS,
                timeout=aiohttp.ClientTimeout(total=TIMEOUT),
                raise_for_status=False,
                allow_redirects=False,  # the secret is in the body, for aria2 alone
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Aria2Unreachable(f"aria2 cannot be reached ({type(error).__name__})") from None
        return _result(method, body)


def _result(method: str, body: bytes) -> msgspec.Raw:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.MsgspecError:
        raise DeliveryFailed("the server at delivery.aria2.url is not aria2's RPC") from None
    if answer.error is None:
        return answer.result
    if answer.error.message == "Unauthorized":
        raise DeliveryFailed("aria2 rejects the secret in delivery.aria2.secret")
    raise Aria2Refused(f"aria2 refused {method} (error {answer.error.code})")


def _read(raw: msgspec.Raw, kind: type[T]) -> T:
    try:
        # aria2 writes numbers as text, which strict decoding would refuse.
        return msgspec.json.decode(raw, type=kind, strict=False)
    except msgspec.MsgspecError:
        raise DeliveryFailed("aria2 gave an answer that cannot be parsed") from None
