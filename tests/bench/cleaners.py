"""Runs real cleaners against the bridge, and counts the healthy downloads that they remove.

    .venv/bin/python -m tests.bench.cleaners [--tools DIR] [--seconds 30]

The tools are installed by pip, each into a virtual environment of its own below `--tools`. Healthy
downloads of three kinds are there: slow at TorBox, waiting for their turn, and being fetched. Then
each tool runs again and again, in both profiles, while TorBox works and while it is down. Their
limits are far below their defaults, because a run lasts seconds and not hours.

autoremove-torrents  strategies for idle, slow and stalled downloads
qbit_manage          `rem_orphaned` with `min_file_age_minutes: 0` on the download directory
queue cleaner        the rules of Cleanuparr's queue cleaner, told here again: 3 strikes each for
                     metadata, stalled, slow speed and slow time
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bridge.core.model import Phase
from bridge.simulator import Behaviour, Content, ContentFile, Scenario, magnet_of, make_torrent
from bridge.simulator.faults import Html
from tests.support.rig import PASSWORD, USERNAME, Rig, cached

TOOLS = {"autoremove-torrents": "autoremove-torrents", "qbit_manage": "qbit_manage"}
PROFILES = ("4.6", "5.1")
LOOK_SECONDS = 2.0
STRIKES = 3
SLOW_TIME_SECONDS = 3600.0
"""A download that is told to take longer is struck."""
MIB = 1 << 20


@dataclass(slots=True)
class Count:
    """What happened in one run."""

    tool: str
    profile: str
    outage: bool
    looks: int = 0
    removed: int = 0
    moved: int = 0
    failed: int = 0
    """Runs of the tool that ended with an error."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bridge with healthy downloads, and where the tool is."""

    rig: Rig
    tools: Path
    work: Path
    strikes: Counter[tuple[str, str]] = field(default_factory=Counter)


Look = Callable[[Place], Awaitable[int]]


def install(tools: Path) -> None:
    """Install what is not installed yet. Blocks for minutes."""
    for name, package in TOOLS.items():
        home = tools / name
        if (home / "installed").exists():
            continue
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", package], check=True)
        (home / "installed").touch()


async def run(place: Place, *command: str | Path) -> int:
    """Run a tool to its end; return its exit code."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=place.work,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait() or 1


async def autoremove(place: Place) -> int:
    """Remove what was idle for 20 seconds, or is slow, or stalled."""
    strategies = {
        "idle": {"all_trackers": True, "all_categories": True, "last_activity": 20},
        "stalled": {
            "all_trackers": True, "all_categories": True, "status": ["StalledDownload"],
            "create_time": 5,
        },
        "slow": {
            "all_trackers": True, "all_categories": True, "status": ["Downloading"],
            "max_downloadspeed": 0,
        },
    }  # fmt: skip
    login = {
        "client": "qbittorrent", "host": place.rig.url, "username": USERNAME,
        "password": PASSWORD, "strategies": strategies, "delete_data": True,
    }  # fmt: skip
    config = place.work / "autoremove.yml"
    config.write_text(yaml.safe_dump({"bridge": login}))
    tool = place.tools / "autoremove-torrents" / "bin" / "autoremove-torrents"
    return await run(place, tool, "--conf", config, "--log", place.work)


async def qbit_manage(place: Place) -> int:
    """Move what belongs to no download out of the download directory."""
    config = place.work / "qbit_manage.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "commands": {"rem_orphaned": True, "dry_run": False},
                "qbt": {"host": place.rig.url, "user": USERNAME, "pass": PASSWORD},
                "settings": {"force_auto_tmm": False},
                "directory": {
                    "root_dir": str(place.rig.downloads),
                    "orphaned_dir": str(place.work / "orphans"),
                },
                "cat": {"tv-sonarr": str(place.rig.downloads / "tv-sonarr")},
                "tracker": {"other": {"tag": "other"}},
                "orphaned": {
                    "exclude_patterns": ["**/.incomplete/**"],
                    "min_file_age_minutes": 0,
                    "max_orphaned_files_to_delete": -1,
                },
            }
        )
    )
    tool = place.tools / "qbit_manage" / "bin" / "qbit-manage"
    return await run(
        place, tool, "--run", "--config-file", config, "--rem-orphaned", "--web-server=false"
    )


async def queue_cleaner(place: Place) -> int:
    """Strike by Cleanuparr's rules; three strikes in a row remove the download."""
    _, text = await place.rig.get("/api/v2/torrents/info")
    struck: set[tuple[str, str]] = set()
    for torrent in json.loads(text):
        struck |= {(torrent["hash"], rule) for rule in rules_broken(torrent)}
    for key in list(place.strikes):
        if key not in struck:
            del place.strikes[key]
    place.strikes.update(struck)
    for (info_hash, _rule), count in tuple(place.strikes.items()):
        if count >= STRIKES:
            await place.rig.post("/api/v2/torrents/delete", hashes=info_hash, deleteFiles="true")
    return 0


