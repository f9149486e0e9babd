"""Sends a request to an *arr: headers, limits, and the errors that a call raises.

ArrError               name of the *arr, detail, status; unclear
├── ArrUnreachable     no answer: no connection, DNS failure, a cut, a timeout
├── ArrServerError     5xx, a redirect, or an answer that is not its API's
├── ArrKeyRejected     the API key is wrong
├── ArrNotFound        404: the record is gone, or this version lacks the endpoint
└── ArrRefused         any other 4xx

The texts never contain the API key.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final, TypeVar

import aiohttp
import msgspec

from bridge.arr.servarr_records import ClientTestFailure
from bridge.config import Secret


class ArrError(Exception):
    """A call to an *arr failed.

    `status` is the HTTP status, 0 without an answer. `unclear` means that the request may have taken
    effect.
    """

    def __init__(self, name: str, detail: str, status: int = 0, *, unclear: bool = False) -> None:
        super().__init__(name, detail, status)
        self.name = name
        self.detail = detail
        self.status = status
        self.unclear = unclear

    def __str__(self) -> str:
        text = f"{self.name}: {self.detail}"
        return f"{text} (HTTP {self.status})" if self.status else text


class ArrUnreachable(ArrError):
    """The *arr gave no answer."""


class ArrServerError(ArrError):
    """The *arr failed, or something else than its API answered."""


class ArrKeyRejected(ArrError):
    """The *arr rejected the API key."""


class ArrNotFound(ArrError):
    """The *arr does not have what was asked for."""


class ArrRefused(ArrError):
    """The *arr refused the request."""


T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 30.0
TEST_SECONDS: Final = 60.0
"""The *arr calls its download client some ten times for a test."""
MOST_BYTES: Final = 32 * 1024 * 1024
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


def decode_answer(body: bytes, kind: type[T], *, name: str, path: str) -> T:
    """Return the answer of the *arr `name` to a request of `path` as `kind`.

    Raises:
        ArrServerError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"{path} answered with something else than its API does: is the URL right?"
        raise ArrServerError(name, detail) from error


class ArrTransport:
    """Sends requests to one *arr. The session belongs to the caller and is never closed here."""

    def __init__(
        self, session: aiohttp.ClientSession, *, name: str, base: str, api_key: Secret
    ) -> None:
        self._session = session
        self._name = name
        self._base = base
        self._api_key = api_key

    async def read(self, path: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        """GET, and return the answer as `kind`.

        Raises:
            ArrError: it did not answer, or with something else.
        """
        body = await self.send("GET", path, params=params)
        return decode_answer(body, kind, name=self._name, path=path)

    async def send(
        self,
        method: str,
        path: str,
        *,
        seconds: float = READ_SECONDS,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> bytes:
        """Send a request, with JSON if `body` is given, and return the body of the answer.

        Raises:
            ArrError: it did not answer, or not with 2xx.
        """
        status, answer = await self._exchange(
            method, path, seconds=seconds, params=params, body=body
        )
        if status not in range(200, 300):
            raise self._refusal(status, path)
        return answer

    async def validate(self, method: str, path: str, body: bytes) -> tuple[ClientTestFailure, ...]:
        """Send a download client to be tested; return what is wrong with it (from a 400).

        Raises:
            ArrError: it did not answer, or with another refusal.
        """
        status, answer = await self._exchange(method, path, seconds=TEST_SECONDS, body=body)
        if status == HTTPStatus.BAD_REQUEST:
            found = tuple[ClientTestFailure, ...]
            return decode_answer(answer, found, name=self._name, path=path)
        if status not in range(200, 300):
            raise self._refusal(status, path)
        return ()

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        headers = {"X-Api-Key": self._api_key.reveal(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        with self._mapped():
            async with self._session.request(
                method,
                f"{self._base}{path}",
                params=params,
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
                # A redirect (to https, or to a login page) would drop the POST body, and could leak
                # the key.
                allow_redirects=False,
            ) as response:
                return response.status, await self._body(response)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > MOST_BYTES:
                detail = f"the answer is larger than {MOST_BYTES} bytes"
                raise ArrServerError(self._name, detail, response.status, unclear=True)
        return bytes(body)

    def _refusal(self, status: int, path: str) -> ArrError:
        if status in _REFUSED:
            return ArrKeyRejected(self._name, "it rejected the API key", status)
        if status == HTTPStatus.NOT_FOUND:
            return ArrNotFound(self._name, f"it has no {path}", status)
        if status in range(400, 500):
            return ArrRefused(self._name, f"it refused {path}", status)
        if status in range(300, 400):
            return ArrServerError(
                self._name, "it redirects to another address: is the URL right?", status
            )
        return ArrServerError(self._name, f"{path} failed there", status, unclear=True)

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        """Turn every exception of aiohttp into an ArrError. Its own text may hold headers."""
        try:
            yield
        except aiohttp.ClientConnectorError as error:
            detail = f"could not connect ({type(error).__name__})"
            raise ArrUnreachable(self._name, detail) from None
        except aiohttp.InvalidURL:
            raise ArrUnreachable(self._name, "its URL is not valid") from None
        except TimeoutError:
            # A slow *arr may still carry the request out after we have hung up.
            raise ArrUnreachable(self._name, "no answer in time", unclear=True) from None
        except (aiohttp.ClientError, OSError) as error:
            detail = f"the connection was cut ({type(error).__name__})"
            raise ArrUnreachable(self._name, detail, unclear=True) from None
