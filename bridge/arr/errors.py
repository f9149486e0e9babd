"""What can go wrong with an *arr.

ArrError            name of the *arr, detail, status; unclear
├── Unreachable     no answer: no connection, no name, a cut, a timeout
├── Trouble         5xx, a redirect, or something that is not its API
├── BadKey          the API key is not taken
├── NoSuchThing     404: the record is gone, or this version lacks the endpoint
└── Declined        any other 4xx

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


class Unreachable(ArrError):
    """It gave no answer."""


class Trouble(ArrError):
    """It answered, and not as its API does."""


class BadKey(ArrError):
    """It does not take the API key."""


class NoSuchThing(ArrError):
    """It does not have what was asked for."""


class Declined(ArrError):
    """It will not do this."""
