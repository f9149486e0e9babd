"""How TorBox's reports change a download: observed time, progress, last seen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.core.model import Download, DownloadPhase, GrabPhase, RemoteItem
from bridge.core.remote_tracking import (
    CLOCK_SLACK_SECONDS,
    GAP_SECONDS,
    created_since,
    follow_again,
    is_failing,
    is_queued,
    record_item_seen,
    record_miss,
    record_queued_seen,
    to_grab_phase,
    to_phase,
    wait_again,
)
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    active,
    finished,
    item,
    planned,
    queued,
    ready,
    whole,
)


def watched(download: Download, remote_item: RemoteItem, *times: float) -> Download:
    """Return the download after the same item was shown at each of these times."""
    for now in times:
        download = record_item_seen(download, remote_item, now)
    return download


def test_time_without_progress_adds_up() -> None:
    """Between two observations that are close together the time counts."""
    idle = watched(active(size=1000), item(), NOW, NOW + 60, NOW + 60 + GAP_SECONDS)
    assert (idle.idle_seconds, idle.observed_seconds) == (60 + GAP_SECONDS, 60 + GAP_SECONDS)
    assert idle.seen_at == NOW + 60 + GAP_SECONDS


@pytest.mark.parametrize("gap", [GAP_SECONDS + 0.1, 9 * HOUR, -5.0])
def test_an_outage_does_not_count(gap: float) -> None:
    """A night switched off, an outage at TorBox, a clock put back: none of it ages a download."""
    idle = watched(active(size=1000), item(), NOW, NOW + gap)
    assert (idle.idle_seconds, idle.observed_seconds) == (0.0, 0.0)


@pytest.mark.parametrize(("unbroken_since", "counted"), [(NOW - 60, 60.0), (NOW - 59, 0.0)])
def test_time_before_a_failed_answer_does_not_count(unbroken_since: float, counted: float) -> None:
    """Time before TorBox's last failure was an outage, however short."""
    before = active(size=1000, seen_at=NOW - 60)
    after = record_item_seen(before, item(), NOW, unbroken_since=unbroken_since)
    assert (after.idle_seconds, after.observed_seconds) == (counted, counted)


@pytest.mark.parametrize("state", ["queued", "queuedDL", "Queued (3 ahead)"])
def test_no_time_counts_while_torbox_has_no_slot(state: str) -> None:
    """An item that waits for a slot is not idle: TorBox does not work on it."""
    before = active(size=1000, seen_at=NOW - 60, idle_seconds=5.0, observed_seconds=9.0)
    after = record_item_seen(before, item(state=state), NOW)
    assert (after.idle_seconds, after.observed_seconds, after.seen_at) == (5.0, 9.0, NOW)
    assert is_queued(item(state=state))
    done = item(state=state, finished=True)
    assert record_item_seen(before, done, NOW).idle_seconds == 65.0, "TorBox has all of it"


def test_progress_ends_idleness_only() -> None:
    """Progress starts the idle time anew; the time in all goes on."""
    before = active(size=1000, seen_at=NOW - 60, idle_seconds=500, observed_seconds=900)
    moved = record_item_seen(before, item(progress=0.1), NOW)
    assert (moved.idle_seconds, moved.observed_seconds) == (0.0, 960.0)
    assert record_item_seen(moved, item(progress=0.1), NOW + 60).idle_seconds == 60.0


def test_progress_calls_for_another_reannounce() -> None:
    """A download that recovers may be reannounced again, and its note is cleared."""
    before = active(size=1000, idle_seconds=500, reannounced_at=400, note="the last try")
    moved = record_item_seen(before, item(progress=0.1), NOW)
    assert (moved.reannounced_at, moved.note) == (-1.0, "")
    still = record_item_seen(before, item(), NOW)
    assert (still.reannounced_at, still.note) == (400, "the last try")


def test_progress_that_falls_is_none() -> None:
    """A download that TorBox checks anew keeps what it had, and does not count as moving."""
    before = active(size=1000, seen_at=NOW - 60, remote_progress=0.5)
    after = record_item_seen(before, item(progress=0.2), NOW)
    assert (after.remote_progress, after.idle_seconds) == (0.5, 60.0)


