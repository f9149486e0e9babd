"""Writes the sentence about what a download is doing. Pure: facts in, a sentence out.

A sentence may hold moments that the reader's side formats: `{at:1764300000}` is a time of day,
`{in:1764300000}` the time until then, `{since:1764300000}` the time since then.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from bridge.core.model import Entry, Phase, RemoteItem
from bridge.core.patience import FAILED_SECONDS
from bridge.core.status import FAILED_WORDS, state_word

IDLE_SECONDS: Final = 90.0
"""No progress for longer than this is mentioned in the sentence."""
GIVEN_UP: Final = "given up at"
"""A sentence with these words tells when the download is given up."""

_CODE = re.compile(r"^[A-Z]+(?:_[A-Z]+)+: ")
_TOKEN = re.compile(r"\{(at|in|since):(\d+)\}")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a sentence other than the entry. Times are unix seconds."""

    item: RemoteItem | None = None
    place: int = 0
    """Place in the line of adds or of fetches; 1 is next, 0 is not in a line."""
    slots: int | None = None
    """Number of slots of the plan."""
    slot_at: float | None = None
    """No slot is free: when an add is tried again nevertheless."""
    blocker: str = ""
    """Why all work at TorBox is blocked; empty if it is not."""
    blocker_until: float | None = None
    turn_at: float | None = None
    """When TorBox allows the add of this download."""
    checking: bool = False
    """The files are compared with the torrent's hashes."""
    in_line: bool = False
    """Its files wait until other files are fetched."""
    parallel_files: int = 1
    """How many files are fetched at one time."""
    stalled_after: float | None = None
    metadata_after: float | None = None
    stored_after: float | None = None
    mode: str = "download"


def explain(entry: Entry, facts: Facts) -> str:
    """Return what the download is doing or waiting for."""
    if entry.complete:
        return _complete(entry)
    if entry.phase is Phase.FAILED:
        return _failed(entry)
    if entry.grab.stopped:
        return "Paused. Resume to go on"
    if facts.blocker and entry.phase is not Phase.DELIVERING:
        return f"Waits: {facts.blocker}{_again(facts.blocker_until)}"
    return _WORDS[entry.phase](entry, facts)


def _complete(entry: Entry) -> str:
    if entry.grab.moving_to:
        return f"Moving to {entry.grab.moving_to}"
    if entry.grab.missing_files:
        return "Files are missing on disk. Recheck it to deliver it again"
    if entry.grab.imported_at is not None:
        return f"Imported at {_at(entry.grab.imported_at)}"
    if entry.phase is Phase.DELIVERED:
        return "Completed, and TorBox seeds it"
    return "Completed"


def _failed(entry: Entry) -> str:
    message = entry.failure.message if entry.failure else ""
    why = _sentence(message or "Failed").rstrip(".")
    return f"{why}. {_sentence(entry.note)}" if entry.note else why


def waits_for_slot(entry: Entry, slot_at: float | None) -> bool:
    """Return whether a new download waits for a slot, and for nothing that takes longer."""
    return entry.phase is Phase.ACCEPTED and slot_at is not None and _next_attempt(entry) <= slot_at


def _accepted(entry: Entry, facts: Facts) -> str:
    if waits_for_slot(entry, facts.slot_at):
        slots = f"one of your {facts.slots} TorBox slots" if facts.slots else "a TorBox slot"
        return f"Waits for {slots}{_line(facts.place)}"
    if entry.note and _next_attempt(entry) > 0:
        at = max(_next_attempt(entry), facts.turn_at or 0.0)
        return f"{_sentence(entry.note)}{_again(at)}"
    if facts.turn_at is not None:
        return f"Waits for TorBox's limit on adds{_line(facts.place)}; its turn is {_in(facts.turn_at)}"
    if facts.place > 1:
        return f"{ordinal(facts.place)} in line to be added to TorBox"
    return "About to be added to TorBox"


def _submitting(entry: Entry, _facts: Facts) -> str:
    if entry.note:
        return f"{_sentence(entry.note)}{_again(_next_attempt(entry))}"
    return "Being added to TorBox"


def _queued(entry: Entry, _facts: Facts) -> str:
    return _sentence(entry.note) or "In TorBox's own queue; TorBox starts it when a slot is free"


