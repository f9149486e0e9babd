"""When a download is given up: for all its grabs by TorBox's word, for one by its category."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.model import Download, DownloadPhase, Failure, Grab, Reason, RemoteItem
from bridge.core.patience import (
    FAILED_SECONDS,
    FILES_MISSING,
    GONE_MISSES,
    GONE_SECONDS,
    REVIVED_SECONDS,
    Patience,
    failure_at_torbox,
    failure_by_rules,
    is_gone,
    is_reviving,
)
from bridge.core.remote_tracking import CLOCK_SLACK_SECONDS, record_item_seen
from bridge.core.status import FAILED_WORDS
from tests.support.scenes import HOUR, NOW, active, grab, item, queued, ready, whole

FOR_EVER = Patience(stalled_after=None, metadata_after=None, stored_after=None, give_up_after=None)


def at_torbox(download: Download, remote_item: RemoteItem | None) -> Reason | None:
    """Return why a download is given up by what TorBox says just now, if it is."""
    failure = failure_at_torbox(download, remote_item, NOW)
    return failure.reason if failure else None


def by_rules(
    download: Download, remote_item: RemoteItem, of: Grab | None = None, **patience: float
) -> Failure | None:
    """Return why a grab is given up, if it is, with the given patience and no other."""
    return failure_by_rules(download, of or grab(), remote_item, replace(FOR_EVER, **patience))


def reason(failure: Failure | None) -> Reason | None:
    """Return the reason of a failure, if there is one."""
    return failure.reason if failure else None


@given(
    misses=st.integers(0, 10),
    silent=st.floats(0, 2 * GONE_SECONDS),
    seen=st.booleans(),
)
def test_gone(misses: int, silent: float, seen: bool) -> None:
    """Gone takes several misses in a row and ten minutes; a new phase is a sign of life."""
    alive = NOW - silent
    lost = active(misses=misses, phase_at=NOW - HOUR if seen else alive)
    lost = replace(lost, seen_at=alive if seen else None)
    assert is_gone(lost, NOW) is (misses >= GONE_MISSES and NOW - alive >= GONE_SECONDS)


def test_thresholds_of_gone() -> None:
    """Less than three misses or less than ten minutes are never enough."""
    assert GONE_MISSES >= 3
    assert GONE_SECONDS >= 600.0


@pytest.mark.parametrize("download", [queued(), active(), ready()])
def test_what_is_gone_is_given_up(download: Download) -> None:
    """A download that TorBox no longer has fails, in TorBox's queue or outside it."""
    assert at_torbox(replace(download, misses=GONE_MISSES), None) is Reason.GONE


def test_what_is_there_is_not_gone() -> None:
    """Misses of before do not matter when TorBox shows the item."""
    lost = active(misses=GONE_MISSES, seen_at=NOW - HOUR)
    assert at_torbox(lost, None) is Reason.GONE
    assert at_torbox(lost, item()) is None


@pytest.mark.parametrize("word", sorted(FAILED_WORDS))
@pytest.mark.parametrize("form", ["{}", "{} (Aborted, encryption detected)"])
def test_failed_words(word: str, form: str) -> None:
    """A failed state is believed once it has held for a while, and TorBox's text is told."""
    bad = item(state=form.format(word), message="tracker says no")
    once = record_item_seen(active(size=1000), bad, NOW)
    assert at_torbox(once, bad) is None
    nearly = record_item_seen(once, bad, NOW + FAILED_SECONDS - 1)
    assert at_torbox(nearly, bad) is None
    failure = failure_at_torbox(record_item_seen(once, bad, NOW + FAILED_SECONDS), bad, NOW)
    assert failure is not None
    assert failure.reason is Reason.REMOTE_ERROR
    assert failure.message == f"TorBox reports: {bad.state}: tracker says no"


def test_a_failed_word_must_hold() -> None:
    """A download that stood still for an hour is not failed by one single bad word."""
    stalled = active(size=1000, seen_at=NOW - 60, idle_seconds=HOUR)
    bad = item(state="error")
    assert at_torbox(record_item_seen(stalled, bad, NOW), bad) is None


def test_a_failed_word_of_a_finished_item() -> None:
    """When TorBox has all the pieces, the state text is no reason."""
    bad = item(state="missing", finished=True)
    download = active()
    for now in (NOW, NOW + 100, NOW + 200):
        download = record_item_seen(download, bad, now)
    assert at_torbox(download, bad) is None


def test_expired() -> None:
    """An expired item fails if it was not fetched; a copy that TorBox still has does not."""
    expired = item(expires_at=NOW - CLOCK_SLACK_SECONDS - 1)
    assert at_torbox(active(), expired) is Reason.EXPIRED
    assert at_torbox(active(), replace(expired, present=True)) is None
    assert at_torbox(active(), item(expires_at=NOW - CLOCK_SLACK_SECONDS)) is None