def test_metadata_is_progress() -> None:
    """The size that becomes known is a step forward, once."""
    before = active(seen_at=NOW - 60, idle_seconds=500)
    after = record_item_seen(before, item(size=700), NOW)
    assert (after.size, after.idle_seconds) == (700, 0.0)
    assert record_item_seen(after, item(size=800), NOW + 60).idle_seconds == 60.0


@pytest.mark.parametrize(
    ("said", "uploaded_at"),
    [
        ({"uploaded": 11}, NOW),
        ({"uploaded": 10, "upload_speed": 1}, NOW),
        ({"uploaded": 10}, NOW - 60),
        ({"uploaded": 9}, NOW - 60),
    ],
)
def test_upload_is_seen(said: dict[str, int], uploaded_at: float) -> None:
    """More uploaded bytes or a speed show that it uploads; a counter that stands or falls does not."""
    before = active(uploaded=10, uploaded_at=NOW - 60)
    assert record_item_seen(before, item(**said), NOW).uploaded_at == uploaded_at
    assert record_item_seen(active(), item(), NOW).uploaded_at is None


@pytest.mark.parametrize(
    ("said", "moves"),
    [
        ({}, False),
        ({"progress": 0.2}, True),
        ({"download_speed": 1}, True),
        ({"upload_speed": 1}, True),
        ({"download_speed": 1, "finished": True}, False),
    ],
)
def test_activity_is_seen(said: dict[str, Any], *, moves: bool) -> None:
    """Bytes that move either way keep a cleaner from taking a download for dead."""
    before = active(size=1000, remote_active_at=NOW - 60)
    after = record_item_seen(before, item(**said), NOW)
    assert after.remote_active_at == (NOW if moves else NOW - 60)


def test_a_known_size_stays() -> None:
    """The size from the .torrent file is not overwritten by TorBox's."""
    assert record_item_seen(active(size=5), item(size=700), NOW).size == 5


def test_a_sign_of_life_ends_the_misses() -> None:
    """Misses count only in a row."""
    lost = record_miss(record_miss(active()))
    assert lost.misses == 2
    assert record_item_seen(lost, item(), NOW).misses == 0
    assert record_queued_seen(lost, NOW) == replace(lost, misses=0, seen_at=NOW)


@pytest.mark.parametrize(
    ("ours", "theirs", "name"),
    [
        (H, "Show.S01", "Show.S01"),
        (H, "", H),
        (H, H, H),
        ("Show from the magnet", "Show.S01", "Show from the magnet"),
    ],
)
def test_names(ours: str, theirs: str, name: str) -> None:
    """TorBox's name is taken only where there was none but the hash."""
    assert record_item_seen(active(name=ours), item(name=theirs), NOW).name == name


def test_the_hash_stays() -> None:
    """Another hash at TorBox changes nothing of ours."""
    assert record_item_seen(active(), item(hash="f" * 40, name="f" * 40), NOW).hash == H


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(0, 1)), max_size=20))
def test_observed_time_is_bounded(steps: list[tuple[float, float]]) -> None:
    """Idle time never exceeds observed time, nor either the time that passed, nor do they fall."""
    download, now, passed = active(size=1000, seen_at=NOW), NOW, 0.0
    for step, progress in steps:
        now += step
        passed += max(0.0, step)
        after = record_item_seen(download, item(progress=progress), now)
        assert after.observed_seconds >= download.observed_seconds
        assert after.remote_progress >= download.remote_progress
        assert 0.0 <= after.idle_seconds <= after.observed_seconds <= passed + 1e-6
        download = after


