"""The outcomes at TorBox as changes of a download and its grabs."""

import pytest

from bridge.core.model import (
    Download,
    DownloadPhase,
    Entry,
    Failure,
    Grab,
    GrabPhase,
    Phase,
    Reason,
    RemovedDownload,
)
from bridge.core.transitions import (
    attached,
    create_begun,
    create_promised,
    create_unclear,
    create_undone,
    failed,
    grab_failed,
    grab_interrupted,
    remembering,
    restarted,
)
from tests.support.scenes import (
    NOW,
    H,
    active,
    delivered,
    delivering,
    download,
    failed_grab,
    finished,
    grab,
    planned,
    queued,
    ready,
    removed_download,
)
from tests.support.scenes import failed as failed_download

STALLED = Failure(Reason.STALLED, "no progress")


def begun(before: Download) -> Download:
    """Return a download as it is stored before a create is sent."""
    return create_begun(before, NOW, submitted_at=None, unclear_seconds=30.0)


def test_a_create_is_on_disk_before_it_is_sent() -> None:
    """After a crash it is looked up for a while, and not created twice."""
    sent = begun(download())
    assert (sent.phase, sent.submitted_at) == (DownloadPhase.SUBMITTING, NOW)
    assert sent.lookup_until == NOW + 30


@pytest.mark.parametrize(
    ("before", "earlier", "submitted_at"),
    [(5.0, 7.0, 5.0), (None, 7.0, 7.0), (None, None, NOW)],
)
def test_the_first_create_counts(
    before: float | None, earlier: float | None, submitted_at: float
) -> None:
    """The date of the first create decides whether an item is ours, whichever download sent it."""
    sent = create_begun(
        download(submitted_at=before), NOW, submitted_at=earlier, unclear_seconds=30.0
    )
    assert sent.submitted_at == submitted_at


def test_a_create_without_an_answer_stays_submitting() -> None:
    """A create that may have succeeded is looked up, and not sent again until then."""
    unclear = create_unclear(begun(download()), NOW + 60)
    assert (unclear.phase, unclear.lookup_until) == (DownloadPhase.SUBMITTING, NOW + 60)


@pytest.mark.parametrize(
    "before",
    [download(), download(submitted_at=3.0, lookup_until=NOW - 9)],
)
def test_a_create_that_surely_had_no_effect_is_undone(before: Download) -> None:
    """After a refusal nothing is ours that was not ours before."""
    assert create_undone(begun(before), before) == before


@pytest.mark.parametrize("already", [True, False])
def test_a_create_that_was_taken_without_an_id_is_looked_up(*, already: bool) -> None:
    """Where TorBox does not say where its item is, the lists tell; the user is told that it waits."""
    before = download()
    promised = create_promised(
        begun(before), before, NOW, already=already, until=NOW + 90, retry_at=NOW + 5
    )
    assert promised.phase is DownloadPhase.SUBMITTING
    assert (promised.lookup_until, promised.next_attempt_at) == (NOW + 90, NOW + 5)
    assert promised.submitted_at == (None if already else NOW), "what was there before is not ours"
    assert promised.note


def test_an_item_that_was_found_is_followed() -> None:
    """With a torrent_id the download is active and young, with nothing left to look up."""
    before = begun(queued(attempts=4, note="x", misses=2, next_attempt_at=NOW + 9))
    found = attached(before, NOW, torrent_id=7, ours=True, submitted_at=5.0, cached=True)
    assert (found.phase, found.torrent_id, found.queued_id) == (DownloadPhase.ACTIVE, 7, None)
    assert (found.remote_at, found.lookup_until, found.known_cached) == (NOW, 0.0, True)
    assert (found.attempts, found.note, found.misses, found.ours) == (0, "", 0, True)
    assert found.next_attempt_at == 0.0


def test_an_item_in_the_queue_is_followed_there() -> None:
    """With a queued_id alone it waits in TorBox's queue; the old torrent_id is not kept."""
    lost = active(misses=3)
    found = attached(lost, NOW, queued_id=9, ours=False, submitted_at=None)
    assert (found.phase, found.torrent_id, found.queued_id) == (DownloadPhase.QUEUED, None, 9)
    assert (found.remote_at, found.ours) == (lost.remote_at, False)


@pytest.mark.parametrize(
    ("removed", "knows"),
    [(None, False), (removed_download(unclear=False), False), (removed_download(), True)],
)
def test_a_lost_create_of_a_removed_download_is_remembered(
    removed: RemovedDownload | None, *, knows: bool
) -> None:
    """TorBox will answer that the torrent exists already, but a create of ours made it."""
    fresh = download()
    known = remembering(fresh, removed)
    if knows:
        assert known.submitted_at == removed_download().submitted_at
        assert known.lookup_until == fresh.phase_at > 0
    else:
        assert known == fresh
    sent = download(submitted_at=3.0)
    assert remembering(sent, removed_download()) == sent, "it has a create of its own"