def rules_broken(torrent: dict[str, Any]) -> list[str]:
    """Return the rules by which a torrent is struck."""
    loads = torrent["state"] in {"downloading", "forcedDL"}
    broken = {
        "metadata": torrent["state"] in {"metaDL", "forcedMetaDL"},
        "stalled": torrent["state"] == "stalledDL",
        "slow speed": loads and torrent["dlspeed"] < 1,
        "slow time": loads and torrent["eta"] > SLOW_TIME_SECONDS,
    }
    return [rule for rule, applies in broken.items() if applies]


LOOKS: dict[str, Look] = {
    "queue cleaner": queue_cleaner,
    "autoremove-torrents": autoremove,
    "qbit_manage": qbit_manage,
}


def slow() -> Behaviour:
    """A TorBox that needs ten minutes for what it does not have."""
    return Behaviour(
        download_bytes_per_second=2e6, metadata_seconds=0.1, store_seconds=0.1,
        promotion_gap_seconds=0,
    )  # fmt: skip


def film(name: str, mib: int, *, is_cached: bool) -> Content:
    """Make a film."""
    made = make_torrent(name, [ContentFile(f"{name}.mkv", mib * MIB)])
    return cached(made, is_cached=is_cached)


async def fill(rig: Rig) -> list[Content]:
    """Add healthy downloads, and wait until each is where it is to stay."""
    films = [film(f"Slow.{number}", 2000, is_cached=False) for number in range(2)]
    films += [film(f"Fetched.{number}", 200, is_cached=True) for number in range(6)]
    await rig.post("/api/v2/transfer/setDownloadLimit", limit=str(MIB))
    for one in films:
        rig.sim.register(one)
        await rig.post("/api/v2/torrents/add", urls=magnet_of(one), category="tv-sonarr")
    for one in films[:2]:
        await rig.reaches(one.hash, Phase.REMOTE)
    await rig.until(lambda: any(rig.phase(one.hash) is Phase.DELIVERING for one in films[2:]))
    await asyncio.sleep(3)
    return films


def parts(rig: Rig) -> set[Path]:
    """List the files that are being fetched."""
    return {path for path in (rig.downloads / ".incomplete").rglob("*") if path.is_file()}


async def measure(tool: str, profile: str, tools: Path, *, outage: bool, seconds: float) -> Count:
    """Run one tool against one bridge for so many seconds."""
    count = Count(tool, profile, outage)
    top = Path(tempfile.mkdtemp(prefix="cleaners-"))
    (top / "work").mkdir()
    rig = Rig(top, Scenario(behaviour=slow()), BRIDGE_QBITTORRENT__PROFILE=profile)
    await rig.open()
    try:
        films = await fill(rig)
        before = parts(rig)
        if outage:
            rig.sim.faults.add("*", Html(status=502), times=None)
            await rig.until(lambda: rig.service.unreachable, within=60)
        place = Place(rig, tools, top / "work")
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            count.failed += await LOOKS[tool](place) != 0
            count.looks += 1
            await asyncio.sleep(LOOK_SECONDS)
        count.removed = sum(rig.entry(one.hash) is None for one in films)
        count.moved = len(before - parts(rig))
    finally:
        await rig.close()
        shutil.rmtree(top, ignore_errors=True)
    return count


async def measure_all(tools: Path, seconds: float) -> Sequence[Count]:
    """Run everything, one after the other, and print each as it ends."""
    counts = []
    for tool in LOOKS:
        for profile in PROFILES:
            for outage in (False, True):
                count = await measure(tool, profile, tools, outage=outage, seconds=seconds)
                counts.append(count)
                sys.stderr.write(
                    f"{tool:20} {profile} {'outage' if outage else 'normal':7}"
                    f" looks {count.looks:3} removed {count.removed} moved {count.moved}"
                    f" runs failed {count.failed}\n"
                )
    return counts


def main() -> int:
    """Print one line for each run; 1 when a healthy download was removed, or a part moved."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tools", type=Path, default=Path(tempfile.gettempdir()) / "cleaners")
    parser.add_argument("--seconds", type=float, default=30.0)
    args = parser.parse_args()
    args.tools.mkdir(parents=True, exist_ok=True)
    install(args.tools)
    counts = asyncio.run(measure_all(args.tools, args.seconds))
    return int(any(count.removed or count.moved or count.failed for count in counts))


if __name__ == "__main__":
    sys.exit(main())
