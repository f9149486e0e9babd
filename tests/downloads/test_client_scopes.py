"""Which grab a client means when it names a hash that several clients have."""

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.model import Entry
from bridge.downloads.client_scopes import (
    CLIENTS_REMEMBERED,
    HASHES_REMEMBERED,
    NOBODY,
    REMOVED_SECONDS,
    Caller,
    ClientScopes,
    program_of,
)
from tests.support.scenes import NOW, H, download, grab, hash_of

SONARR = Caller("session 1", "Sonarr")
RADARR = Caller("session 2", "Radarr")
OTHER_SONARR = Caller("session 3", "Sonarr")
BROWSER = Caller("session 4", "Mozilla")
STRANGER = Caller("", "Radarr")


def wanted(number: int, category: str, client: str) -> Entry:
    """Make an entry of the hash for a category, added by a program."""
    return Entry(download(), replace(grab(), id=number, category=category, client=client))


TV, FILMS, TV_4K = (
    wanted(1, "tv", "Sonarr"),
    wanted(2, "radarr", "Radarr"),
    wanted(3, "4k", "Sonarr"),
)
ALL = (TV, FILMS, TV_4K)


class Clock:
    """A clock that stands until it is moved."""

    now = NOW

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="scopes")
def _scopes(clock: Clock) -> ClientScopes:
    return ClientScopes(clock)


@pytest.mark.parametrize(
    ("caller", "listed", "meant"),
    [
        (SONARR, [(SONARR, "tv")], [TV]),
        (OTHER_SONARR, [(OTHER_SONARR, "4k")], [TV_4K]),
        (RADARR, [(SONARR, "tv")], [FILMS]),
        (RADARR, [], [FILMS]),
        (SONARR, [], [TV, TV_4K]),
        (SONARR, [(SONARR, "lidarr")], [TV, TV_4K]),
        (BROWSER, [], [TV, FILMS, TV_4K]),
        (BROWSER, [(BROWSER, "4k"), (BROWSER, "radarr")], [FILMS]),
        (BROWSER, [(BROWSER, "4k"), (BROWSER, "radarr"), (BROWSER, "4k")], [TV_4K]),
        (BROWSER, [(BROWSER, "4k"), (BROWSER, "other")], [TV_4K]),
        (NOBODY, [], [TV, FILMS, TV_4K]),
        (STRANGER, [], [FILMS]),
    ],
)
def test_the_grab_that_a_client_means(
    scopes: ClientScopes, caller: Caller, listed: list[tuple[Caller, str]], meant: list[Entry]
) -> None:
    """The category listed or used last; else what a program of its name added; else all of them."""
    for client, category in listed:
        scopes.saw_category(client, category)
    assert scopes.resolve(caller, ALL) == meant
    assert scopes.one(caller, ALL) == meant[:1], "a write goes to the oldest of several"


def test_nothing_is_meant_where_nothing_is(scopes: ClientScopes) -> None:
    """A hash that is not here resolves to nothing."""
    assert scopes.resolve(SONARR, ()) == scopes.one(SONARR, ()) == []


def test_there_is_no_choice_of_one(scopes: ClientScopes) -> None:
    """Where only one grab has the hash every client means that one, whatever it has listed."""
    scopes.saw_category(SONARR, "tv")
    scopes.saw_category(RADARR, "radarr")
    for caller in (SONARR, RADARR, OTHER_SONARR, BROWSER, NOBODY, STRANGER):
        assert scopes.resolve(caller, [FILMS]) == [FILMS]
        assert scopes.one(caller, [FILMS], deletes=True) == [FILMS]


def test_a_client_means_the_grab_it_added(scopes: ClientScopes) -> None:
    """Without a category of its own a client means what it added, or was shown by the hash."""
    scopes.saw_grab(BROWSER, H, TV_4K.grab.id)
    assert scopes.resolve(BROWSER, ALL) == [TV_4K]
    scopes.saw_grab(BROWSER, H, FILMS.grab.id)
    assert scopes.resolve(BROWSER, ALL) == [FILMS]
    scopes.saw_grab(BROWSER, H, 99)
    assert scopes.resolve(BROWSER, ALL) == list(ALL), "that grab is gone"
    scopes.saw_grab(SONARR, hash_of(2), TV_4K.grab.id)
    assert scopes.resolve(SONARR, ALL) == [TV, TV_4K], "it was another hash"


def test_the_category_goes_before_the_grab(scopes: ClientScopes) -> None:
    """A client that lists one category never means the grab of another one."""
    scopes.saw_grab(SONARR, H, FILMS.grab.id)
    scopes.saw_category(SONARR, "tv")
    assert scopes.resolve(SONARR, ALL) == [TV]


