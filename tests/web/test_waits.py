"""What a download is doing, in one sentence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.model import Entry, Phase
from bridge.web.waits import Facts, explain, in_words, ordinal, span
from tests.support import scenes
from tests.support.entries import with_fields
from tests.support.scenes import NOW, item, whole

SEEN = int(NOW)
NEW = scenes.entry(scenes.download())


def download(**fields: Any) -> Entry:
    """Make an entry that is new, but for these fields."""
    return with_fields(NEW, **fields)


def queued() -> Entry:
    """Make an entry that is in TorBox's queue."""
    return download(phase=Phase.QUEUED)


def remote(**fields: Any) -> Entry:
    """Make an entry that TorBox works on."""
    return download(**{"phase": Phase.REMOTE, "torrent_id": 1} | fields)


def ready(**fields: Any) -> Entry:
    """Make an entry that TorBox has the files of."""
    return download(**{"phase": Phase.READY, "torrent_id": 1} | fields)


def delivered(**fields: Any) -> Entry:
    """Make an entry whose files are there."""
    return download(**{"phase": Phase.DELIVERED, "torrent_id": 1} | fields)


@pytest.mark.parametrize(
    ("what", "facts", "sentence"),
    [
        (download(), {}, "About to be added to TorBox"),
        (download(), {"place": 3}, "3rd in line to be added to TorBox"),
        (
            download(),
            {"slot_at": NOW + 30, "slots": 10, "place": 12},
            "Waits for one of your 10 TorBox slots, 12th in line",
        ),
        (download(), {"slot_at": NOW + 30}, "Waits for a TorBox slot"),
        (
            download(note="ACTIVE_LIMIT: limit of 3 reached", next_attempt_at=NOW - 9),
            {"slot_at": NOW + 30, "slots": 3, "place": 1},
            "Waits for one of your 3 TorBox slots, 1st in line",
        ),
        (
            download(note="UNKNOWN_ERROR: try again", next_attempt_at=NOW + 300),
            {"slot_at": NOW + 30},
            f"TorBox says: try again; next attempt {{in:{SEEN + 300}}}",
        ),
        (
            download(note="MONTHLY_LIMIT: it is used up", next_attempt_at=NOW - 9),
            {"turn_at": NOW + 3600},
            f"TorBox says: it is used up; next attempt {{in:{SEEN + 3600}}}",
        ),
        (
            download(),
            {"turn_at": NOW + 90, "place": 2},
            f"Waits for TorBox's limit on adds, 2nd in line; its turn is {{in:{SEEN + 90}}}",
        ),
        (
            download(note="UNKNOWN_ERROR: try again", next_attempt_at=NOW + 40),
            {},
            f"TorBox says: try again; next attempt {{in:{SEEN + 40}}}",
        ),
        (download(stopped=True), {}, "Paused. Resume to go on"),
        (
            download(),
            {"blocker": "TorBox does not answer", "blocker_until": NOW + 60},
            f"Waits: TorBox does not answer; next attempt {{in:{SEEN + 60}}}",
        ),
        (download(phase=Phase.SUBMITTING), {}, "Being added to TorBox"),
        (queued(), {}, "In TorBox's own queue; TorBox starts it when a slot is free"),
        (remote(), {}, "TorBox does not list it at the moment; looking again"),
        (
            remote(),
            {"item": item(seeds=3, progress=0.304)},
            "TorBox is downloading it and has 30\u00a0%",
        ),
        (remote(), {"item": item(state="metaDL", size=0)}, "TorBox looks for the metadata"),
        (
            remote(seen_at=NOW, idle_seconds=600.0),
            {"item": item(state="metaDL", size=0), "metadata_after": 3600.0},
            (
                f"TorBox looks for the metadata for {{since:{SEEN - 600}}};"
                f" given up at {{at:{SEEN + 3000}}}"
            ),
        ),
        (
            remote(seen_at=NOW, idle_seconds=7200.0),
            {"item": item(state="stalled (no seeds)"), "stalled_after": 21600.0},
            f"No seeds for {{since:{SEEN - 7200}}}; given up at {{at:{SEEN + 14400}}}",
        ),
        (
            remote(seen_at=NOW, idle_seconds=7200.0),
            {"item": item(seeds=4), "stalled_after": None},
            f"No progress at TorBox for {{since:{SEEN - 7200}}}",
        ),
        (
            remote(failing_since=NOW - 20),
            {"item": item(state="error", message="disk full there")},
            f"TorBox reports an error (disk full there); failed {{in:{SEEN + 40}}} if it stays",
        ),
        (remote(), {"item": whole(present=False)}, "TorBox has it and moves it to its storage"),
        (remote(), {"item": item(state="paused")}, "Paused at TorBox. Resume to go on"),
        (ready(), {"place": 3}, "3rd in line to be fetched"),
        (ready(), {"place": 3, "mode": "strm"}, "Ready at TorBox"),
        (
            ready(note="not enough space: 5 bytes needed, 1 free", next_attempt_at=NOW + 60),
            {},
            f"Not enough space: 5 bytes needed, 1 free; next attempt {{in:{SEEN + 60}}}",
        ),
        (ready(phase=Phase.DELIVERING), {}, "Being fetched from TorBox"),
        (
            ready(phase=Phase.DELIVERING),
            {"blocker": "TorBox does not answer"},
            "Being fetched from TorBox",
        ),
        (
            ready(phase=Phase.DELIVERING),
            {"in_line": True, "parallel_files": 4},
            "Waits for its turn: 4 files are fetched at a time",
        ),
        (
            ready(phase=Phase.DELIVERING),
            {"in_line": True},
            "Waits for its turn: one file is fetched at a time",
        ),
        (
            ready(phase=Phase.DELIVERING),
            {"checking": True},
            "Comparing the files with the torrent's hashes",
        ),
        (
            ready(phase=Phase.DELIVERING),
            {"mode": "symlink"},
            "Waits for the mount to show its files",
        ),
        (delivered(), {}, "Completed, and TorBox seeds it"),
        (delivered(phase=Phase.FINISHED), {}, "Completed"),
        (delivered(imported_at=NOW), {}, f"Imported at {{at:{SEEN}}}"),
        (delivered(moving_to="/elsewhere"), {}, "Moving to /elsewhere"),
        (
            delivered(missing_files=True),
            {},
            "Files are missing on disk. Recheck it to deliver it again",
        ),
        (
            download(phase=Phase.FAILED, failure_message="no progress for 6.0 h", note=""),
            {},
            "No progress for 6.0 h",
        ),
        (
            download(phase=Phase.FAILED, failure_message="bad", note="add Sonarr under `arr`"),
            {},
            "Bad. Add Sonarr under arr",
        ),
        (
            download(phase=Phase.FAILED, failure_message="too large.", note="sonarr was told"),
            {},
            "Too large. Sonarr was told",
        ),
    ],
)
def test_sentences(what: Entry, facts: dict[str, Any], sentence: str) -> None:
    """Each wait is named, with its place in line and its end where they are known."""
    assert explain(what, Facts(**facts)) == sentence


@given(st.sampled_from(Phase), st.booleans(), st.integers(0, 9), st.text(max_size=20))
def test_every_download_has_a_sentence(phase: Phase, stopped: bool, place: int, note: str) -> None:
    """Whatever state it is in, there is something to say."""
    known = download(phase=phase, stopped=stopped, note=note)
    assert explain(known, Facts(place=place, item=item()))


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("at {at:1000}", "at clock 1000"),
        ("{in:1060}", "in 60 s"),
        ("{in:2000}", "in 17 min"),
        ("{in:900}", "now"),
        ("{since:400}", "10 min"),
        ("a name with {in:x} and {braces}", "a name with {in:x} and {braces}"),
    ],
)
def test_moments_in_words(sentence: str, words: str) -> None:
    """A script gets the same words as the page."""
    assert in_words(sentence, 1000.0, lambda at: f"clock {at:.0f}") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "2 h"), (172_800, "2 days")],
)
def test_spans(seconds: float, words: str) -> None:
    """A duration has its largest fitting unit."""
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th"), (122, "122nd")],
)  # fmt: skip
def test_ordinals(number: int, words: str) -> None:
    """Also the teens."""
    assert ordinal(number) == words
