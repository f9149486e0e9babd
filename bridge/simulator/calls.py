"""The log of what was asked: no tokens, no bodies."""

from collections import Counter
from collections.abc import Iterator

import msgspec


class CallRecord(msgspec.Struct):
    """One request. `outcome` is the error code, `ok`, or `fault:<kind>`."""

    at: float
    endpoint: str
    method: str
    hash: str | None = None
    id: int | None = None
    operation: str | None = None
    range: str | None = None
    user_agent: str | None = None
    status: int | None = None
    outcome: str = "pending"
    fault: str | None = None
    bytes: int = 0
    """Body bytes sent, for the CDN."""


class CallLog:
    """Requests in the order they came. Iterable."""

    def __init__(self) -> None:
        self._records: list[CallRecord] = []

    def __iter__(self) -> Iterator[CallRecord]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: CallRecord) -> None:
        """Note a request."""
        self._records.append(record)

    def to(self, endpoint: str) -> list[CallRecord]:
        """The requests to one endpoint."""
        return [record for record in self._records if record.endpoint == endpoint]

    def count(self, endpoint: str) -> int:
        """How many requests one endpoint had."""
        return len(self.to(endpoint))

    def counts(self) -> dict[str, int]:
        """Requests per endpoint."""
        return dict(Counter(record.endpoint for record in self._records))

    def clear(self) -> None:
        """Forget them."""
        self._records.clear()
