"""Build the image with Buildah and run it for real. Needs root, buildah, debootstrap, unshare.

    python -m tests.container.try_image [--base IMAGE]

Prints one line for each promise that holds, and exits with 1 at the first that does not.
Leaves nothing behind: the base, the store and the volumes are in one temporary directory.
"""

import argparse
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from tests.container.sandbox import Buildah, Container, Image, Start

TREE = Path(__file__).parents[2]
STRANGER = "12345:12345"
USER, GROUP = 4321, 4322
HASH = "a" * 40
NAME = "Some.Film.2024.1080p-GRP"
SIZE = 24_000_000
SCENARIO = {
    "contents": [{
        "hash": HASH,
        "name": NAME,
        "cached": True,
        "files": [{"path": f"{NAME}.mkv", "size": SIZE}],
    }],
    # Slow enough that the bridge is killed in the middle of the file.
    "cdn": {"bytes_per_second": 1_500_000},
}  # fmt: skip
STOP_SECONDS = 10.0


class Trial:
    """An image, a simulated TorBox, and a directory for volumes and logs."""

    def __init__(self, image: Image, directory: Path) -> None:
        self._image = image
        self._directory = directory
        self._torbox: dict[str, str] = {}

    def run(self) -> None:
        """Check every promise."""
        self.demo()
        self.commands()
        simulator = self.simulator()
        try:
            self.puid()
            self.life_and_death()
            self.refusals()
        finally:
            simulator.kill(signal.SIGTERM)

    def demo(self) -> None:
        """The demo runs for a user that the image does not know, without any privilege."""
        log = self._log("demo")
        start = Start(command=("demo",), user=STRANGER, capabilities=())
        status = self._image.run(start, log, seconds=120)
        expect(status == 0, f"demo as {STRANGER}, read-only, no capabilities", log)

    def commands(self) -> None:
        """`--help` and a wrong setting say what to do, with the right exit status."""
        log = self._log("help")
        expect(self._image.run(Start(command=("--help",)), log) == 0, "--help", log)
        log = self._log("wrong-setting")
        wrong = {"BRIDGE_SERVER__PORT": "http"}
        status = self._image.run(Start(user=STRANGER, environment=wrong), log)
        named = "BRIDGE_SERVER__PORT" in text_of(log)
        expect(status == 2 and named, "a wrong setting: exit status 2", log)

    def simulator(self) -> Container:
        """Start a simulated TorBox from the same image."""
        scenario = self._volume("scenario", owner=0) / "scenario.json"
        scenario.write_text(json.dumps(SCENARIO), encoding="utf-8")
        start = Start(
            command=("simulator", "--port", "0", "--scenario", "/config/scenario.json"),
            user=STRANGER, volumes={scenario.parent: "/config"},
        )  # fmt: skip
        container = self._image.start(start, self._log("simulator"))
        found = container.wait_for(r"listens on (\S+), API key (\S+)")
        self._torbox = {"BRIDGE_TORBOX__BASE_URL": found[1], "TORBOX_API_KEY": found[2]}
        return container

    def puid(self) -> None:
        """Root with PUID, PGID and UMASK: owns the volumes, then runs and writes as that user."""
        config, downloads = self._volume("config", owner=0), self._volume("downloads", owner=0)
        (config / "old").mkdir(mode=0o700)
        os.chown(config / "old", 0, 5000)
        environment = {
            **self._port(), "PUID": str(USER), "PGID": str(GROUP), "UMASK": "002",
            "BRIDGE_SERVER__PASSWORD": "a-made-up-password", "BRIDGE_LOG__FORMAT": "console",
            "TZ": "Asia/Tokyo", "BRIDGE_PATHS__DOWNLOADS": "/downloads/torrents",
        }  # fmt: skip
        start = Start(
            environment=environment,
            volumes={config: "/config", downloads: "/downloads"},
            capabilities=("CHOWN", "DAC_READ_SEARCH", "SETGID", "SETUID"),
        )
        container = self._image.start(start, self._log("puid"))
        container.wait_for("listening")
        expect(container.user == f"{USER}:{GROUP}", "PUID and PGID: the bridge runs as them")
        found = {(p.stat().st_uid, p.stat().st_gid) for p in (config, *config.iterdir())}
        expect(found == {(USER, GROUP)}, "/config and what lies in it belongs to PUID:PGID")
        expect("+0900" in text_of(container.log), "console logs are in the time zone of TZ")
        client = Client(environment)
        client.add()
        client.wait_until_complete()
        film = next(downloads.rglob("*.mkv"))
        told = film.stat()
        expect((told.st_uid, told.st_gid) == (USER, GROUP), "a delivered file belongs to them")
        expect(stat.S_IMODE(told.st_mode) == 0o664, "UMASK=002: the group may write to it")
        expect(film.stat().st_size == SIZE, "the file is whole")
        check = container.exec("torbox-bridge", "check")
        expect("owner 4321:4322" in check.stdout, f"exec check runs as PUID:PGID\n{check.stdout}")
        expect((downloads / "torrents").is_dir(), "a missing download directory is made for them")
        left = {p.stat().st_uid for p in (*config.rglob("*"), *downloads.rglob("*"))}
        expect(left == {USER}, "exec leaves no file of root behind")
        self._stops(container)

    def life_and_death(self) -> None:
        """Killed in the middle of a file and started again on one volume, the bridge goes on."""
        config = self._volume("config-2", owner=12345)
        downloads = self._volume("downloads-2", owner=12345)
        environment = {**self._port(), "BRIDGE_SERVER__PASSWORD": "a-made-up-password"}
        start = Start(
            user=STRANGER, environment=environment, capabilities=(),
            volumes={config: "/config", downloads: "/downloads"},
        )  # fmt: skip
        first = self._image.start(start, self._log("before-kill"))
        first.wait_for("listening")
        expect(health(environment), "healthy as a user that the image does not know, read-only")
        expect(first.exec("torbox-bridge", "health").returncode == 0, "health command")
        client = Client(environment)
        client.add()
        client.wait_until(lambda told: told["progress"] > 0.2)
        first.kill(signal.SIGKILL)
        expect(
            not list(downloads.rglob(f"{NAME}.mkv")) or not complete(downloads), "killed half-way"
        )
        second = self._image.start(start, self._log("after-kill"))
        second.wait_for("listening")
        client = Client(environment)
        client.wait_until_complete()
        expect(complete(downloads), "kill -9 and restart on one volume: the file is whole")
        self._stops(second)

    def refusals(self) -> None:
        """What cannot work is said in one sentence, with exit status 2."""
        log = self._log("puid-name")
        status = self._image.run(Start(environment={"PUID": "media"}), log)
        expect(status == 2 and "PUID must be the number" in text_of(log), "PUID=media", log)
        log = self._log("no-capabilities")
        status = self._image.run(Start(capabilities=()), log)
        expect(
            status == 2 and "cannot change to user 1000" in text_of(log), "root without caps", log
        )

    def _stops(self, container: Container) -> None:
        seconds = container.kill(signal.SIGTERM)
        status = container.process.returncode
        said = f"SIGTERM: stopped after {seconds:.1f} s, exit status {status}"
        expect(seconds < STOP_SECONDS and status == 0, said, container.log)

    def _port(self) -> dict[str, str]:
        """Settings with the simulated TorBox and a free port."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = str(found.getsockname()[1])
        return {**self._torbox, "BRIDGE_SERVER__PORT": port}

    def _volume(self, name: str, *, owner: int) -> Path:
        made = self._directory / name
        made.mkdir()
        os.chown(made, owner, owner)
        return made

    def _log(self, name: str) -> Path:
        return self._directory / f"{name}.log"


class Client:
    """As much of a qBittorrent client as the trial needs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._base = f"http://127.0.0.1:{environment['BRIDGE_SERVER__PORT']}/api/v2"
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        login = {"username": "admin", "password": environment["BRIDGE_SERVER__PASSWORD"]}
        expect(self._post("auth/login", login) == "Ok.", "login")

    def add(self) -> None:
        """Add the release."""
        magnet = f"magnet:?xt=urn:btih:{HASH}&dn={NAME}"
        expect(self._post("torrents/add", {"urls": magnet, "category": "radarr"}) == "Ok.", "add")

    def wait_until_complete(self) -> None:
        """Wait until the release is complete."""
        self.wait_until(lambda told: told["state"] == "pausedUP")

    def wait_until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 60) -> None:
        """Wait until something holds of the release."""
        deadline = time.monotonic() + seconds
        while True:
            with self._opener.open(f"{self._base}/torrents/info", timeout=10) as answer:
                told = json.load(answer)
            if told and holds(told[0]):
                return
            if time.monotonic() > deadline:
                fail(f"not within {seconds} s: {told}")
            time.sleep(0.1)

    def _post(self, path: str, form: Mapping[str, str]) -> str:
        body = urllib.parse.urlencode(form).encode()
        with self._opener.open(f"{self._base}/{path}", body, timeout=10) as answer:
            return str(answer.read().decode())


