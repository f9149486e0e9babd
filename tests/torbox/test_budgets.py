"""What TorBox still lets us call."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.torbox.budgets import HOUR, BudgetRow, Budgets, CallClass

NOW = 1_000_000.0


def spent(kind: CallClass, calls: int, *, apart: float, cached: bool = True) -> Budgets:
    """Make budgets that have seen so many calls, the last of them at NOW."""
    budgets = Budgets()
    for number in reversed(range(calls)):
        budgets.spend(kind, NOW - number * apart, cached=cached)
    return budgets


@pytest.mark.parametrize("kind", CallClass)
def test_a_new_budget_is_free(kind: CallClass) -> None:
    """Nothing stands in the way of the first call."""
    assert Budgets().ready_at(kind, NOW) == NOW


@pytest.mark.parametrize(
    ("kind", "calls", "apart", "wait"),
    [
        (CallClass.LIST, 299, 0.1, 0.0),
        (CallClass.LIST, 300, 0.1, 60 - 29.9),
        (CallClass.LIST, 300, 1.0, 0.0),
        (CallClass.LINK, 300, 0.0, 60.0),
        (CallClass.CONTROL, 300, 0.0, 60.0),
        (CallClass.CREATE, 300, 0.0, 60.0),
        (CallClass.UNCACHED, 59, 0.0, 0.0),
        (CallClass.UNCACHED, 60, 0.0, 3600.0),
        (CallClass.UNCACHED, 60, 10.0, 3600 - 590),
    ],
)
def test_a_window_lets_so_many_through(
    kind: CallClass, calls: int, apart: float, wait: float
) -> None:
    """A call is free until the window is full, then when its oldest leaves."""
    budgets = spent(kind, calls, apart=apart)
    assert budgets.ready_at(kind, NOW, cached=True) == pytest.approx(NOW + wait)


@pytest.mark.parametrize(("cached", "wait"), [(True, 0.0), (False, 3600.0)])
def test_cached_adds_do_not_wait_for_the_hour(cached: bool, wait: float) -> None:
    """Sixty uncached adds hold up the next uncached one, not what TorBox has cached."""
    budgets = spent(CallClass.CREATE, 60, apart=0.0, cached=False)
    assert budgets.ready_at(CallClass.CREATE, NOW, cached=cached) == NOW + wait


def test_classes_do_not_share() -> None:
    """A class that is used up leaves the others free."""
    budgets = spent(CallClass.LIST, 300, apart=0.0)
    budgets.blocked(CallClass.LINK, NOW + 50)
    assert budgets.ready_at(CallClass.CONTROL, NOW) == NOW
    assert budgets.ready_at(CallClass.LINK, NOW) == NOW + 50
    assert budgets.ready_at(CallClass.LIST, NOW) == NOW + 60


def test_a_block_is_never_shortened() -> None:
    """A later, shorter refusal does not lift an earlier, longer one."""
    budgets = Budgets()
    budgets.blocked(CallClass.LIST, NOW + 100)
    budgets.blocked(CallClass.LIST, NOW + 10)
    assert budgets.ready_at(CallClass.LIST, NOW) == NOW + 100
    assert budgets.ready_at(CallClass.LIST, NOW + 101) == NOW + 101


def test_careful_adds_are_ten_a_minute_for_an_hour() -> None:
    """After a 429 to an add the older, stricter limit counts, and is forgotten an hour later."""
    budgets = spent(CallClass.CREATE, 10, apart=0.0)
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW
    budgets.careful(NOW)
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW + 60
    later = NOW + 3601
    for _ in range(10):
        budgets.spend(CallClass.CREATE, later)
    assert budgets.ready_at(CallClass.CREATE, later) == later


def test_a_refund_frees_the_place() -> None:
    """An add that turned out to be cached no longer counts for the hour."""
    budgets = spent(CallClass.CREATE, 60, apart=0.0, cached=False)
    budgets.refund(CallClass.UNCACHED, NOW)
    budgets.refund(CallClass.UNCACHED, NOW - 5)
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW


def test_a_clock_put_back_blocks_nothing() -> None:
    """Calls that lie ahead because the clock was corrected are dropped, not waited for."""
    budgets = spent(CallClass.LIST, 300, apart=0.0)
    assert budgets.ready_at(CallClass.LIST, NOW - 86_400) == NOW - 86_400


def test_a_restart_remembers() -> None:
    """Blocks, the hour's adds and carefulness survive being stored as JSON and loaded."""
    before = spent(CallClass.CREATE, 60, apart=0.0, cached=False)
    before.careful(NOW)
    before.blocked(CallClass.LIST, NOW + 7)
    stored = msgspec.json.encode(before.rows())
    after = Budgets()
    after.load(msgspec.json.decode(stored, type=tuple[BudgetRow, ...]))
    for kind in CallClass:
        assert after.ready_at(kind, NOW) == before.ready_at(kind, NOW)
    assert after.ready_at(CallClass.CREATE, NOW, cached=True) == NOW + 60


