"""The invariants: each violation is reported, and nothing else is."""

from typing import Any

import pytest
from msgspec.structs import replace

from bridge.core.invariants import OVERDUE_SECONDS, Observed, violations
from bridge.core.model import DownloadPhase, GrabPhase, Reason
from bridge.core.planner_input import MAX_DELIVERIES, LiveDownload
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    active,
    delivered,
    delivering,
    download,
    failed,
    failed_grab,
    finished,
    grab,
    hash_of,
    item,
    live,
    planned,
    queued,
    ready,
    removal,
    snapshot,
    whole,
)

LATE = NOW - OVERDUE_SECONDS - 1
SUBMITTING = DownloadPhase.SUBMITTING


def observed(*lives: LiveDownload, **fields: Any) -> Observed:
    """Make a moment at which TorBox was listed just now."""
    return replace(Observed(now=NOW, live=lives, snapshot=snapshot()), **fields)


@pytest.mark.parametrize(
    "sound",
    [
        live(download(phase_at=NOW)),
        live(download(next_attempt_at=NOW + HOUR)),
        live(download(phase=SUBMITTING, lookup_until=NOW)),
        live(download(), stopped=True),
        live(queued()),
        live(active()),
        live(ready(phase_at=NOW)),
        live(ready(), planned(incomplete_list_bytes=5)),
        live(ready(), delivered()),
        live(ready(torrent_id=None), finished(), delivered(1, 2)),
        live(failed()),
        live(failed(), failed_grab(), delivered(1, 2)),
        live(ready(phase_at=LATE), planned(next_attempt_at=NOW + HOUR)),
        live(ready(phase_at=LATE), planned(phase_at=NOW)),
        live(ready(phase_at=LATE), planned(stopped=True)),
        live(ready(phase_at=LATE), grab(incomplete_list_bytes=5)),
    ],
)
def test_what_is_sound(sound: LiveDownload) -> None:
    """Nothing is told of a download or grab that is as it should be."""
    assert violations(observed(sound)) == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (live(active(torrent_id=None)), "active without a torrent_id"),
        (live(ready(torrent_id=None, phase_at=NOW)), "ready without a torrent_id"),
        (live(queued(queued_id=None)), "queued without a queued_id"),
        (live(download(phase_at=NOW, ours=True)), "ours, and its item is unknown"),
        (live(download(phase=SUBMITTING, phase_at=NOW)), "its create is never looked up"),
        (live(ready(), delivered(content_name="")), "delivered for 'tv' without content on disk"),
        (live(ready(), finished(completed_at=None)), "finished for 'tv' without content on disk"),
        (live(active(), grab(completed_at=NOW)), "waiting for 'tv', yet completed"),
        (live(failed(failure_reason=None)), "failed with the failure reason None"),
        (live(active(failure_reason=Reason.GONE)), "active with the failure reason gone"),
        (live(active(), failed_grab(failure_reason=None)), "with the failure reason None"),
        (live(active(), grab(failure_reason=Reason.GONE)), "with the failure reason gone"),
        (live(download(phase_at=LATE)), "new, due for a long time, and nothing is done"),
        (live(ready(phase_at=LATE)), "waiting for 'tv', due for a long time, and not delivered"),
        (live(ready(phase_at=LATE), delivering(phase_at=LATE)), "and not delivered"),
    ],
)
def test_what_is_broken(broken: LiveDownload, told: str) -> None:
    """A breach is one sentence that names the download."""
    (text,) = violations(observed(broken))
    assert told in text
    assert text.startswith(f"Show.1 ({H})")


def test_a_grab_that_waits_for_files_that_are_there_is_forgotten() -> None:
    """A second grab of a hash is linked soon after the first one is complete."""
    two = live(ready(phase_at=LATE), finished(), grab(1, 2, phase_at=LATE))
    (text,) = violations(observed(two))
    assert "waiting for 'radarr'" in text
    young = live(ready(phase_at=LATE), finished(), grab(1, 2, phase_at=NOW))
    assert violations(observed(young)) == []


