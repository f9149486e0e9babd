"""What must hold at every moment: each breach is told, and nothing else is."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.core.invariants import OVERDUE_SECONDS, Observed, violations
from bridge.core.model import Claim, Download, Phase, Reason
from tests.support.scenes import (
    HOUR,
    NOW,
    H,
    delivered,
    download,
    item,
    queued,
    ready,
    remote,
    removal,
    snapshot,
    whole,
)

LATE = NOW - OVERDUE_SECONDS - 1


def observed(*downloads: Download, **fields: Any) -> Observed:
    """Make a moment at which TorBox was listed just now."""
    return replace(Observed(now=NOW, downloads=downloads, snapshot=snapshot()), **fields)


SOUND = (
    download(phase_at=NOW),
    download(next_attempt_at=NOW + HOUR),
    download(phase=Phase.SUBMITTING, lookup_until=NOW),
    download(stopped=True),
    queued(),
    remote(),
    ready(phase_at=NOW),
    delivered(content_name="Show"),
    download(phase=Phase.FAILED, failure_reason=Reason.GONE),
)


@pytest.mark.parametrize("sound", SOUND)
def test_what_is_sound(sound: Download) -> None:
    """Nothing is told of a download that is as it should be."""
    assert violations(observed(sound)) == []


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (remote(torrent_id=None), "without a torrent_id"),
        (ready(torrent_id=None, phase_at=NOW), "without a torrent_id"),
        (queued(queued_id=None), "without a queued_id"),
        (download(phase_at=NOW, ours=True), "nothing is known of where"),
        (download(phase=Phase.SUBMITTING, phase_at=NOW), "nobody looks"),
        (delivered(), "without content"),
        (delivered(content_name="Show", completed_at=None), "without content"),
        (remote(completed_at=NOW), "yet completed"),
        (download(phase=Phase.FAILED), "failure reason None"),
        (remote(failure_reason=Reason.GONE), "failure reason gone"),
        (download(phase_at=LATE), "nobody works on it"),
        (ready(phase_at=LATE), "nobody works on it"),
    ],
)
def test_what_is_broken(broken: Download, told: str) -> None:
    """A breach is one sentence that names the download."""
    (text,) = violations(observed(broken))
    assert told in text
    assert text.startswith(H)


@pytest.mark.parametrize(
    "fields",
    [{"busy": frozenset({H})}, {"held_up": True}, {"removals": (removal(hash=H),)}],
    ids=str,
)
def test_who_waits_with_a_reason(fields: dict[str, Any]) -> None:
    """What is worked on, or held up together with others, is not forgotten."""
    assert violations(observed(download(phase_at=LATE), **fields)) == []


def test_nobody_asks_torbox() -> None:
    """A download at TorBox is watched."""
    (text,) = violations(observed(remote(), snapshot=snapshot(listed_at=LATE)))
    assert "has not been asked" in text


def test_one_remote_item_for_a_hash() -> None:
    """Two downloads never share an item, and TorBox holds no hash of ours twice."""
    assert "torrent 1 is shared" in violations(observed(remote(1), remote(2, torrent_id=1)))
    twice = snapshot(whole(1), item(2, hash=H))
    assert violations(observed(remote(ours=True), snapshot=twice)) == [f"{H}: 2 remote items"]
    assert violations(observed(remote(), snapshot=twice)) == []


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (remote(progress=0.4), remote(progress=0.3), "progress went back"),
        (delivered(content_name="a"), ready(phase_at=NOW), "was delivered and is ready"),
        (
            download(phase=Phase.FAILED, failure_reason=Reason.GONE),
            download(phase_at=NOW),
            "failed, and accepted again",
        ),
    ],
)
def test_nothing_goes_backwards(before: Download, after: Download, told: str) -> None:
    """What was shown is never taken back; a hash that was added anew is another download."""
    (text,) = violations(observed(after), observed(before))
    assert told in text
    anew = replace(after, added_at=NOW)
    assert violations(observed(anew), observed(before)) == []
    assert violations(observed(after), observed()) == []


def claim(**fields: Any) -> Claim:
    """Make a claim on the first download."""
    return replace(
        Claim(hash=H, number=1, category="radarr", save_path="/r", added_at=LATE), **fields
    )


@pytest.mark.parametrize(
    ("first", "fields", "told"),
    [
        (remote(), {}, ""),
        (delivered(content_name="Show", phase_at=NOW), {}, ""),
        (delivered(content_name="Show", phase_at=LATE), {}, "waits for its files"),
        (delivered(content_name="Show", phase_at=LATE), {"added_at": NOW}, ""),
        (remote(), {"phase": Phase.FINISHED}, "without content"),
        (remote(number=2), {}, "not there"),
    ],
)
def test_claims(first: Download, fields: dict[str, Any], told: str) -> None:
    """Who waits beside the first gets its files when they are there, and has what it is shown."""
    found = violations(observed(first, claims={H: (claim(**fields),)}))
    assert [told in text for text in found] == ([True] if told else [])
