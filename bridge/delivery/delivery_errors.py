"""What can go wrong with a delivery.

DeliveryError
├── DeliveryFailed       given up for now; `retryable` says whether trying later makes sense
│   └── BadOrder         a name that leaves its directory, or files that cannot stand together
├── NotEnoughSpace       nothing is lost; try again when there is room
├── NotYet               what is to be delivered cannot be seen yet; look again
├── TargetTaken          something else stands at the target; pick another name
└── FetchTrouble         one request went wrong; dealt with by the fetch, never leaves this room
    ├── Interrupted      no connection, a timeout, or a body that ended early
    ├── ServerBusy       429 or 5xx
    ├── LinkDead         401, 403, 404 or 410: the link has expired, or a node does not know it yet
    ├── WrongContent     not the file that TorBox listed; nothing of it was written
    └── StartOver        what is on disk and what the CDN serves are not the same version
        └── Renamed      they may be, under another ETag: a sample tells

No text of these errors holds a link: links carry tokens.
"""


class DeliveryError(Exception):
    """Something went wrong with a delivery."""


class DeliveryFailed(DeliveryError):
    """The delivery ended without its files. What was fetched is kept."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class BadRequest(DeliveryFailed):
    """The order can never be delivered as it stands."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class NotEnoughSpace(DeliveryError):
    """The disk is too full. `needed` includes the bytes that are to stay free."""

    def __init__(self, *, needed: int, free: int) -> None:
        super().__init__(f"not enough space: {needed} bytes needed, {free} free")
        self.needed = needed
        self.free = free


class NotYet(DeliveryError):
    """What is to be delivered is not there yet, or just now. Nothing has failed: look again."""


class TargetTaken(DeliveryError):
    """A file or folder of this name, not ours, stands below the save path."""

    def __init__(self, content_name: str) -> None:
        super().__init__(f"{content_name!r} exists already")
        self.content_name = content_name


class FetchTrouble(DeliveryError):
    """One request went wrong."""


class Interrupted(FetchTrouble):
    """The connection failed, or the body ended early. What arrived is kept."""


class ServerBusy(FetchTrouble):
    """The CDN cannot serve just now. `retry_after` is in seconds from now, if it said so."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"the CDN answered {status}")
        self.retry_after = retry_after


class LinkDead(FetchTrouble):
    """The link is not accepted."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the CDN refused the link with {status}")


class WrongContent(FetchTrouble):
    """The answer is not the file."""


class StartOver(FetchTrouble):
    """What was fetched of this file cannot be continued.

    `ranges` is False when the server turned out not to serve ranges.
    """

    def __init__(self, message: str, *, ranges: bool = True) -> None:
        super().__init__(message)
        self.ranges = ranges


class EtagChanged(StartOver):
    """The file is as large as before, but its validator is another: `etag`, as far as known."""

    def __init__(self, etag: str = "") -> None:
        super().__init__("the file changed on the CDN")
        self.etag = etag