def test_only_adds_are_written_down() -> None:
    """The minute of a poll or a link is over before a restart is, and not worth a write."""
    budgets = Budgets()
    for kind in CallClass:
        budgets.spend(kind, NOW, cached=True)
    written = {row.kind for row in budgets.rows() if row.calls}
    assert written == {CallClass.CREATE, CallClass.UNCACHED}


def test_a_stored_kind_that_is_no_more_is_passed_over() -> None:
    """A row of another version does not stop the start."""
    budgets = Budgets()
    budgets.load([BudgetRow(kind="usenet", blocked_until=NOW + 9)])
    assert budgets.ready_at(CallClass.LIST, NOW) == NOW


def test_dirty_tells_what_is_worth_storing() -> None:
    """A poll writes nothing; an add and a refusal do, once."""
    budgets = Budgets()
    seen = []
    budgets.spend(CallClass.LIST, NOW)
    seen.append(budgets.dirty)
    budgets.spend(CallClass.CREATE, NOW)
    seen.append(budgets.dirty)
    budgets.rows()
    seen.append(budgets.dirty)
    budgets.blocked(CallClass.LIST, NOW + 1)
    assert [*seen, budgets.dirty] == [False, True, False, True]


@settings(max_examples=60)
@given(st.lists(st.floats(0, 40), min_size=1, max_size=150))
def test_whoever_waits_keeps_the_limit(gaps: list[float]) -> None:
    """Calls made no sooner than ready_at says never number more than 60 in any hour."""
    budgets, now, made = Budgets(), NOW, []
    for gap in gaps:
        now = budgets.ready_at(CallClass.UNCACHED, now + gap)
        budgets.spend(CallClass.UNCACHED, now)
        made.append(now)
    for start in made:
        assert sum(start <= at < start + 3599 for at in made) <= 60


def test_what_is_left() -> None:
    """So many calls as the window still lets through; none while TorBox said no."""
    budgets = spent(CallClass.CREATE, 55, apart=0.0, cached=False)
    assert budgets.left(CallClass.UNCACHED, NOW) == 5
    budgets.blocked(CallClass.UNCACHED, NOW + 10)
    assert budgets.left(CallClass.UNCACHED, NOW) == 0
    assert budgets.left(CallClass.UNCACHED, NOW + HOUR) == 60


def test_a_forecast() -> None:
    """Each of the next adds gets its time; foretelling spends nothing."""
    budgets = spent(CallClass.CREATE, 58, apart=10.0, cached=False)
    times = budgets.forecast(4, NOW)
    oldest = NOW - 57 * 10.0
    assert times == [NOW, NOW, oldest + HOUR, oldest + 10 + HOUR]
    assert budgets.left(CallClass.UNCACHED, NOW) == 2


@given(st.integers(0, 70), st.floats(0, 30), st.integers(1, 70))
def test_a_forecast_comes_true(calls: int, apart: float, count: int) -> None:
    """Whoever adds at the times that were foretold is never held up."""
    budgets = spent(CallClass.CREATE, calls, apart=apart, cached=False)
    for at in budgets.forecast(count, NOW):
        assert budgets.ready_at(CallClass.CREATE, at) == at
        budgets.spend(CallClass.CREATE, at)