def health(environment: Mapping[str, str]) -> bool:
    """Return whether /healthz answers 200."""
    url = f"http://127.0.0.1:{environment['BRIDGE_SERVER__PORT']}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


def complete(downloads: Path) -> bool:
    """Return whether the film is there in its full size, under its category."""
    return [p.stat().st_size for p in (downloads / "radarr").rglob("*.mkv")] == [SIZE]


def expect(holds: bool, words: str, log: Path | None = None) -> None:
    """Print that a promise holds, or leave with what the log says."""
    if not holds:
        fail(words if log is None else f"{words}\n{text_of(log)}")
    say(f"ok  {words.splitlines()[0]}")


def say(words: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def fail(words: str) -> None:
    """Leave with a message."""
    sys.exit(f"FAILED  {words}")


def text_of(log: Path) -> str:
    """Read a log."""
    return log.read_text(encoding="utf-8", errors="replace")


def main() -> None:
    """Build, then try."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", help="an image with python3 (default: one made by debootstrap)")
    base = parser.parse_args().base
    with tempfile.TemporaryDirectory(prefix="torbox-bridge-image-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        began = time.monotonic()
        buildah = Buildah(directory)
        try:
            buildah.build(TREE, base or buildah.make_base())
        except subprocess.CalledProcessError as error:
            fail(f"{error.cmd[0]} ended with {error.returncode}")
        say(f"ok  built in {time.monotonic() - began:.0f} s")
        with buildah.image() as image:
            Trial(image, directory).run()


if __name__ == "__main__":
    main()