@given(st.text(max_size=20), st.floats(0, 1e7))
def test_unknown_words_are_no_failure(text: str, idle: float) -> None:
    """An unknown state never fails a download, however long it lasts."""
    odd = item(state=f"x{text}")
    download = active(size=1000, seen_at=NOW - 60, idle_seconds=idle, observed_seconds=idle)
    seen = record_item_seen(download, odd, NOW)
    assert at_torbox(seen, odd) is None
    assert by_rules(seen, odd) is None


@pytest.mark.parametrize(
    ("remote_item", "patience", "expected"),
    [
        (item(), {"stalled_after": 100.0}, Reason.STALLED),
        (item(), {"stalled_after": 100.1}, None),
        (item(finished=True), {"stalled_after": 100.0, "metadata_after": 100.0}, None),
        (item(finished=True), {"stored_after": 100.0}, Reason.NOT_PRESENT),
        (item(finished=True), {"stored_after": 100.1}, None),
        (item(finished=True, present=True), {"stored_after": 100.0}, Reason.NOT_PRESENT),
        (item(), {"stored_after": 1.0}, None),
        (item(size=0), {"metadata_after": 100.0}, Reason.NO_METADATA),
        (item(size=0), {"metadata_after": 100.1}, None),
        (item(), {"metadata_after": 100.0}, None),
        (item(size=0), {"metadata_after": 1.0, "stalled_after": 1.0}, Reason.NO_METADATA),
        (item(), {"give_up_after": 300.0}, Reason.GAVE_UP),
        (item(), {"give_up_after": 300.1}, None),
        (item(size=0), {"give_up_after": 300.0}, Reason.GAVE_UP),
        (whole(), {"stalled_after": 1.0, "metadata_after": 1.0, "give_up_after": 1.0}, None),
        (item(), {}, None),
    ],
)
def test_patience(
    remote_item: RemoteItem, patience: dict[str, Any], expected: Reason | None
) -> None:
    """Each patience has its own clock and its own reason; what is ready is past all of them."""
    download = active(idle_seconds=100.0, observed_seconds=300.0)
    assert reason(by_rules(download, remote_item, **patience)) is expected


def test_torbox_queue_takes_as_long_as_it_takes() -> None:
    """TorBox's failed state only counts while TorBox works on the item."""
    waiting = queued(idle_seconds=9e9, observed_seconds=9e9, failing_since=0.0, seen_at=NOW)
    assert at_torbox(waiting, item(state="failed")) is None


@pytest.mark.parametrize("phase", sorted(set(DownloadPhase) - {DownloadPhase.ACTIVE}))
def test_torbox_fails_only_what_it_works_on(phase: DownloadPhase) -> None:
    """Once TorBox has delivered the files, or before it begins, its words fail nothing."""
    download = active(phase=phase, failing_since=0.0, seen_at=NOW)
    assert at_torbox(download, item(state="failed", expires_at=1.0)) is None


def test_the_sentence_tells_the_time() -> None:
    """The reason is a sentence with a duration that a user understands."""
    download = active(idle_seconds=6 * HOUR, observed_seconds=6 * HOUR)
    stalled = by_rules(download, item(state="stalled (no seeds)"), stalled_after=6 * HOUR)
    assert stalled is not None
    assert stalled.message == "no progress at TorBox for 6.0 h: stalled (no seeds)"
    nameless = by_rules(active(idle_seconds=90.0), item(size=0), metadata_after=90.0)
    assert nameless is not None
    assert nameless.message == "no metadata found in 2 min"


def test_a_list_that_lacks_files_is_given_up_in_time() -> None:
    """TorBox says that it has all and lists too little: that is idle time, with a reason."""
    lacking = grab(incomplete_list_bytes=whole().listed_bytes, note="E02 is missing")
    idle = active(idle_seconds=6 * HOUR)
    failure = by_rules(idle, whole(), lacking, stalled_after=6 * HOUR)
    assert failure == Failure(Reason.INCOMPLETE, "E02 is missing")
    assert by_rules(idle, whole(), lacking, stalled_after=7 * HOUR) is None
    assert by_rules(idle, whole(), grab(), stalled_after=6 * HOUR) is None
    silent = by_rules(idle, whole(), replace(lacking, note=""), stalled_after=6 * HOUR)
    assert silent == Failure(Reason.INCOMPLETE, FILES_MISSING)


@pytest.mark.parametrize(
    ("limit", "idle", "reviving"),
    [
        (6 * HOUR, 6 * HOUR + REVIVED_SECONDS - 1, True),
        (6 * HOUR, 6 * HOUR + REVIVED_SECONDS, False),
        (60.0, 6 * HOUR + 59, True),
        (60.0, 6 * HOUR + 60, False),
    ],
)
def test_a_reannounce_gets_some_minutes(limit: float, idle: float, *, reviving: bool) -> None:
    """It gets no longer than the standstill was allowed to be."""
    download = active(idle_seconds=idle, reannounced_at=6 * HOUR)
    stalled = Failure(Reason.STALLED, "")
    assert is_reviving(download, stalled, replace(FOR_EVER, stalled_after=limit)) is reviving
    nameless = Failure(Reason.NO_METADATA, "")
    assert is_reviving(download, nameless, replace(FOR_EVER, metadata_after=limit)) is reviving
