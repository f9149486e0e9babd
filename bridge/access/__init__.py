"""Who may come in: passwords, sessions, the API key, the throttle. Both faces ask here."""

from bridge.access.entrance import (
    KEY_HOLDER,
    Visitor,
    address_of,
    cookie_values,
    is_cross_site,
    visitor_of,
)
from bridge.access.passwords import hash_password, verify
from bridge.access.sessions import Access, Refusal

__all__ = [
    "KEY_HOLDER",
    "Access",
    "Refusal",
    "Visitor",
    "address_of",
    "cookie_values",
    "hash_password",
    "is_cross_site",
    "verify",
    "visitor_of",
]