def _remote(entry: Entry, facts: Facts) -> str:
    item = facts.item
    if item is None:
        return "TorBox does not list it at the moment; looking again"
    if entry.download.failing_since is not None:
        state = f" ({item.message or item.state})" if item.message or item.state else ""
        return f"TorBox reports an error{state}; failed {_in(entry.download.failing_since + FAILED_SECONDS)} if it stays"
    if entry.note:
        return f"{_sentence(entry.note)}{_again(_next_attempt(entry))}"
    if item.finished:
        return _still("TorBox has it and moves it to its storage", entry, facts.stored_after)
    word = state_word(item.state)
    if word.startswith("paused"):
        return "Paused at TorBox. Resume to go on"
    if not item.size or word == "metadl":
        return _still("TorBox looks for the metadata", entry, facts.metadata_after)
    if word.startswith("queued"):
        return "TorBox has it and has not started it yet"
    if entry.download.idle_seconds >= IDLE_SECONDS or word.startswith("stalled"):
        why = "No seeds" if not item.seeds else "No progress at TorBox"
        return _still(why, entry, facts.stalled_after, always=True)
    if word in FAILED_WORDS:
        return "TorBox reports an error; looking again"
    # The progress of the row has the fetch as its second half, so that it is not TorBox's.
    return f"TorBox is downloading it and has {item.progress * 100:.0f}\u00a0%"


def _ready(entry: Entry, facts: Facts) -> str:
    if entry.note:
        return f"{_sentence(entry.note)}{_again(_next_attempt(entry))}"
    if facts.place > 0 and facts.mode in {"download", "aria2"}:
        return f"{ordinal(facts.place)} in line to be fetched"
    return "Ready at TorBox"


def _delivering(entry: Entry, facts: Facts) -> str:
    if facts.checking:
        return "Comparing the files with the torrent's hashes"
    if entry.note:
        return f"{_sentence(entry.note)}{_again(_next_attempt(entry))}"
    if facts.in_line:
        files = "one file is" if facts.parallel_files == 1 else f"{facts.parallel_files} files are"
        return f"Waits for its turn: {files} fetched at a time"
    return _DELIVERY.get(facts.mode, "Being delivered")


_DELIVERY: Final = {
    "download": "Being fetched from TorBox",
    "aria2": "aria2 is fetching it from TorBox",
    "symlink": "Waits for the mount to show its files",
    "strm": "Its .strm files are being written",
}
_WORDS: Final[dict[Phase, Callable[[Entry, Facts], str]]] = {
    Phase.ACCEPTED: _accepted,
    Phase.SUBMITTING: _submitting,
    Phase.QUEUED: _queued,
    Phase.REMOTE: _remote,
    Phase.READY: _ready,
    Phase.DELIVERING: _delivering,
}
assert set(_WORDS) == set(Phase) - {Phase.DELIVERED, Phase.FINISHED, Phase.FAILED}  # noqa: S101 - a new phase needs words


def _next_attempt(entry: Entry) -> float:
    """Return when the work that the note is about is tried again."""
    return entry.grab.next_attempt_at if entry.grab.note else entry.download.next_attempt_at


def _still(what: str, entry: Entry, limit: float | None, *, always: bool = False) -> str:
    """Add how long there was no progress, and when the download is given up."""
    if entry.download.seen_at is None or (
        entry.download.idle_seconds < IDLE_SECONDS and not always
    ):
        return what
    since = entry.download.seen_at - entry.download.idle_seconds
    told = (
        f"{what} for {{since:{since:.0f}}}" if entry.download.idle_seconds >= IDLE_SECONDS else what
    )
    if limit is None:
        return told
    return f"{told}; {GIVEN_UP} {_at(since + limit)}"


def _line(place: int) -> str:
    return f", {ordinal(place)} in line" if place else ""


def _again(at: float | None) -> str:
    return f"; next attempt {_in(at)}" if at else ""


def _at(moment: float) -> str:
    return f"{{at:{moment:.0f}}}"


def _in(moment: float) -> str:
    return f"{{in:{moment:.0f}}}"


def _sentence(text: str) -> str:
    """Start with a capital, without marks of code and without TorBox's codes, which the log has."""
    plain = _CODE.sub("TorBox says: ", text).replace("`", "")
    return plain[:1].upper() + plain[1:]


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st."""
    teens = number % 100 in range(10, 21)
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def in_words(sentence: str, now: float, clock: Callable[[float], str]) -> str:
    """Replace the moments of a sentence with words. `clock` formats a time of day."""

    def word(found: re.Match[str]) -> str:
        kind, moment = found[1], float(found[2])
        match kind:
            case "at":
                return clock(moment)
            case "in":
                left = moment - now
                return f"in {span(left)}" if left > 0 else "now"
            case _:
                return span(now - moment)

    return _TOKEN.sub(word, sentence)


def span(seconds: float) -> str:
    """Return a duration in its largest fitting unit."""
    size = max(seconds, 0.0)
    for unit, length, most in (("s", 1, 90), ("min", 60, 90 * 60), ("h", 3600, 48 * 3600)):
        if size < most:
            return f"{round(size / length)} {unit}"
    return f"{round(size / 86400)} days"
