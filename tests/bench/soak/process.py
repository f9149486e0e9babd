"""The bridge's process, looked at from outside: memory and open files."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench.soak.notes import Notes
from tests.support.process import BridgeProcess

SAMPLE_SECONDS = 1.0
GROWTH_BYTES = 8 << 20
GROWTH_SHARE = 0.1
MORE_FILES = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """A process at one moment."""

    pid: int
    rss: int
    files: int


class Samples:
    """What the process took, second by second, over all its lives."""

    def __init__(self, process: BridgeProcess, notes: Notes) -> None:
        self._process = process
        self._notes = notes
        self._taken: list[Sample] = []

    @property
    def last(self) -> Sample:
        """The latest one."""
        return self._taken[-1] if self._taken else Sample(0, 0, 0)

    async def watch(self) -> None:
        """Take them."""
        while True:
            pid = self._process.pid
            if pid is not None and (sample := _sample(pid)) is not None:
                self._taken.append(sample)
            await asyncio.sleep(SAMPLE_SECONDS)

    def growth(self, pid: int) -> tuple[Sample, Sample]:
        """Compare the second quarter of a long life with its last one; the first is warming up."""
        life = [sample for sample in self._taken if sample.pid == pid]
        quarter = max(1, len(life) // 4)
        early, late = _typical(life[quarter : 2 * quarter]), _typical(life[-quarter:])
        if late.rss > early.rss + max(GROWTH_BYTES, int(early.rss * GROWTH_SHARE)):
            self._notes.problem(f"memory grew from {early.rss >> 20} to {late.rss >> 20} MiB")
        if late.files > early.files + MORE_FILES:
            self._notes.problem(f"open files grew from {early.files} to {late.files}")
        return early, late


def _typical(samples: list[Sample]) -> Sample:
    return Sample(
        samples[0].pid,
        int(median(sample.rss for sample in samples)),
        int(median(sample.files for sample in samples)),
    )


def _sample(pid: int) -> Sample | None:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    lines = (line.split() for line in status.splitlines() if line.startswith("VmRSS"))
    return next((Sample(pid, int(fields[1]) << 10, files) for fields in lines), None)
