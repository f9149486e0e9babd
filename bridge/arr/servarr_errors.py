"""What can go wrong with an *arr.

ArrError            name of the *arr, detail, status; unclear
├── ArrUnreachable     no answer: no connection, no name, a cut, a timeout
├── ArrServerError         5xx, a redirect, or something that is not its API
├── ArrKeyRejected          the API key is not taken
├── ArrNotFound     404: the record is gone, or this version lacks the endpoint
└── ArrRefused        any other 4xx

No text of these errors holds the API key.
"""


class ArrError(Exception):
    """Something went wrong with an *arr.

    `status` is the HTTP status, 0 without an answer. `unclear` means that the request may have had
    its effect all the same.
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
    """It gave no answer."""


class ArrServerError(ArrError):
    """It answered, and not as its API does."""


class ArrKeyRejected(ArrError):
    """It does not take the API key."""


class ArrNotFound(ArrError):
    """It does not have what was asked for."""


class ArrRefused(ArrError):
    """It will not do this."""
