"""What TorBox's news mean: time that counts, items that are gone, and the verdicts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.follow import (
    CLOCK_SLACK_SECONDS,
    FAILED_SECONDS,
    GAP_SECONDS,
    GONE_MISSES,
    GONE_SECONDS,
    Patience,
    created_since,
    gone,
    missed,
    observed,
    sighted,
    verdict,
)
from bridge.core.model import Download, Phase, Reason, RemoteItem
from bridge.core.status import FAILED_WORDS
from tests.support.scenes import HOUR, NOW, H, item, queued, remote, whole

FOR_EVER = Patience(stalled_after=None, metadata_after=None, stored_after=None, give_up_after=None)


def watched(download: Download, remote_item: RemoteItem, *times: float) -> Download:
    """Observe the same item at each of these times."""
    for now in times:
        download = observed(download, remote_item, now)
    return download


def reason(download: Download, remote_item: RemoteItem | None, **patience: float) -> Reason | None:
    """Tell why a download is given up, if it is, with the given patience and no other."""
    failure = verdict(download, remote_item, replace(FOR_EVER, **patience), NOW)
    return failure.reason if failure else None


def test_time_without_progress_adds_up() -> None:
    """Between two observations that lie close together the time counts."""
    idle = watched(remote(size=1000), item(), NOW, NOW + 60, NOW + 60 + GAP_SECONDS)
    assert (idle.idle_seconds, idle.observed_seconds) == (60 + GAP_SECONDS, 60 + GAP_SECONDS)
    assert idle.seen_at == NOW + 60 + GAP_SECONDS


@pytest.mark.parametrize("gap", [GAP_SECONDS + 0.1, 9 * HOUR, -5.0])
def test_an_outage_does_not_count(gap: float) -> None:
    """A night switched off, an outage at TorBox, a clock put back: none of it ages a download."""
    idle = watched(remote(size=1000), item(), NOW, NOW + gap)
    assert (idle.idle_seconds, idle.observed_seconds) == (0.0, 0.0)


def test_progress_ends_idleness_only() -> None:
    """Progress starts the idle time anew; the time in all goes on."""
    before = remote(size=1000, seen_at=NOW - 60, idle_seconds=500, observed_seconds=900)
    moved = observed(before, item(progress=0.1), NOW)
    assert (moved.idle_seconds, moved.observed_seconds) == (0.0, 960.0)
    assert observed(moved, item(progress=0.1), NOW + 60).idle_seconds == 60.0


def test_progress_calls_for_another_reannounce() -> None:
    """What comes back to life is reannounced again in its next standstill, and says nothing more."""
    before = remote(size=1000, idle_seconds=500, reannounced_at=400, note="the last try")
    moved = observed(before, item(progress=0.1), NOW)
    assert (moved.reannounced_at, moved.note) == (-1.0, "")
    still = observed(before, item(), NOW)
    assert (still.reannounced_at, still.note) == (400, "the last try")


def test_progress_that_falls_is_none() -> None:
    """A download that TorBox checks anew does not lose what it had, and does not count as moving."""
    before = remote(size=1000, seen_at=NOW - 60, remote_progress=0.5)
    after = observed(before, item(progress=0.2), NOW)
    assert (after.remote_progress, after.idle_seconds) == (0.5, 60.0)


def test_metadata_is_progress() -> None:
    """The size that becomes known is a step forward, once."""
    before = remote(seen_at=NOW - 60, idle_seconds=500)
    after = observed(before, item(size=700), NOW)
    assert (after.size, after.idle_seconds) == (700, 0.0)
    assert observed(after, item(size=800), NOW + 60).idle_seconds == 60.0


@pytest.mark.parametrize(
    ("said", "active_at"),
    [
        ({"uploaded": 11}, NOW),
        ({"uploaded": 10, "upload_speed": 1}, NOW),
        ({"uploaded": 10}, NOW - 60),
        ({"uploaded": 9}, NOW - 60),
    ],
)
def test_upload_is_activity(said: dict[str, int], active_at: float) -> None:
    """More uploaded bytes or a speed show that it uploads; a counter that stands or falls does not."""
    before = remote(uploaded=10, active_at=NOW - 60)
    assert observed(before, item(**said), NOW).active_at == active_at
    assert observed(remote(), item(), NOW).active_at is None


def test_a_known_size_stays() -> None:
    """The size from the .torrent file is not overwritten by TorBox's."""
    assert observed(remote(size=5), item(size=700), NOW).size == 5


