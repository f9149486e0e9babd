"""Who asks, where several *arr have one download."""

from typing import Any

import pytest

from bridge.downloads import NOBODY, Caller, program_of
from bridge.downloads.callers import REMEMBERED, Callers
from tests.support.scenes import download

SONARR = Caller("session 1", "Sonarr")
RADARR = Caller("session 2", "Radarr")
OTHER_SONARR = Caller("session 3", "Sonarr")
BROWSER = Caller("session 4", "Mozilla")

EVERYONE = {
    0: download(category="tv", asked_by="Sonarr"),
    1: download(category="radarr", asked_by="Radarr"),
    2: download(category="tv-4k", asked_by="Sonarr"),
}


def callers(*named: tuple[Caller, str]) -> Callers:
    """Remember who named which category."""
    known = Callers()
    for caller, category in named:
        known.named(caller, category)
    return known


@pytest.mark.parametrize(
    ("caller", "named", "meant"),
    [
        (SONARR, [(SONARR, "tv")], [0]),
        (OTHER_SONARR, [(OTHER_SONARR, "tv-4k")], [2]),
        (RADARR, [(SONARR, "tv")], [1]),
        (RADARR, [], [1]),
        (SONARR, [], []),
        (SONARR, [(SONARR, "lidarr")], []),
        (BROWSER, [], [0]),
        (BROWSER, [(BROWSER, "tv-4k"), (BROWSER, "radarr")], [1]),
        (BROWSER, [(BROWSER, "tv-4k"), (BROWSER, "radarr"), (BROWSER, "tv-4k")], [2]),
        (BROWSER, [(BROWSER, "tv-4k"), (BROWSER, "other")], [2]),
        (NOBODY, [], [0]),
    ],
)
def test_whom_a_client_means(
    caller: Caller, named: list[tuple[Caller, str]], meant: list[int]
) -> None:
    """What it named last; else what its program alone added; else the first, as in a whole list."""
    assert callers(*named).concerned(caller, EVERYONE) == meant


def test_there_is_no_choice_of_one() -> None:
    """Where only one has it everybody means that one, who may see it."""
    alone = {0: EVERYONE[0]}
    assert callers().concerned(RADARR, alone) == [0]
    assert callers((SONARR, "tv")).concerned(SONARR, alone) == [0]
    assert callers((BROWSER, "tv")).concerned(BROWSER, alone) == [0]


def test_what_is_in_another_category_is_not_meant() -> None:
    """Who lists its own category alone does not see what another one has, however often it asks."""
    known = callers((RADARR, "radarr"), (OTHER_SONARR, "tv-4k"))
    alone = {0: EVERYONE[0]}
    assert known.concerned(RADARR, alone) == []
    assert known.concerned(OTHER_SONARR, alone) == [], "of the same program, and not its own"
    known.looked_round(RADARR)
    assert known.concerned(RADARR, alone) == [0]


def test_strangers_and_empty_names_are_not_noted() -> None:
    """Requests without a session, and lists of what has no category, tell nothing."""
    known = callers((Caller("", "Radarr"), "tv"), (BROWSER, ""))
    assert known.concerned(Caller("", "Mozilla"), EVERYONE) == [0]
    assert known.concerned(BROWSER, EVERYONE) == [0]


def test_not_without_end() -> None:
    """Clients that log in for every poll are forgotten in their order; who goes on asking is not."""
    known = callers((SONARR, "radarr"), (RADARR, "tv"))
    for number in range(REMEMBERED - 1):
        known.named(Caller(f"other {number}"), "x")
        known.named(SONARR, "radarr")
        known.looked_round(Caller(f"other {number}"))
    assert known.concerned(SONARR, EVERYONE) == [1]
    assert known.concerned(RADARR, EVERYONE) == [1], "by its program now"


@pytest.mark.parametrize(
    ("agent", "program"),
    [("Sonarr/4.0.15.2941 (alpine 3.23)", "Sonarr"), ("curl/8.1", "curl"), ("x", "x"), ("", "")],
)
def test_programs(agent: str, program: Any) -> None:
    """A program is told by what stands before the version."""
    assert program_of(agent) == program
