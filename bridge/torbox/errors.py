"""The errors of calls to TorBox.

TorBoxError                 code, detail, status; unclear, outage
├── Retryable               the same request may work later
│   ├── Unreachable         no answer: no connection, DNS failure, a cut, a timeout
│   ├── ServerError         TorBox's fault: 5xx, HTML, malformed answers, codes ending in ERROR
│   │   ├── Down            the gateway says that there is no TorBox behind it
│   │   ├── TooLarge        the answer exceeds the size limit; ask for less at a time
│   │   └── NoEndpoint      the address is not TorBox's API, or TorBox dropped this route
│   ├── RateLimited         called too often; retry_after
│   ├── WaitForSlot         all download slots, or the whole queue, are taken
│   ├── Cooldown            the plan demands a pause between two adds; until
│   └── PlanRestricted      the plan does not allow this item; other items are not affected
├── NeedsUser               the account: the monthly limit, a plan without API access
│   └── BadToken            the key is wrong or was changed
│       └── NoToken         there is no key to send
├── SearchRefused           TorBox's search does not serve this account
├── NotFound                no such torrent, queued download or file
└── Refused                 will never work for this torrent; reason

Errors of the account (`NeedsUser`) stop a class of calls. `PlanRestricted` and `Refused` concern a
single item: with the first it waits, with the second it fails, and everything else continues.

The texts never contain the API key, a path or query of a link, or a tracker's passkey.
"""

from bridge.core.model import Reason


class TorBoxError(Exception):
    """A call to TorBox failed.

    `code` is TorBox's (upper case, empty if there was none), `detail` a sentence for the user,
    `status` the HTTP status (0 without an answer). `unclear` means that the request may have taken
    effect: look before it is repeated.
    """

    outage: bool = False
    """TorBox as a whole does not answer: any other call would have failed as well just now."""

    def __init__(self, code: str, detail: str, status: int = 0, *, unclear: bool = False) -> None:
        super().__init__(code, detail, status)
        self.code = code
        self.detail = detail
        self.status = status
        self.unclear = unclear

    def __str__(self) -> str:
        text = f"{self.code}: {self.detail}" if self.code else self.detail
        return f"{text} (HTTP {self.status})" if self.status else text


class Retryable(TorBoxError):
    """The same request may work later."""


class Unreachable(Retryable):
    """TorBox gave no answer. No `outage` if it answered another call in the meantime."""

    outage = True


class ServerError(Retryable):
    """TorBox answered, and something is wrong on its side."""


class Down(ServerError):
    """The gateway in front of TorBox answered. No `outage` if TorBox answered another call."""

    outage = True


class TooLarge(ServerError):
    """The answer exceeds the size limit."""


class NoEndpoint(ServerError):
    """There is no such route; no download is to blame for that."""


class RateLimited(Retryable):
    """Called too often. `retry_after` is in seconds from now."""

    def __init__(self, code: str, detail: str, status: int = 0, *, retry_after: float) -> None:
        super().__init__(code, detail, status)
        self.retry_after = retry_after


class WaitForSlot(Retryable):
    """Every slot, or the whole queue, is taken until something else ends."""


class Cooldown(Retryable):
    """The plan demands a pause between two adds. `until` is in unix seconds of our clock."""

    def __init__(self, code: str, detail: str, status: int = 0, *, until: float) -> None:
        super().__init__(code, detail, status)
        self.until = until


class PlanRestricted(Retryable):
    """The plan does not allow this item, for example because it is not cached.

    Other items may be allowed. The same item may work later: after an upgrade, or when TorBox has
    cached it for somebody else.
    """


class NeedsUser(TorBoxError):
    """Only the owner of the account can help. No download is to blame."""


class BadToken(NeedsUser):
    """The API key is not valid (TorBox may have changed it)."""


class NoToken(BadToken):
    """There is no API key; nothing was sent."""


class SearchRefused(TorBoxError):
    """TorBox's search does not serve this account. Downloads are not affected."""


class NotFound(TorBoxError):
    """TorBox does not have it."""


class Refused(TorBoxError):
    """TorBox will never do this for this torrent."""

    def __init__(
        self, code: str, detail: str, status: int = 0, *, reason: Reason = Reason.REFUSED
    ) -> None:
        super().__init__(code, detail, status)
        self.reason = reason