def test_a_sign_of_life_ends_the_misses() -> None:
    """Misses count only in a row."""
    lost = missed(missed(remote()))
    assert lost.misses == 2
    assert observed(lost, item(), NOW).misses == 0
    assert sighted(lost, NOW) == replace(lost, misses=0, seen_at=NOW)


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
    assert observed(remote(name=ours), item(name=theirs), NOW).name == name


def test_the_identity_stays() -> None:
    """Another hash at TorBox changes nothing of ours."""
    assert observed(remote(), item(hash="f" * 40, name="f" * 40), NOW).hash == H


@given(st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(0, 1)), max_size=20))
def test_observed_time_is_bounded(steps: list[tuple[float, float]]) -> None:
    """Idle time never exceeds observed time, nor either the time that passed, nor do they fall."""
    download, now, passed = remote(size=1000, seen_at=NOW), NOW, 0.0
    for step, progress in steps:
        now += step
        passed += max(0.0, step)
        after = observed(download, item(progress=progress), now)
        assert after.observed_seconds >= download.observed_seconds
        assert after.remote_progress >= download.remote_progress
        assert 0.0 <= after.idle_seconds <= after.observed_seconds <= passed + 1e-6
        download = after


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
    """When a create was sent and TorBox tells no date, the item is taken for ours."""
    assert created_since(NOW, item(created_at=None), 0.0)


@given(
    misses=st.integers(0, 10),
    silent=st.floats(0, 2 * GONE_SECONDS),
    seen=st.booleans(),
)
def test_gone(misses: int, silent: float, seen: bool) -> None:
    """Gone takes several misses in a row and ten minutes; a new phase is a sign of life."""
    alive = NOW - silent
    lost = remote(misses=misses, phase_at=NOW - HOUR if seen else alive)
    lost = replace(lost, seen_at=alive if seen else None)
    assert gone(lost, NOW) is (misses >= GONE_MISSES and NOW - alive >= GONE_SECONDS)


def test_thresholds_of_gone() -> None:
    """Less than three misses or less than ten minutes are never enough."""
    assert GONE_MISSES >= 3
    assert GONE_SECONDS >= 600.0


@pytest.mark.parametrize("download", [queued(), remote()])
def test_gone_is_a_verdict(download: Download) -> None:
    """What is gone is given up, in TorBox's queue and out of it."""
    assert reason(replace(download, misses=GONE_MISSES), None) is Reason.GONE


def test_what_is_there_is_not_gone() -> None:
    """Misses of before do not matter when TorBox shows the item."""
    lost = remote(misses=GONE_MISSES, seen_at=NOW - HOUR)
    assert reason(lost, None) is Reason.GONE
    assert reason(lost, item()) is None


@pytest.mark.parametrize("word", sorted(FAILED_WORDS))
@pytest.mark.parametrize("form", ["{}", "{} (Aborted, encryption detected)"])
def test_failed_words(word: str, form: str) -> None:
    """A failed state is believed once it has held for a while, and TorBox's text is told."""
    bad = item(state=form.format(word), message="tracker says no")
    once = observed(remote(size=1000), bad, NOW)
    assert reason(once, bad) is None
    assert reason(observed(once, bad, NOW + FAILED_SECONDS - 1), bad) is None
    failure = verdict(observed(once, bad, NOW + FAILED_SECONDS), bad, FOR_EVER, NOW)
    assert failure is not None
    assert failure.reason is Reason.REMOTE_ERROR
    assert failure.message == f"TorBox reports: {bad.state}: tracker says no"


def test_a_failed_word_must_hold() -> None:
    """A download that stood still for an hour is not failed by one single bad word."""
    stalled = remote(size=1000, seen_at=NOW - 60, idle_seconds=HOUR)
    bad = item(state="error")
    assert reason(observed(stalled, bad, NOW), bad) is None


