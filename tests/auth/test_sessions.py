"""Sessions, the API key, and logins that fail too often."""

import asyncio
import re

import pytest

from bridge.auth import Access, LoginRefusal, hash_password
from bridge.auth.sessions import MAX_SESSIONS

PASSWORD = "correct horse Ünï"
HASH = hash_password(PASSWORD)
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def access(clock: Clock, api_key: str | None = None) -> Access:
    """Make an Access with one known user."""
    return Access(username="admin", password_hash=HASH, api_key=api_key, clock=clock)


async def open_session(gate: Access, address: str = HERE) -> str:
    """Log in as who may."""
    found = await gate.login("admin", PASSWORD, address)
    assert isinstance(found, str)
    return found


async def fail(gate: Access, times: int, address: str = HERE) -> None:
    """Log in with a wrong password, so often."""
    for _ in range(times):
        assert await gate.login("admin", "wrong", address) is LoginRefusal.WRONG


@pytest.mark.parametrize(
    ("username", "password"), [("admin", "wrong"), ("other", PASSWORD), ("", ""), ("ADMIN", "")]
)
async def test_wrong_credentials_open_no_session(username: str, password: str) -> None:
    """Name and password must both be right."""
    assert await access(Clock()).login(username, password, HERE) is LoginRefusal.WRONG


async def test_session_ids_are_long_and_plain() -> None:
    """A session id has 32 letters that .NET's and Python's cookie parsers keep as they are."""
    gate = access(Clock())
    ids = {await open_session(gate) for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", made) for made in ids)


async def test_session_ends_by_idleness_not_by_age() -> None:
    """Use keeps a session alive; an hour without any ends it."""
    clock = Clock()
    gate = access(clock)
    session = await open_session(gate)
    for _ in range(3):
        clock.now += 3000
        assert gate.valid(session)
    clock.now += 3601
    assert not gate.valid(session)


async def test_logout_ends_only_that_session() -> None:
    """The other sessions live on, and an unknown id is ignored."""
    gate = access(Clock())
    one, two = await open_session(gate), await open_session(gate)
    gate.logout(one)
    gate.logout("never was")
    assert (gate.valid(one), gate.valid(two)) == (False, True)


async def test_sessions_do_not_pile_up() -> None:
    """A client that logs in for every poll only pushes out idle sessions."""
    gate = access(Clock())
    used, unused = await open_session(gate), await open_session(gate)
    for _ in range(MAX_SESSIONS - 2):
        gate._open()
    assert gate.valid(used)
    gate._open()
    assert (gate.valid(used), gate.valid(unused)) == (True, False)


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


async def test_five_failures_ban_the_address_for_an_hour() -> None:
    """Then even the right password is refused, until the hour is over."""
    clock = Clock()
    gate = access(clock)
    await fail(gate, 5)
    assert await gate.login("admin", PASSWORD, HERE) is LoginRefusal.LOCKED
    clock.now += 3599
    assert await gate.login("admin", PASSWORD, HERE) is LoginRefusal.LOCKED
    clock.now += 1
    await open_session(gate)


async def test_a_ban_leaves_sessions_and_other_addresses_alone() -> None:
    """A lock does not end existing sessions; other networks may still log in."""
    gate = access(Clock())
    session = await open_session(gate)
    await fail(gate, 5)
    assert gate.valid(session)
    await open_session(gate, THERE)


async def test_a_success_clears_the_count() -> None:
    """Four typing errors now and four later are no attack."""
    gate = access(Clock())
    for _ in range(3):
        await fail(gate, 4)
        await open_session(gate)


async def test_a_burst_gets_no_more_tries_than_a_row() -> None:
    """Logins that are sent all at once are counted one by one."""
    gate = access(Clock())
    tries = [gate.login("admin", "wrong", HERE) for _ in range(8)]
    found = await asyncio.gather(*tries)
    assert found == [LoginRefusal.WRONG] * 5 + [LoginRefusal.LOCKED] * 3


async def test_a_burst_from_one_network_gets_five_guesses() -> None:
    """The addresses of one IPv6 network are checked one by one, as they are counted."""
    gate = access(Clock())
    tries = [gate.login("admin", "wrong", f"2001:db8:0:1::{number:x}") for number in range(40)]
    found = await asyncio.gather(*tries)
    assert sorted(found, key=str) == [LoginRefusal.LOCKED] * 35 + [LoginRefusal.WRONG] * 5


async def test_a_burst_from_many_networks_is_cut_short() -> None:
    """No more than a handful of password checks wait; the household's are among them always."""
    gate = access(Clock())
    strangers = [gate.login("admin", "wrong", f"8.8.{number}.1") for number in range(60)]
    *found, own = await asyncio.gather(*strangers, gate.login("admin", PASSWORD, "192.168.1.7"))
    assert found.count(LoginRefusal.BUSY) >= 40
    assert isinstance(own, str)


async def test_a_new_password_ends_the_other_sessions() -> None:
    """A new password ends every session but the one that changed it."""
    gate = access(Clock())
    own, other = await open_session(gate), await open_session(gate)
    gate.change_login(username=None, password_hash=await gate.hash("another"), keep_session=own)
    assert (gate.valid(own), gate.valid(other)) == (True, False)
    assert isinstance(await gate.login("admin", "another", HERE), str)


async def test_a_new_name_ends_no_session() -> None:
    """The password is what counts."""
    gate = access(Clock())
    session = await open_session(gate)
    gate.change_login(username="other", password_hash=None)
    assert gate.valid(session)