@pytest.mark.parametrize("keeps_item", [True, False])
def test_a_failed_download_keeps_the_item_that_others_need(*, keeps_item: bool) -> None:
    """Delivered grabs may play from the item; without them its ids are dropped."""
    over = failed(ready(ours=True, note="x", lookup_until=9.0), STALLED, keeps_item=keeps_item)
    assert (over.phase, over.failure) == (DownloadPhase.FAILED, STALLED)
    assert (over.torrent_id, over.ours) == ((1, True) if keeps_item else (None, False))
    assert (over.note, over.lookup_until, over.queued_id) == ("", 0.0, None)


def test_a_stranger_stays_one_when_the_download_fails() -> None:
    """An item that the bridge did not create never becomes its own."""
    assert not failed(ready(ours=False), STALLED, keeps_item=True).ours


def test_a_grab_that_failed_is_shown_so() -> None:
    """Its reason is its own, whatever the download does."""
    over = grab_failed(delivering(staging_name=H, attempts=3, note="x"), STALLED)
    assert (over.phase, over.staging_name, over.note) == (GrabPhase.FAILED, "", "")
    entry = Entry(ready(), over)
    assert (entry.phase, entry.failure) == (Phase.FAILED, STALLED)


def test_an_interrupted_delivery_waits() -> None:
    """A grab whose download is followed again goes back to waiting; no other phase changes."""
    back = grab_interrupted(delivering(attempts=3, note="x"))
    assert (back.phase, back.attempts, back.note) == (GrabPhase.WAITING, 0, "")
    for other in (grab(), planned(), delivered(), finished(), failed_grab()):
        assert grab_interrupted(other) == other


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (failed_download(submitted_at=5.0), False),
        (failed_download(submitted_at=5.0, torrent_id=7, ours=True), True),
        (failed_download(submitted_at=5.0, lookup_until=NOW - 9), True),
    ],
)
def test_a_failed_download_that_is_added_again_begins_anew(before: Download, *, kept: bool) -> None:
    """It has the old row; what an earlier create has left at TorBox is still known to be ours."""
    fresh = Download(hash=H, name="fresh")
    again = restarted(fresh, before, NOW)
    assert (again.id, again.phase, again.failure) == (before.id, DownloadPhase.NEW, None)
    assert (again.torrent_id, again.ours) == (None, False)
    assert again.submitted_at == (5.0 if kept else None)
    # 0 would say that no create went unanswered, and the item would be left at TorBox for ever.
    assert again.lookup_until == (NOW if kept else 0.0)


@pytest.mark.parametrize("phase", sorted(DownloadPhase))
def test_a_grab_that_waits_shows_what_becomes_of_its_download(phase: DownloadPhase) -> None:
    """Until it is delivered, each client sees the download's phase, note and failure."""
    shared = download(phase=phase, note="waits", failure_reason=Reason.GONE, phase_at=NOW - 3)
    waiting = Entry(shared, grab())
    words = {DownloadPhase.NEW: Phase.ACCEPTED, DownloadPhase.ACTIVE: Phase.REMOTE}
    assert waiting.phase is words.get(phase, Phase(phase) if phase not in words else None)
    assert (waiting.note, waiting.phase_at) == ("waits", NOW - 3)
    assert waiting.failure == Failure(Reason.GONE, "")


@pytest.mark.parametrize("phase", sorted(DownloadPhase))
@pytest.mark.parametrize("one", [delivered(), finished()])
def test_a_grab_that_has_its_files_keeps_them(phase: DownloadPhase, one: Grab) -> None:
    """A failure or a new start of the download takes nothing from a grab that is complete."""
    shared = download(phase=phase, note="bad", failure_reason=Reason.GONE)
    seen = Entry(shared, one)
    assert seen.phase in {Phase.DELIVERED, Phase.FINISHED}
    assert (seen.complete, seen.failure, seen.note) == (True, None, "")


@pytest.mark.parametrize("phase", sorted(DownloadPhase))
def test_a_grab_that_was_given_up_alone_shows_that(phase: DownloadPhase) -> None:
    """A grab that fails by the rules of its category is an error there only."""
    seen = Entry(download(phase=phase), failed_grab(failure_message="not cached"))
    assert (seen.phase, seen.complete) == (Phase.FAILED, False)
    assert seen.failure == Failure(Reason.NOT_CACHED, "not cached")


@pytest.mark.parametrize("first", [delivered(), finished()])
def test_files_of_one_grab_make_no_other_complete(first: Grab) -> None:
    """Files of another grab are nothing that this grab's *arr could import."""
    waiting = Entry(ready(), grab(1, 2))
    assert first.complete
    assert (waiting.complete, waiting.phase, waiting.grab.content_name) == (False, Phase.READY, "")


def test_a_name_the_client_gave_is_shown_to_it() -> None:
    """Two grabs of one hash may have names of their own."""
    assert Entry(download(), grab(name="Mine")).name == "Mine"
    assert Entry(download(), grab()).name == "Show.1"
