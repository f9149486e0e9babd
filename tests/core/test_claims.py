"""One info-hash that several *arr asked for: what each sees, and who goes on."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.claims import claim_of, heir, numbered, seen_by, taken_over
from bridge.core.model import COMPLETE, Claim, DeliveredFile, Download, Failure, Phase, Reason
from tests.support.scenes import NOW, H, delivered, download, ready, remote


def claim(**fields: Any) -> Claim:
    """Make a claim of Radarr's that waits for its files."""
    made = Claim(
        hash=H,
        number=1,
        category="radarr",
        save_path="/downloads/radarr",
        added_at=NOW - 10,
        asked_by="Radarr",
        tags=("film",),
        ratio_limit=2.0,
    )
    return replace(made, **fields)


def whole(**fields: Any) -> Claim:
    """Make a claim that has its files."""
    file = DeliveredFile(hash=H, file_id=1, remote_name="x", size=9, path="Film (2).mkv", done=True)
    done = claim(
        phase=Phase.DELIVERED,
        phase_at=NOW - 5,
        completed_at=NOW - 5,
        content_name="Film (2).mkv",
        delivery_mode="download",
        size=9,
        files=(file,),
    )
    return replace(done, **fields)


def failed(**fields: Any) -> Claim:
    """Make a claim that was given up by its own rules."""
    return claim(
        phase=Phase.FAILED, failure_reason=Reason.NOT_CACHED, failure_message="not cached", **fields
    )


def first(phase: Phase, **fields: Any) -> Download:
    """Make the download as Sonarr asked for it."""
    made: dict[str, Any] = {"phase": phase, "category": "tv", "asked_by": "Sonarr", **fields}
    if phase in COMPLETE:
        return delivered(content_name="Show", delivery_mode="download", **made)
    if phase is Phase.FAILED:
        return download(failure_reason=Reason.STALLED, failure_message="no progress", **made)
    return remote(**made)


@pytest.mark.parametrize("phase", sorted(set(Phase) - COMPLETE))
def test_who_waits_sees_what_happens_in_its_own_category(phase: Phase) -> None:
    """Until it is complete all see the same of TorBox, each with its own category and path."""
    shared = first(phase, remote_progress=0.3, note="waits")
    seen = seen_by(claim(), shared)
    assert (seen.phase, seen.failure_reason) == (phase, shared.failure_reason)
    assert (seen.category, seen.save_path, seen.tags) == ("radarr", "/downloads/radarr", ("film",))
    assert (seen.remote_progress, seen.note, seen.torrent_id) == (0.3, "waits", shared.torrent_id)
    assert (seen.added_at, seen.ratio_limit, seen.content_name) == (NOW - 10, 2.0, "")


@pytest.mark.parametrize("phase", sorted(COMPLETE))
def test_complete_is_only_who_has_its_own_files(phase: Phase) -> None:
    """What the first owner has on disk is nothing that another could import."""
    seen = seen_by(claim(), first(phase))
    assert (seen.phase, seen.completed_at, seen.content_name) == (Phase.DELIVERING, None, "")


@pytest.mark.parametrize("phase", sorted(Phase))
def test_who_has_its_files_keeps_them_whatever_becomes_of_the_others(phase: Phase) -> None:
    """A failure or a new start of the first owner's takes nothing from the others."""
    seen = seen_by(whole(), first(phase, stopped=True, missing_files=True, note="bad"))
    assert (seen.phase, seen.completed_at, seen.content_name) == (
        Phase.DELIVERED,
        NOW - 5,
        "Film (2).mkv",
    )
    assert seen.failure is None
    assert (seen.stopped, seen.missing_files, seen.note) == (False, False, "")


@pytest.mark.parametrize("phase", sorted(Phase))
def test_who_was_given_up_alone_sees_that(phase: Phase) -> None:
    """What the rules of one category give up is an error there, whatever the others get."""
    seen = seen_by(failed(), first(phase))
    assert (seen.phase, seen.completed_at) == (Phase.FAILED, None)
    assert seen.failure == Failure(Reason.NOT_CACHED, "not cached")


