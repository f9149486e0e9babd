"""Measures fetching side by side with aria2c: the same files, the same nginx, the same run.

    .venv/bin/python -m tests.bench.fetch [--runs 3] [--big 1024] [--small 200] [--rate 30000000]

The case with a rate has a CDN that limits each connection. aria2c has 8 connections for a file.

Needs nginx and aria2c. Every file is compared by hash, outside of the time that counts.
"""

import argparse
import asyncio
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bridge.delivery.delivery_progress import Progress
from bridge.delivery.fetch.fetch_settings import MIB, FetchSettings
from bridge.delivery.fetch.fetcher import make_session
from bridge.delivery.interface import DeliveryRequest, RequestedFile
from bridge.delivery.modes.download_mode import DownloadDelivery
from tests.support.nginx import Nginx
from tests.support.peers import find

HASH = "b" * 40


@dataclass(frozen=True, slots=True)
class Case:
    """So many files of one size."""

    name: str
    files: int
    size: int
    rate: int = 0
    """Bytes per second for each connection; 0 is without limit."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one run took."""

    seconds: float
    """From the first request on."""
    whole: float
    """With the start of the program."""
    cpu_seconds: float
    rss_mib: float


def say(line: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def make_files(root: Path, case: Case) -> None:
    """Write files that look like nothing in particular, called by their numbers."""
    root.mkdir()
    for number in range(case.files):
        with (root / str(number)).open("wb") as file:
            for _ in range(case.size // MIB):
                file.write(os.urandom(MIB))


def digests(directory: Path) -> dict[str, str]:
    """SHA-256 by file name."""
    found = {}
    for path in directory.iterdir():
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


class _Plain:
    def __init__(self, base: str) -> None:
        self._base = base

    async def link(self, file_id: int, *, fresh: bool) -> str:
        return f"{self._base}/{file_id}"


async def _ours(base: str, top: Path, files: int, size: int) -> float:
    """Deliver; return the seconds that it took."""
    request = DeliveryRequest(
        info_hash=HASH,
        save_path=top / "tv",
        content_name="files",
        files=tuple(
            RequestedFile(
                file_id=number, remote_name=str(number), size=size,
                path=f"files/{number}",
            )
            for number in range(files)
        ),
    )  # fmt: skip
    async with make_session("bench/1") as session:
        delivery = DownloadDelivery(
            incomplete=top / ".incomplete",
            session=session,
            settings=FetchSettings(min_free_bytes=0),
        )
        began = time.monotonic()
        await delivery.deliver(request, _Plain(base), Progress())
        return time.monotonic() - began


def run_ours(base: str, top: Path, case: Case) -> tuple[Path, float | None]:
    """Deliver in a process of its own, with the default settings."""
    command = [sys.executable, "-m", "tests.bench.fetch", "--deliver", base, str(top)]
    command += [str(case.files), str(case.size)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return top / "tv" / "files", float(said.splitlines()[-1])


def run_aria2(base: str, top: Path, case: Case) -> tuple[Path, float | None]:
    """Fetch with aria2c: four files at once, eight connections for each."""
    links = "\n".join(f"{base}/{number}" for number in range(case.files))
    command = [find("aria2c"), "--no-conf", "--quiet", "--input-file=-", f"--dir={top}/files"]
    command += ["--max-concurrent-downloads=4", "--split=8", "--max-connection-per-server=8"]
    command += ["--min-split-size=8M", "--file-allocation=falloc"]
    subprocess.run(command, input=links.encode(), check=True)
    return top / "files", None


def compare(top: Path, base: str, root: Path, case: Case, runs: int) -> None:
    """Let both fetch in turns; print the medians."""
    truth = digests(root)
    rows: dict[str, list[Taken]] = {"torbox-bridge": [], "aria2c": []}
    for number in range(runs):
        for name, work in (("torbox-bridge", run_ours), ("aria2c", run_aria2)):
            target = top / f"{name}-{number}"
            target.mkdir()
            os.sync()
            where, taken = measured(work, base, target, case)
            assert digests(where) == truth, f"{name} fetched other bytes"
            rows[name].append(taken)
            shutil.rmtree(target)
    for name, runs_taken in rows.items():
        say(row(case, name, runs_taken))


def row(case: Case, name: str, runs: Sequence[Taken]) -> str:
    """Write one line of the table."""
    seconds = median(taken.seconds for taken in runs)
    cells = (
        case.name,
        name,
        f"{seconds:.2f}",
        f"{case.files * case.size / MIB / seconds:.0f}",
        f"{median(taken.whole for taken in runs):.2f}",
        f"{median(taken.cpu_seconds for taken in runs):.2f}",
        f"{max(taken.rss_mib for taken in runs):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def measured(
    work: Callable[[str, Path, Case], tuple[Path, float | None]],
    base: str,
    target: Path,
    case: Case,
) -> tuple[Path, Taken]:
    """Run a program below a child of its own, so that the kernel's figures are of it alone."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        began = time.monotonic()
        where, seconds = work(base, target, case)
        whole = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        figures = (whole if seconds is None else seconds, whole, cpu, memory)
        os.write(writer, "\n".join((str(where), *map(str, figures))).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        where_text, *figures_text = answer.read().split("\n")
    os.waitpid(child, 0)
    return Path(where_text), Taken(*map(float, figures_text))


async def _bench(cases: Sequence[Case], runs: int, directory: Path) -> None:
    say("| files | program | seconds | MiB/s | with its start | CPU seconds | memory, MiB |")
    say("| --- | --- | --- | --- | --- | --- | --- |")
    for number, case in enumerate(cases):
        top = directory / str(number)
        top.mkdir()
        make_files(top / "served", case)
        limit = f"limit_rate {case.rate};" if case.rate else ""
        async with Nginx(top / "served", top / "nginx", extra=limit) as nginx:
            compare(top, nginx.url, top / "served", case, runs)
        shutil.rmtree(top)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Fetch side by side with aria2c.")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--big", type=int, default=1024, help="MiB of the big file")
    parser.add_argument("--small", type=int, default=200, help="number of files of 2 MiB")
    parser.add_argument("--rate", type=int, default=30_000_000, help="bytes/s of a connection")
    parser.add_argument("--only", help="run only the cases with this in their names")
    parser.add_argument("--directory", type=Path, help="on the disk to be measured")
    parser.add_argument("--deliver", nargs=4, metavar=("URL", "DIRECTORY", "FILES", "SIZE"))
    given = parser.parse_args()
    if given.deliver:
        base, top, files, size = given.deliver
        say(str(asyncio.run(_ours(base, Path(top), int(files), int(size)))))
        return
    cases = (
        Case(f"1 x {given.big} MiB", 1, given.big * MIB),
        Case(f"4 x {given.big // 4} MiB", 4, given.big // 4 * MIB),
        Case(f"{given.small} x 2 MiB", given.small, 2 * MIB),
        Case(f"1 x {given.big} MiB, limited", 1, given.big * MIB, given.rate),
    )
    chosen = [case for case in cases if not given.only or given.only in case.name]
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        asyncio.run(_bench(chosen, given.runs, Path(directory)))


if __name__ == "__main__":
    _main()