@pytest.mark.parametrize(
    "fields",
    [{"busy_downloads": frozenset({1})}, {"blocked": True}, {"jobs": (removal(),)}],
    ids=str,
)
def test_a_download_that_waits_with_a_reason(fields: dict[str, Any]) -> None:
    """Work that is in progress, blocked, or being removed is not forgotten."""
    assert violations(observed(live(download(phase_at=LATE)), **fields)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"busy_grabs": frozenset({11})},
        {"busy_grabs": frozenset({12})},
        {"blocked": True},
        {"jobs": (removal(),)},
        {"delivering": frozenset(range(MAX_DELIVERIES))},
    ],
    ids=str,
)
def test_a_grab_that_waits_with_a_reason(fields: dict[str, Any]) -> None:
    """A delivery may wait for its sibling's, for a free place, or for the end of a blocker."""
    late = live(ready(phase_at=LATE), planned(phase_at=LATE), failed_grab(1, 2))
    assert len(violations(observed(late))) == 1
    assert violations(observed(late, **fields)) == []


@pytest.mark.parametrize("made", [active, queued])
def test_torbox_is_asked(made: Any) -> None:
    """A download at TorBox is watched."""
    (text,) = violations(observed(live(made()), snapshot=snapshot(listed_at=LATE)))
    assert "TorBox has not been asked for a long time" in text


def test_one_remote_item_for_a_hash() -> None:
    """Two downloads never share an item, and TorBox holds no hash of ours twice."""
    shared = observed(live(active(1)), live(active(2, torrent_id=1)))
    names = f"Show.1 ({H}) and Show.2 ({hash_of(2)})"
    assert violations(shared) == [f"{names}: both have torrent 1"]
    twice = snapshot(whole(1), item(2, hash=H))
    ours = observed(live(active(ours=True)), snapshot=twice)
    assert violations(ours) == [f"Show.1 ({H}): 2 remote items"]
    assert violations(observed(live(active()), snapshot=twice)) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            live(active(), grab(progress=0.4)),
            live(active(), grab(progress=0.3)),
            "progress went back from 0.4 to 0.3",
        ),
        (
            live(ready(), delivered()),
            live(ready(), delivering(progress=1.0, phase_at=NOW)),
            "was delivered and is delivering",
        ),
        (
            live(ready(), failed_grab(), delivered(1, 2)),
            live(ready(), grab(phase_at=NOW), delivered(1, 2)),
            "was failed and is waiting",
        ),
    ],
)
def test_nothing_goes_backwards(before: LiveDownload, after: LiveDownload, told: str) -> None:
    """Progress never falls; a grab that is added again is a new grab."""
    (text,) = violations(observed(after), observed(before))
    assert told in text
    anew = LiveDownload(after.download, tuple(replace(one, id=99) for one in after.grabs))
    assert violations(observed(anew), observed(before)) == []
    assert violations(observed(after), observed()) == []


def test_a_failed_download_may_begin_again_for_the_grabs_that_waited() -> None:
    """One client's new try is one for all that failed with the download."""
    before, after = live(failed()), live(download(phase_at=NOW))
    assert before.grabs[0].phase is GrabPhase.WAITING
    assert violations(observed(after), observed(before)) == []


def test_a_wait_for_a_place_is_no_violation() -> None:
    """What waited long for a place is not forgotten the moment that one is free."""
    overdue = live(ready(phase_at=LATE), planned())
    free = Observed(now=NOW, live=[overdue], snapshot=snapshot())
    assert violations(free)
    assert not violations(replace(free, full_at=NOW - 1))
    assert not violations(replace(free, blocked_at=NOW - 1))
    assert violations(replace(free, full_at=NOW - OVERDUE_SECONDS - 1))
