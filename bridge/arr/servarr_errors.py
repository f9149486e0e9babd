"""The errors of calls to an *arr.

ArrError               name of the *arr, detail, status; unclear
├── ArrUnreachable     no answer: no connection, DNS failure, a cut, a timeout
├── ArrServerError     5xx, a redirect, or an answer that is not its API's
├── ArrKeyRejected     the API key is wrong
├── ArrNotFound        404: the record is gone, or this version lacks the endpoint
└── ArrRefused         any other 4xx

The texts never contain the API key.
"""


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
