"""The rate budgets of TorBox's calls."""

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
        (CallClass.LINK, 79, 0.0, 0.0),
        (CallClass.LINK, 80, 0.0, 60.0),
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


def allowed(budgets: Budgets, call_class: CallClass, at: float) -> int:
    """Count the calls that may be made one after the other at a time."""
    calls = 0
    while budgets.ready_at(call_class, at, cached=True) <= at:
        budgets.spend(call_class, at, cached=True)
        calls += 1
    for _ in range(calls):
        budgets.refund(call_class, at)
    return calls


def test_a_429_halves_the_rate_and_a_minute_without_one_doubles_it() -> None:
    """Calls go on as soon as TorBox said, at half the rate, and at the full one minutes later."""
    budgets = Budgets()
    budgets.refused(CallClass.CREATE, NOW, 5.0)
    again = NOW + 5
    assert budgets.ready_at(CallClass.CREATE, NOW) == again
    assert allowed(budgets, CallClass.CREATE, again) == 150
    assert allowed(budgets, CallClass.CREATE, again + 59) == 150
    assert allowed(budgets, CallClass.CREATE, again + 60) == 300
    assert allowed(budgets, CallClass.CREATE, again + 1e6) == 300


def test_429s_in_a_row_halve_again_down_to_ten_a_minute() -> None:
    """A limit far below the documented one is found within a few refusals, and ten a minute stay."""
    budgets, at, rates = Budgets(), NOW, []
    for _ in range(7):
        budgets.refused(CallClass.LIST, at, 1.0)
        at += 1
        rates.append(allowed(budgets, CallClass.LIST, at))
    assert rates == [150, 75, 37, 18, 10, 10, 10]
    recovered = [allowed(budgets, CallClass.LIST, at + 60 * minutes) for minutes in range(1, 6)]
    assert recovered == [20, 40, 80, 160, 300]


def test_429s_to_calls_that_were_in_flight_together_count_once() -> None:
    """Three refusals within a moment are one sign of one limit."""
    budgets = Budgets()
    for _ in range(3):
        budgets.refused(CallClass.CREATE, NOW, 5.0)
    assert allowed(budgets, CallClass.CREATE, NOW + 5) == 150


def test_twenty_cached_adds_after_one_429_take_seconds() -> None:
    """One refusal with `Retry-After: 5` holds up a batch of cached adds for those five seconds."""
    budgets, now = Budgets(), NOW
    budgets.refused(CallClass.CREATE, now, 5.0)
    for _ in range(20):
        now = budgets.ready_at(CallClass.CREATE, now, cached=True)
        budgets.spend(CallClass.CREATE, now, cached=True)
    assert now == NOW + 5


def test_the_documented_limits_stay_the_ceiling() -> None:
    """No recovery allows more calls than were configured."""
    budgets = Budgets(calls_per_minute=7)
    budgets.refused(CallClass.CREATE, NOW, 5.0)
    assert allowed(budgets, CallClass.CREATE, NOW + 5) == 7
    assert allowed(budgets, CallClass.CREATE, NOW + 5000) == 7


def test_the_429_of_the_hour_halves_nothing() -> None:
    """The hourly limit is known exactly: after the wait it is the same."""
    budgets = Budgets()
    budgets.refused(CallClass.UNCACHED, NOW, 120.0)
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW + 120
    assert budgets.ready_at(CallClass.CREATE, NOW, cached=True) == NOW
    assert budgets.left(CallClass.UNCACHED, NOW + 120) == 60


def test_a_429_to_a_link_is_remembered_for_five_minutes_at_most() -> None:
    """However long TorBox says, a link is tried again after five minutes, at half the rate."""
    budgets = Budgets()
    budgets.refused(CallClass.LINK, NOW, 7200.0)
    assert budgets.ready_at(CallClass.LINK, NOW) == NOW + 300
    assert allowed(budgets, CallClass.LINK, NOW + 300) == 40


def test_a_block_from_a_clock_that_was_a_month_ahead_is_none() -> None:
    """After the clock was put right, nothing waits for the month to pass."""
    budgets = Budgets()
    month = 30 * 86_400.0
    budgets.refused(CallClass.CREATE, NOW + month, 60.0)
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW
    assert budgets.left(CallClass.CREATE, NOW) == 300


@settings(max_examples=200)
@given(
    st.sampled_from(CallClass),
    st.lists(st.integers(0, 4000), max_size=70),
    st.lists(st.tuples(st.integers(0, 600), st.integers(1, 400)), max_size=3),
)
def test_when_it_is_full_again(
    kind: CallClass, calls: list[int], refusals: list[tuple[int, int]]
) -> None:
    """Not a second before that time, and without more calls at it, the whole limit is allowed."""
    budgets = Budgets()
    for ago in calls:
        budgets.spend(kind, NOW - ago, cached=True)
    for ago, wait in sorted(refusals, reverse=True):
        budgets.refused(kind, NOW - ago, wait)
    limit, full_at = budgets.limit(kind).calls, budgets.full_at(kind, NOW)
    assert (full_at == NOW) == (budgets.left(kind, NOW) == limit)
    if full_at > NOW:
        assert budgets.left(kind, full_at - 1) < limit
    assert budgets.left(kind, full_at) == limit


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
    """Blocks, the hour's adds and a reduced rate survive being stored as JSON and loaded."""
    before = spent(CallClass.CREATE, 60, apart=0.0, cached=False)
    before.refused(CallClass.CREATE, NOW - 300, 1.0)
    before.refused(CallClass.LIST, NOW - 8, 1.0)
    before.blocked(CallClass.LIST, NOW + 7)
    stored = msgspec.json.encode(before.rows())
    after = Budgets()
    after.load(msgspec.json.decode(stored, type=tuple[BudgetRow, ...]))
    for kind in CallClass:
        assert after.ready_at(kind, NOW) == before.ready_at(kind, NOW)
    assert (
        allowed(after, CallClass.LIST, NOW + 7) == allowed(before, CallClass.LIST, NOW + 7) == 150
    )


def test_a_row_of_an_older_version_is_loaded() -> None:
    """What an earlier bridge stored beside the block is ignored."""
    stored = b'[{"kind":"create","blocked_until":1000005,"careful_until":1003600,"calls":[]}]'
    budgets = Budgets()
    budgets.load(msgspec.json.decode(stored, type=tuple[BudgetRow, ...]))
    assert budgets.ready_at(CallClass.CREATE, NOW) == NOW + 5
    assert allowed(budgets, CallClass.CREATE, NOW + 5) == 300


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
