"""Passwords, sessions and the API key."""

import re

import pytest

from bridge.access import Access, hash_password, verify

PASSWORD = "correct horse Ünï"
HASH = hash_password(PASSWORD)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


def access(clock: Clock, api_key: str | None = None) -> Access:
    """Make an Access with one known user."""
    return Access(username="admin", password_hash=HASH, api_key=api_key, clock=clock)


def test_hash_has_the_documented_form_and_a_salt() -> None:
    """A hash names its algorithm and numbers, and two hashes of one password differ."""
    assert re.fullmatch(r"scrypt\$\d+\$\d+\$\d+\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+", HASH)
    assert hash_password(PASSWORD) != HASH


@pytest.mark.parametrize(
    ("text", "hashed", "fits"),
    [
        (PASSWORD, HASH, True),
        (PASSWORD + " ", HASH, False),
        ("", HASH, False),
        (PASSWORD, "", False),
        (PASSWORD, "plain text", False),
        (PASSWORD, HASH.replace("scrypt", "md5"), False),
        (PASSWORD, "scrypt$x$8$1$AAAA$AAAA", False),
        (PASSWORD, "scrypt$16384$8$1$???$AAAA", False),
    ],
)
def test_only_the_password_itself_verifies(text: str, hashed: str, *, fits: bool) -> None:
    """Another password, or a hash that cannot be read, is refused without an error."""
    assert verify(text, hashed) is fits


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("other", PASSWORD), ("", ""), ("ADMIN", "")]
)
async def test_wrong_credentials_open_no_session(username: str, password: str) -> None:
    """Name and password must both be right."""
    assert await access(Clock()).login(username, password) is None


async def test_session_ids_are_long_and_plain() -> None:
    """A session id has 32 letters that .NET's and Python's cookie parsers keep as they are."""
    gate = access(Clock())
    ids = {await gate.login("admin", PASSWORD) for _ in range(3)}
    assert len(ids) == 3
    assert all(made and re.fullmatch(r"[A-Za-z0-9_-]{32}", made) for made in ids)


async def test_session_ends_by_idleness_not_by_age() -> None:
    """Use keeps a session alive; an hour without any ends it."""
    clock = Clock()
    gate = access(clock)
    session = await gate.login("admin", PASSWORD) or ""
    for _ in range(3):
        clock.now += 3000
        assert gate.valid(session)
    clock.now += 3601
    assert not gate.valid(session)


async def test_logout_ends_only_that_session() -> None:
    """The other sessions live on, and an unknown id is ignored."""
    gate = access(Clock())
    one = await gate.login("admin", PASSWORD) or ""
    two = await gate.login("admin", PASSWORD) or ""
    gate.logout(one)
    gate.logout("never was")
    assert (gate.valid(one), gate.valid(two)) == (False, True)


def test_unknown_sessions_are_invalid() -> None:
    """Nothing is valid before a login, not even an empty id."""
    assert not access(Clock()).valid("")
    assert not access(Clock()).valid("A" * 32)


@pytest.mark.parametrize(
    ("configured", "given", "fits"),
    [("secret", "secret", True), ("secret", "Secret", False), (None, "", False), ("", "", False)],
)
def test_api_key(configured: str | None, given: str, *, fits: bool) -> None:
    """Only the configured key is right, and no key is never one."""
    assert access(Clock(), configured).valid_key(given) is fits