@pytest.mark.parametrize(
    "better", [item(), item(state="error", progress=0.5), item(state="error", finished=True)]
)
def test_a_failure_that_passes(better: RemoteItem) -> None:
    """Another word, progress, or all the pieces: the failure is forgotten and begins anew."""
    bad = item(state="error")
    assert is_failing(bad)
    recovered = watched(watched(active(size=1000), bad, NOW), better, NOW + 50)
    assert recovered.failing_since is None
    again = record_item_seen(recovered, replace(bad, progress=better.progress), NOW + 100)
    assert again.failing_since == NOW + 100


def test_nothing_sent_nothing_ours() -> None:
    """Without a create of ours every item is somebody else's."""
    assert not created_since(None, item(), 0.0)
    assert not created_since(None, item(created_at=NOW), 0.0)


@pytest.mark.parametrize("offset", [0.0, -7200.0, 7200.0])
@pytest.mark.parametrize(
    ("age", "ours"),
    [(-5.0, True), (CLOCK_SLACK_SECONDS, True), (CLOCK_SLACK_SECONDS + 1, False)],
)
def test_older_than_our_create_is_not_ours(offset: float, age: float, ours: bool) -> None:
    """An item from before our first create is the user's, whatever either clock says."""
    assert created_since(NOW, item(created_at=NOW + offset - age), offset) is ours


def test_an_item_without_a_date_is_ours() -> None:
    """When a create was sent and TorBox tells no date, the item counts as ours."""
    assert created_since(NOW, item(created_at=None), 0.0)


def test_a_phase_begins_without_attempts() -> None:
    """A note and a pause of the last phase say nothing of the next one."""
    late: dict[str, Any] = {"attempts": 3, "next_attempt_at": NOW, "note": "x"}
    begun = to_phase(queued(**late), DownloadPhase.ACTIVE)
    assert (begun.phase, begun.attempts, begun.next_attempt_at) == (DownloadPhase.ACTIVE, 0, 0.0)
    assert begun.note == ""
    done = to_grab_phase(planned(**late), GrabPhase.DELIVERED)
    assert (done.phase, done.attempts, done.next_attempt_at) == (GrabPhase.DELIVERED, 0, 0.0)
    assert done.note == ""


def test_followed_again_it_is_young() -> None:
    """An item whose files are needed again is not gone because of what was missed before."""
    again = follow_again(ready(misses=9, remote_at=0.0, ours=True), NOW, at_torbox=True)
    assert (again.phase, again.torrent_id, again.ours) == (DownloadPhase.ACTIVE, 1, True)
    assert (again.misses, again.seen_at, again.remote_at) == (0, NOW, NOW)


def test_without_an_item_it_is_created_anew() -> None:
    """A download that TorBox no longer has starts afresh, without an item of ours."""
    before = ready(
        ours=True,
        submitted_at=1.0,
        misses=9,
        idle_seconds=9.0,
        observed_seconds=9.0,
        remote_progress=1.0,
        failing_since=2.0,
        reannounced_at=3.0,
    )
    anew = follow_again(before, NOW, at_torbox=False)
    assert (anew.phase, anew.torrent_id, anew.queued_id) == (DownloadPhase.NEW, None, None)
    assert (anew.ours, anew.submitted_at, anew.misses) == (False, None, 0)
    assert (anew.idle_seconds, anew.observed_seconds, anew.remote_progress) == (0.0, 0.0, 0.0)
    assert (anew.failing_since, anew.reannounced_at) == (None, -1.0)
    assert (anew.id, anew.hash, anew.name) == (before.id, before.hash, before.name)


def test_a_grab_that_waits_again_keeps_its_place() -> None:
    """A redelivery uses the names of the first time, and the paused grab is started."""
    again = wait_again(finished(missing_files=True, stopped=True, note="x"))
    assert (again.phase, again.completed_at, again.progress) == (GrabPhase.WAITING, None, 0.0)
    assert (again.missing_files, again.stopped, again.note) == (False, False, "")
    assert (again.content_name, again.delivery_mode) == ("Show", "download")


def test_an_item_with_all_the_pieces_waits_for_nothing() -> None:
    """A word like queued of a finished item is no reason to stop the clock."""
    assert not is_queued(whole(state="queued"))
    assert not is_failing(whole(state="missing"))