@pytest.mark.parametrize("phase", sorted(Phase))
def test_a_failed_heir_has_nothing_at_torbox(phase: Phase) -> None:
    """When only failures are left the remote item goes with who had it."""
    taken = taken_over(first(phase, ours=True), failed(), NOW)
    assert (taken.phase, taken.torrent_id, taken.ours) == (Phase.FAILED, None, False)
    assert taken.failure_reason is Reason.NOT_CACHED


def test_stepping_back_with_a_failure() -> None:
    """It is a claim that has failed now, with nothing on disk."""
    back = claim_of(first(Phase.REMOTE), failure=Failure(Reason.STALLED, "no progress"), now=NOW)
    assert (back.phase, back.phase_at, back.content_name) == (Phase.FAILED, NOW, "")
    assert (back.failure_reason, back.failure_message) == (Reason.STALLED, "no progress")
    assert not back.waits
    assert not back.complete


@pytest.mark.parametrize(
    ("before", "heir_waits", "after"),
    [
        (Phase.ACCEPTED, True, Phase.ACCEPTED),
        (Phase.SUBMITTING, True, Phase.SUBMITTING),
        (Phase.QUEUED, True, Phase.QUEUED),
        (Phase.REMOTE, True, Phase.REMOTE),
        (Phase.READY, True, Phase.REMOTE),
        (Phase.DELIVERING, True, Phase.REMOTE),
        (Phase.DELIVERED, True, Phase.REMOTE),
        (Phase.FINISHED, True, Phase.REMOTE),
        (Phase.FAILED, True, Phase.FAILED),
        *((phase, False, Phase.DELIVERED) for phase in Phase),
    ],
)
def test_who_takes_over(before: Phase, *, heir_waits: bool, after: Phase) -> None:
    """It goes on where it stands, with the same remote item; files of its own it has, or gets."""
    shared = first(before, ours=True, submitted_at=5.0)
    taken = taken_over(shared, claim() if heir_waits else whole(), NOW)
    assert (taken.phase, taken.category, taken.save_path) == (after, "radarr", "/downloads/radarr")
    assert (taken.torrent_id, taken.ours, taken.submitted_at) == (shared.torrent_id, True, 5.0)
    assert (taken.completed_at is not None) is (not heir_waits)
    assert (taken.failure is not None) is (after is Phase.FAILED)


def test_stepping_back_and_forward_changes_nothing() -> None:
    """A complete download that becomes a claim is seen as before, and can take over again."""
    file = DeliveredFile(hash=H, file_id=1, remote_name="x", size=9, path="Show/x", done=True)
    before = first(Phase.FINISHED, phase_at=NOW - 1, size=9)
    back = claim_of(before, [file])
    assert back.files == (file,)
    assert seen_by(back, taken_over(before, claim(), NOW)).content_name == "Show"
    again = taken_over(taken_over(before, claim(), NOW), back, NOW)
    assert (again.phase, again.phase_at, again.size) == (Phase.FINISHED, NOW - 1, 9)
    assert again.category == "tv"


def test_who_has_no_files_steps_back_without_any() -> None:
    """What was planned for it is not on disk: it must not be cleaned up as if it were."""
    back = claim_of(ready(content_name="Show", category="tv"), [])
    assert (back.phase, back.content_name, back.files) == (Phase.ACCEPTED, "", ())


def test_the_heir() -> None:
    """Who has the files, so that nobody fetches them again; of a failure who failed with it."""
    claims = (failed(number=3), claim(number=1), whole(number=2))
    assert heir(claims, first(Phase.FINISHED)).number == 2
    assert heir(claims, first(Phase.REMOTE)).number == 2
    assert heir(claims, first(Phase.FAILED)).number == 1
    assert heir(claims[:2], first(Phase.FINISHED)).number == 1
    assert heir(claims[:1], first(Phase.FINISHED)).number == 3
    assert heir(claims[::2], first(Phase.FAILED)).number == 3


@given(st.lists(st.integers(0, 5), max_size=6))
def test_numbers_are_never_shared(given_numbers: list[int]) -> None:
    """Each claim has a number, those that had one keep it, and 0 is nobody's."""
    known = list(dict.fromkeys(number for number in given_numbers if number))
    claims = [claim(number=number) for number in known]
    claims += [claim(number=0)] * given_numbers.count(0)
    numbers = [one.number for one in numbered(claims)]
    assert len(set(numbers)) == len(numbers)
    assert numbers[: len(known)] == known
    assert 0 not in numbers