@pytest.mark.parametrize(
    "better", [item(), item(state="error", progress=0.5), item(state="error", finished=True)]
)
def test_a_failure_that_passes(better: RemoteItem) -> None:
    """Another word, progress, or all the pieces: the failure is forgotten and begins anew."""
    bad = item(state="error")
    recovered = watched(watched(remote(size=1000), bad, NOW), better, NOW + 50)
    assert recovered.failing_since is None
    assert reason(observed(recovered, bad, NOW + 100), replace(bad, progress=0.5)) is None


def test_a_failed_word_of_a_finished_item() -> None:
    """When TorBox has all the pieces, the state text is no reason."""
    bad = item(state="missing", finished=True)
    assert reason(watched(remote(), bad, NOW, NOW + 100, NOW + 200), bad) is None


def test_expired() -> None:
    """What TorBox let go before we had it is given up; a copy that it still has is not."""
    expired = item(expires_at=NOW - CLOCK_SLACK_SECONDS - 1)
    assert reason(remote(), expired) is Reason.EXPIRED
    assert reason(remote(), replace(expired, present=True)) is None
    assert reason(remote(), item(expires_at=NOW - CLOCK_SLACK_SECONDS)) is None


@given(st.text(max_size=20), st.floats(0, 1e7))
def test_unknown_words_are_no_failure(text: str, idle: float) -> None:
    """A word that nobody knows fails nothing, however long it lasts."""
    word = f"x{text}"
    download = remote(idle_seconds=idle, observed_seconds=idle)
    assert verdict(download, item(state=word), FOR_EVER, NOW) is None


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
        (None, {"stalled_after": 1.0, "metadata_after": 1.0, "give_up_after": 1.0}, None),
        (item(), {}, None),
    ],
)
def test_patience(
    remote_item: RemoteItem | None, patience: dict[str, float], expected: Reason | None
) -> None:
    """Each patience has its own clock and its own reason; what is ready is past all of them."""
    download = remote(idle_seconds=100.0, observed_seconds=300.0)
    assert reason(download, remote_item, **patience) is expected


def test_only_what_torbox_works_on_is_judged() -> None:
    """In TorBox's queue nothing stalls: the queue takes as long as it takes."""
    waiting = queued(idle_seconds=9e9, observed_seconds=9e9)
    assert verdict(waiting, item(state="failed"), Patience(give_up_after=1.0), NOW) is None


def test_the_sentence_tells_the_time() -> None:
    """The reason is a sentence with a duration that a user understands."""
    download = remote(idle_seconds=6 * HOUR, observed_seconds=6 * HOUR)
    stalled = verdict(download, item(state="stalled (no seeds)"), Patience(), NOW)
    assert stalled is not None
    assert stalled.message == "no progress at TorBox for 6.0 h: stalled (no seeds)"
    nameless = verdict(
        remote(idle_seconds=90.0), item(size=0), replace(FOR_EVER, metadata_after=90.0), NOW
    )
    assert nameless is not None
    assert nameless.message == "no metadata found in 2 min"


def test_every_phase_but_remote_is_safe_from_patience() -> None:
    """No patience fails a download that TorBox has delivered to us."""
    for phase in set(Phase) - {Phase.REMOTE}:
        download = remote(phase=phase, idle_seconds=9e9, observed_seconds=9e9)
        assert verdict(download, item(), Patience(give_up_after=1.0), NOW) is None


def test_a_list_that_lacks_files_is_given_up_in_time() -> None:
    """TorBox says that all is there and lists too little: that is idle time, with a reason."""
    lacking = remote(lacking_at=whole().listed_bytes, idle_seconds=6 * HOUR, note="E02 is missing")
    assert reason(lacking, whole(), stalled_after=6 * HOUR) is Reason.INCOMPLETE
    assert reason(lacking, whole(), stalled_after=7 * HOUR) is None
    assert reason(remote(idle_seconds=6 * HOUR), whole(), stalled_after=6 * HOUR) is None
