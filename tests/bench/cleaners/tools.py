"""One look of each cleaner: real programs, and rules told again. A look removes what it would."""

import asyncio
import json
import subprocess
import venv
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import yaml
from yarl import URL

from tests.bench.cleaners.place import CATEGORY, Place
from tests.bench.cleaners.rules import Strikes, cleanuparr_rules, decluttarr_rules
from tests.support.rig import PASSWORD, USERNAME

PACKAGES = {
    "autoremove-torrents": ("autoremove-torrents",),
    "qbit_manage": ("qbit_manage",),
    # qBitrr imports ujson and does not name it.
    "qBitrr": ("qBitrr2", "ujson"),
}
"""What pip installs for each tool."""
RUN_SECONDS = 240.0
"""The longest that one run of a tool may take."""
QBITRR_SECONDS = 25.0
"""qBitrr runs for ever; its first look comes some seconds after its start."""
AT_ONCE = 5
"""Seconds after which the tools may remove a download that was added."""

Look: TypeAlias = Callable[[Place], Awaitable[int]]
"""Looks once and returns 0, or the exit code of a tool that failed."""


def install(tools: Path) -> None:
    """Install what is not installed yet. Blocks for minutes."""
    for name, packages in PACKAGES.items():
        home = tools / name
        if (home / "installed").exists():
            continue
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([home / "bin" / "pip", "install", "-q", *packages], check=True)
        (home / "installed").touch()


async def _run(
    place: Place, *command: str | Path, seconds: float = RUN_SECONDS, **environ: str
) -> int | None:
    """Run a tool to its end; return its exit code. None: it was ended when its time was over."""
    with (place.work / "output").open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=place.work,
            env={"PATH": "/usr/bin:/bin", "HOME": str(place.work), **environ},
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(seconds):
            return await process.wait()
    except TimeoutError:
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        return None


async def autoremove(place: Place) -> int:
    """Remove what was idle for 20 seconds, or is slow, or stalled."""
    loading = {"all_trackers": True, "all_categories": True, "status": ["Downloading"]}
    strategies = {
        # The tool counts what is stalled as downloading, too.
        "idle": {**loading, "last_activity": 20},
        "slow": {**loading, "remove": "download_speed < 1"},
        "stalled": {**loading, "status": ["StalledDownload"], "create_time": AT_ONCE},
    }
    login = {
        "client": "qbittorrent", "host": place.rig.url, "username": USERNAME,
        "password": PASSWORD, "strategies": strategies, "delete_data": True,
    }  # fmt: skip
    config = place.work / "autoremove.yml"
    config.write_text(yaml.safe_dump({"bridge": login}))
    tool = place.tools / "autoremove-torrents" / "bin" / "autoremove-torrents"
    code = await _run(place, tool, "--conf", config, "--log", place.work)
    return 1 if code is None else code


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
                "cat": {CATEGORY: str(place.rig.downloads / CATEGORY)},
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
    code = await _run(
        place, tool, "--run", "--config-file", config, "--rem-orphaned", "--web-server=false"
    )
    return 1 if code is None else code


async def qbitrr(place: Place) -> int:
    """Remove what is stalled, unavailable, or takes longer than an hour. It needs no *arr for that."""
    url = URL(place.rig.url)
    config = place.work / "config.toml"
    config.write_text(
        f"""
[Settings]
ConfigVersion = "5.12.12"
ConsoleLevel = "TRACE"
Logging = false
CompletedDownloadFolder = "{place.rig.downloads}"
LoopSleepTimer = 2
IgnoreTorrentsYoungerThan = {AT_ONCE}
PingURLS = ["127.0.0.1"]
FFprobeAutoUpdate = false
AutoUpdateEnabled = false
[Settings.Torrent]
MaximumETA = 3600
[WebUI]
Host = "127.0.0.1"
Port = 0
[qBit]
Host = "{url.host}"
Port = {url.port}
UserName = "{USERNAME}"
Password = "{PASSWORD}"
ManagedCategories = ["{CATEGORY}"]
[qBit.CategorySeeding]
StalledDelay = -1
IgnoreTorrentsYoungerThan = {AT_ONCE}
"""
    )
    tool = place.tools / "qBitrr" / "bin" / "qbitrr"
    code = await _run(
        place, tool, seconds=QBITRR_SECONDS, QBITRR_OVERRIDES_DATA_PATH=str(place.work)
    )
    return 0 if code is None else code or 1


def cleanuparr() -> Look:
    """Strike by the rules of Cleanuparr's queue cleaner."""
    strikes = Strikes()

    async def look(place: Place) -> int:
        _, text = await place.rig.get("/api/v2/torrents/info")
        torrents = json.loads(text)
        struck = {(one["hash"], rule) for one in torrents for rule in cleanuparr_rules(one)}
        await _remove(place, strikes.add(struck))
        return 0

    return look


def decluttarr() -> Look:
    """Strike by the rules of decluttarr, which looks at the queue of an *arr."""
    strikes = Strikes()
    completed: dict[str, int] = {}
    looked_at: list[float] = []

    async def look(place: Place) -> int:
        now = asyncio.get_running_loop().time()
        seconds = now - looked_at[-1] if looked_at else 1.0
        looked_at.append(now)
        struck = set()
        async with place.rig.arr() as arr:
            queue = await arr.poll()
        for item in queue:
            info_hash = item.download_id.lower()
            _, text = await place.rig.get(f"/api/v2/torrents/info?hashes={info_hash}")
            (torrent,) = json.loads(text)
            before = completed.get(info_hash)
            completed[info_hash] = torrent["completed"]
            grown = None if before is None else torrent["completed"] - before
            rules = decluttarr_rules(item, seconds, grown)
            struck |= {(info_hash, rule) for rule in rules}
            with (place.work / "output").open("a") as output:
                output.write(
                    f"{torrent['name']} {rules} grown {grown} in {seconds:.1f} s: {item}\n"
                )
        await _remove(place, strikes.add(struck))
        return 0

    return look


async def _remove(place: Place, hashes: set[str]) -> None:
    if hashes:
        await place.rig.post("/api/v2/torrents/delete", hashes="|".join(hashes), deleteFiles="true")


LOOKS: dict[str, Callable[[], Look]] = {
    "Cleanuparr's rules": cleanuparr,
    "decluttarr's rules": decluttarr,
    "autoremove-torrents": lambda: autoremove,
    "qbit_manage": lambda: qbit_manage,
    "qBitrr": lambda: qbitrr,
}
"""By name, what makes a tool that has seen nothing yet."""
