"""TorBox's HTTP API.

client      the endpoints, as methods of `TorBox`
errors      the tree of what can go wrong
budgets     what TorBox still lets us call
key         the API key, which may change
lists       the list of torrents and the queue, whole or not at all
items       torrents and queued downloads out of TorBox's lists
answers     what the other endpoints answer
wire        one request and its answer: headers, limits, foreign exceptions, the clock
verdicts    which error an answer means
envelope    an answer, as far as it can be read
lenient     single values out of JSON that cannot be trusted to keep its types
"""

from bridge.torbox.answers import Account, CachedItem, Created, SearchResult
from bridge.torbox.budgets import (
    CALLS_PER_MINUTE,
    UNCACHED_PER_HOUR,
    BudgetRow,
    Budgets,
    Kind,
)
from bridge.torbox.client import SEARCH_URL, Operation, QueueOperation, TorBox
from bridge.torbox.errors import (
    BadToken,
    Cooldown,
    NeedsUser,
    NotFound,
    RateLimited,
    Refused,
    TorBoxError,
    WaitForSlot,
)
from bridge.torbox.key import ApiKey

__all__ = [
    "CALLS_PER_MINUTE",
    "SEARCH_URL",
    "UNCACHED_PER_HOUR",
    "Account",
    "ApiKey",
    "BadToken",
    "BudgetRow",
    "Budgets",
    "CachedItem",
    "Cooldown",
    "Created",
    "Kind",
    "NeedsUser",
    "NotFound",
    "Operation",
    "QueueOperation",
    "RateLimited",
    "Refused",
    "SearchResult",
    "TorBox",
    "TorBoxError",
    "WaitForSlot",
]
