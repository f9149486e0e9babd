"""What can go wrong with TorBox.

TorBoxError                 code, detail, status; unclear
├── Retryable               may work later, unchanged
│   ├── Unreachable         no answer: no connection, no name, a cut, a timeout
│   ├── ServerError       TorBox's fault: 5xx, HTML, malformed answers, codes ending in ERROR
│   │   ├── Down            TorBox's gateway says that there is nobody behind it
│   │   └── NoEndpoint      the address is not TorBox's API, or TorBox dropped this route
│   ├── RateLimited         called too often; retry_after
│   ├── WaitForSlot         all download slots, or the whole queue, are taken
│   └── Cooldown            the plan makes us wait between two adds; until
├── NeedsUser               the account: a plan that lacks something, the monthly limit
│   └── BadToken            the key is missing, wrong or was changed
├── NotFound                no such torrent, queued download or file
└── Refused                 will not work, ever, for this torrent; reason

No text of these errors holds the API key or the query of a link.
"""

from typing import ClassVar

from bridge.core.model import Reason


class TorBoxError(Exception):
    """Something went wrong with TorBox.

    `code` is TorBox's (upper case, empty when there was none), `detail` a sentence for the user,
    `status` the HTTP status (0 without an answer). `unclear` means that the request may have had
    its effect all the same: look before it is repeated.
    """

    outage: ClassVar[bool] = False
    """It says nothing of this call: no other would have fared better just now."""

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
    """TorBox gave no answer."""

    outage = True


class ServerError(Retryable):
    """TorBox answered, and something is wrong on its side."""


class Down(ServerError):
    """The gateway in front of TorBox answered, and not TorBox."""

    outage = True


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
    """The plan has a pause between two adds. `until` is in unix seconds of our clock."""

    def __init__(self, code: str, detail: str, status: int = 0, *, until: float) -> None:
        super().__init__(code, detail, status)
        self.until = until


class NeedsUser(TorBoxError):
    """Only the owner of the account can help. No download is to blame."""


class BadToken(NeedsUser):
    """The API key is missing or not valid (any more: TorBox may change it)."""


class NotFound(TorBoxError):
    """TorBox does not have it."""


class Refused(TorBoxError):
    """TorBox will never do this for this torrent."""

    def __init__(
        self, code: str, detail: str, status: int = 0, *, reason: Reason = Reason.REFUSED
    ) -> None:
        super().__init__(code, detail, status)
        self.reason = reason
