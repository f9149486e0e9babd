"""Authentication: passwords, sessions, the API key, exempt networks, failed logins, proxies."""

from bridge.auth.authenticate import (
    Principal,
    address_of,
    authenticate,
    cookie_values,
    is_cross_site,
    is_encrypted,
)
from bridge.auth.login_throttle import network_of
from bridge.auth.sessions import Access, LoginRefusal, hash_password, verify

__all__ = [
    "Access",
    "LoginRefusal",
    "Principal",
    "address_of",
    "authenticate",
    "cookie_values",
    "hash_password",
    "is_cross_site",
    "is_encrypted",
    "network_of",
    "verify",
]
