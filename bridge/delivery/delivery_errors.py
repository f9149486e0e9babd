"""The errors of a delivery, as a tree.

DeliveryError
├── DeliveryFailed       given up for now; `retryable` says whether trying later makes sense
│   ├── BadRequest       a path that leaves its directory, or files that cannot exist together
│   └── LocalDiskError   the local disk refused something; always retryable
│       ├── UnsafePath   a link or a special file where a directory or a file should be
│       └── NotMounted   the file system that held the directory is gone
├── NotEnoughSpace       nothing is lost; try again when there is room
├── NotYet               the files cannot be seen yet; look again
├── TargetTaken          something else has the target's name; pick another name
├── NameRefused          the file system does not take a name; pick other names
└── FetchTrouble         a request went wrong; handled by the fetch, never leaves this package
    ├── Interrupted      no connection, a timeout, or a body that ended early
    ├── ServerBusy       429 or 5xx
    ├── LinkDead         401, 403, 404 or 410: the link expired, or a node does not know it yet
    ├── WrongContent     not the file that TorBox listed; nothing was written
    └── StartOver        the bytes on disk and the bytes on the CDN are not the same version
        └── EtagChanged  they may be, under another ETag: a probe tells

No error text holds a link, because links carry tokens.
"""

from pathlib import Path


class DeliveryError(Exception):
    """Something went wrong with a delivery."""


class DeliveryFailed(DeliveryError):
    """The delivery ended without its files. The bytes fetched so far are kept."""

    def __init__(self, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.retryable = retryable


class BadRequest(DeliveryFailed):
    """The request can never be delivered as it is."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class LocalDiskError(DeliveryFailed):
    """The local disk refused something. TorBox and the release are not to blame.

    Never a reason to fail the download, to delete the remote item or to blocklist the release.
    """


class UnsafePath(LocalDiskError):
    """Something in the download directory is not what the bridge may touch, such as a planted link."""

    def __init__(self, path: Path, expected: str, found: str = "something else") -> None:
        super().__init__(f"{path} is {found}, not {expected}; nothing was changed through it")
        self.path = path


class NotMounted(LocalDiskError):
    """The file system of a directory is gone: what is found in its place says nothing."""

    def __init__(self, mount: Path) -> None:
        super().__init__(f"nothing is mounted at {mount} any longer")


class NotEnoughSpace(DeliveryError):
    """The disk is too full. `needed` includes the bytes that have to stay free."""

    def __init__(self, *, needed: int, free: int) -> None:
        why = f"{needed} bytes needed, {free} free"
        if needed <= free:
            # It was refused all the same: the bytes are not what is used up.
            why = f"{free} bytes are free, but no inode, or a quota is used up"
        super().__init__(f"not enough space: {why}")
        self.needed = needed
        self.free = free


class NotYet(DeliveryError):
    """The files to deliver are not visible yet, or not at the moment. Nothing has failed."""


class TargetTaken(DeliveryError):
    """A file or folder with this name, not ours, is in the save path."""

    def __init__(self, content_name: str) -> None:
        super().__init__(f"{content_name!r} exists already")
        self.content_name = content_name


class NameRefused(DeliveryError):
    """The file system of the save path does not take a name. Deliver under other names.

    `longest` is the most bytes that a component of a path may have there.
    """

    def __init__(self, name: str, *, longest: int) -> None:
        super().__init__(f"the file system does not take the name {name!r}")
        self.name = name
        self.longest = longest


class FetchTrouble(DeliveryError):
    """A request to the CDN went wrong."""


class Interrupted(FetchTrouble):
    """The connection failed, or the body ended early. The bytes that arrived are kept."""


class ServerBusy(FetchTrouble):
    """The CDN cannot serve at the moment. `retry_after` is in seconds from now, if it said so."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"the CDN answered {status}")
        self.status = status
        self.retry_after = retry_after


class LinkDead(FetchTrouble):
    """The link is not accepted."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the CDN refused the link with {status}")


class WrongContent(FetchTrouble):
    """The answer is not the file."""


class StartOver(FetchTrouble):
    """The bytes fetched of this file cannot be continued.

    `ranges` is False if the server does not serve ranges.
    """

    def __init__(self, message: str, *, ranges: bool = True) -> None:
        super().__init__(message)
        self.ranges = ranges


class EtagChanged(StartOver):
    """The file has the same size as before but another validator: `etag`, as far as known."""

    def __init__(self, etag: str = "") -> None:
        super().__init__("the file changed on the CDN")
        self.etag = etag