def test_several_grabs_in_its_own_category_are_all_its_own(scopes: ClientScopes) -> None:
    """A write to a hash reaches every grab that the client's category has of it."""
    twice = (TV, FILMS, wanted(4, "tv", "Sonarr"))
    scopes.saw_category(SONARR, "tv")
    assert scopes.one(SONARR, twice) == [twice[0], twice[2]]


@pytest.mark.parametrize("again", [SONARR, OTHER_SONARR, Caller("", "Sonarr")])
def test_a_second_delete_hits_nobody_else(scopes: ClientScopes, again: Caller) -> None:
    """A client that has just removed its own grab does not remove another one by the same hash."""
    scopes.removed(SONARR, H)
    assert scopes.resolve(again, [FILMS], deletes=True) == []
    assert scopes.one(again, [FILMS, TV_4K], deletes=True) == []
    assert scopes.resolve(again, [FILMS]) == [FILMS], "it may look at it"
    assert scopes.one(RADARR, [FILMS], deletes=True) == [FILMS], "its owner may delete it"


def test_a_delete_in_its_own_category_is_always_meant(scopes: ClientScopes) -> None:
    """A delete that can mean one thing only is never answered and ignored."""
    scopes.removed(SONARR, H)
    scopes.saw_category(SONARR, "tv")
    assert scopes.resolve(SONARR, ALL, deletes=True) == [TV]


def test_a_client_that_adds_it_again_means_it_again(scopes: ClientScopes) -> None:
    """After a new add a delete of the hash is a delete of that one."""
    scopes.removed(SONARR, H)
    scopes.added(SONARR, H)
    assert scopes.one(SONARR, [TV], deletes=True) == [TV]


def test_a_removal_is_not_remembered_for_ever(scopes: ClientScopes, clock: Clock) -> None:
    """After a while a delete by the same program is taken at its word."""
    scopes.removed(SONARR, H)
    clock.now += REMOVED_SECONDS - 1
    assert scopes.resolve(SONARR, [FILMS], deletes=True) == []
    clock.now += 1
    assert scopes.resolve(SONARR, [FILMS], deletes=True) == [FILMS]


def test_a_removal_by_nobody_is_not_remembered(scopes: ClientScopes) -> None:
    """A client that tells neither its session nor its name blocks no other one's delete."""
    scopes.removed(NOBODY, H)
    assert scopes.resolve(NOBODY, [FILMS], deletes=True) == [FILMS]


def test_unknown_clients_and_empty_names_are_not_noted(scopes: ClientScopes) -> None:
    """Requests without a session, and lists of what has no category, tell nothing."""
    scopes.saw_category(Caller("", "Mozilla"), "tv")
    scopes.saw_grab(Caller("", "Mozilla"), H, 1)
    scopes.saw_category(BROWSER, "")
    assert scopes.resolve(Caller("", "Mozilla"), ALL) == list(ALL)
    assert scopes.resolve(BROWSER, ALL) == list(ALL)


def test_not_all_clients_are_remembered(scopes: ClientScopes) -> None:
    """Clients that log in for every poll are forgotten in their order; one that polls on is not."""
    scopes.saw_category(SONARR, "radarr")
    scopes.saw_category(RADARR, "tv")
    for number in range(CLIENTS_REMEMBERED - 1):
        scopes.saw_category(Caller(f"other {number}"), "x")
        scopes.saw_category(SONARR, "radarr")
    assert scopes.resolve(SONARR, ALL) == [FILMS]
    assert scopes.resolve(RADARR, ALL) == [FILMS], "by its program now"


def test_not_all_hashes_are_remembered(scopes: ClientScopes) -> None:
    """A client that adds without end does not fill the memory."""
    scopes.saw_grab(BROWSER, H, TV.grab.id)
    scopes.removed(BROWSER, H)
    for number in range(2, HASHES_REMEMBERED + 3):
        scopes.saw_grab(BROWSER, hash_of(number), number)
        scopes.removed(BROWSER, hash_of(number))
    assert scopes.resolve(BROWSER, ALL) == list(ALL)
    assert scopes.resolve(BROWSER, [FILMS], deletes=True) == [FILMS]
    assert len(scopes._clients[BROWSER.id].grabs) == len(scopes._removed) == HASHES_REMEMBERED


@pytest.mark.parametrize(
    ("agent", "program"),
    [("Sonarr/4.0.15.2941 (alpine 3.23)", "Sonarr"), ("curl/8.1", "curl"), ("x", "x"), ("", "")],
)
def test_programs(agent: str, program: Any) -> None:
    """A program is told by what is before the version."""
    assert program_of(agent) == program
