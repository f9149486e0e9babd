"""Client of TorBox's HTTP API.

client       the endpoints, as methods of `TorBox`, and the API key
lists        the list of torrents and the queue, complete or not at all
items        torrents and queued downloads, parsed out of the lists
payloads     what the other endpoints answer, parsed
transport    one request and its answer: headers, time and size limits, foreign exceptions
envelope     the JSON that TorBox wraps its answers in, as far as it can be parsed
tolerant_json  JSON as TorBox may have broken it
json_values  single values out of JSON that does not keep its types
errors       the tree of errors
error_codes  which error an answer means
budgets      how many calls TorBox still allows
"""

from bridge.torbox.budgets import CALLS_PER_MINUTE, UNCACHED_PER_HOUR, BudgetRow, Budgets, CallClass
from bridge.torbox.client import ApiKey, Operation, TorBox
from bridge.torbox.errors import (
    BadToken,
    Cooldown,
    NeedsUser,
    NoEndpoint,
    NotFound,
    NoToken,
    PlanRestricted,
    RateLimited,
    Refused,
    SearchRefused,
    TorBoxError,
    WaitForSlot,
)
from bridge.torbox.payloads import FREE_PLAN, Account, Created, SearchResult

__all__ = [
    "CALLS_PER_MINUTE",
    "FREE_PLAN",
    "UNCACHED_PER_HOUR",
    "Account",
    "ApiKey",
    "BadToken",
    "BudgetRow",
    "Budgets",
    "CallClass",
    "Cooldown",
    "Created",
    "NeedsUser",
    "NoEndpoint",
    "NoToken",
    "NotFound",
    "Operation",
    "PlanRestricted",
    "RateLimited",
    "Refused",
    "SearchRefused",
    "SearchResult",
    "TorBox",
    "TorBoxError",
    "WaitForSlot",
]
