"""What a run of the soak tells its user: lines while it goes on, and a table at the end."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from statistics import median

from tests.bench.soak.process import Sample
from tests.bench.soak.run import Soak

TELL_SECONDS = 10.0
PROBLEMS_SHOWN = 40


def say(line: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def tell(soak: Soak) -> None:
    """Print how it goes, for as long as it goes."""
    while True:
        await asyncio.sleep(TELL_SECONDS)
        soak.write_log()
        notes, sample = soak.notes, soak.samples.last
        say(
            f"{soak.seconds:5.0f} s  kills {soak.kills.total():3}  added {notes.accepted:4}"
            f"  imported {notes.imported.total():4}  taken back {notes.taken_back.total():3}"
            f"  failed {notes.failed.total():3}  rss {sample.rss >> 20:3} MiB"
            f"  files {sample.files:3}  problems {len(notes.problems)}"
        )


def tell_the_end(soak: Soak, early: Sample, late: Sample) -> None:
    """Print the table, and every problem."""
    say("")
    for name, value in _table(soak, early, late):
        say(f"{name:24} {value}")
    for text in soak.notes.problems[:PROBLEMS_SHOWN]:
        say(f"PROBLEM {text}")


def _table(soak: Soak, early: Sample, late: Sample) -> Iterator[tuple[str, str]]:
    notes, sim = soak.notes, soak.sim
    taken = notes.taken_seconds or [0.0]
    polls = sorted(soak.face.poll_seconds) or [0.0]
    struck = sum(call.fault is not None for call in sim.calls)
    shared = sum(release.shared for release in soak.releases)
    yield "time", f"{soak.seconds:.0f} s, seed {soak.options.seed}"
    yield "releases", f"{len(soak.releases)}, {shared} of them wanted by several *arr"
    yield "kills", _counts(soak.kills)
    between = soak.adds_between_kills
    yield "adds accepted", f"{notes.accepted}, {notes.shared} shared, {between} between kills"
    yield "adds without an answer", f"{notes.lost_answers}, sent again"
    yield "imported", f"{_counts(notes.imported)}; every byte compared"
    yield "taken back by the user", _counts(notes.taken_back)
    yield "failed as planted", f"{_counts(notes.failed)}; {notes.told} told by the *arr's API"
    yield "duplicates at TorBox", str(soak.account.duplicates)
    yield "creates carried out", f"{soak.creates}; {soak.account.made} items at TorBox in all"
    yield "left behind", str(len(soak.left))
    yield "add to import", f"median {median(taken):.1f} s, longest {max(taken):.1f} s"
    yield "calls struck by faults", f"{struck} of {len(sim.calls)}"
    yield "polls", f"{len(polls)}, median {median(polls) * 1000:.0f} ms, longest {polls[-1]:.2f} s"
    yield "memory", f"{early.rss / 2**20:.1f} MiB early, {late.rss / 2**20:.1f} MiB late"
    yield "open files", f"{early.files} early, {late.files} late"
    yield "problems", str(len(notes.problems))


def _counts(counter: Counter[str]) -> str:
    parts = ", ".join(f"{name} {many}" for name, many in sorted(counter.items()))
    return f"{counter.total()}: {parts}" if parts else "0"
