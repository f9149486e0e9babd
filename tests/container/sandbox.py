"""Runs an image that Buildah has built, as a container engine would, where there is no engine.

Own mount and PID namespaces, so the command is PID 1; its user, capabilities, `no_new_privs` and
read-only root are those of `docker run`. The network is the host's: load only loopback.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOCAL_IMAGE = "localhost/torbox-bridge"
LOCAL_BASE = "localhost/python-base"
PACKAGES = "python3,python3-venv,ca-certificates"
CERTIFICATES = Path("/etc/ssl/certs")


class Buildah:
    """Buildah with a store of its own, below one directory that can be thrown away."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._options = [f"--root={directory}/store", f"--runroot={directory}/run"]
        self._environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        """Run one Buildah command; return what it printed.

        Raises:
            subprocess.CalledProcessError: it failed; its messages are on stderr.
        """
        command = ["buildah", *self._options, *arguments]
        done = subprocess.run(
            command, cwd=cwd, env=self._environment, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout.strip()

    def make_base(self) -> str:
        """Make a base image with Python from Debian's packages, without any registry."""
        tree = self._directory / "base"
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie"]
        subprocess.run([*command, str(tree)], check=True, stdout=subprocess.DEVNULL)
        container = self.run("from", "scratch")
        self.run("copy", "--quiet", container, str(tree), "/")
        self.run("commit", "--quiet", container, LOCAL_BASE)
        self.run("rm", container)
        shutil.rmtree(tree)
        return LOCAL_BASE

    def build(self, tree: Path, base: str) -> None:
        """Build the Dockerfile of the tree on a base image."""
        options = ["--quiet", "--format=docker", f"--build-arg=PYTHON_IMAGE={base}"]
        if CERTIFICATES.is_dir():
            # A proxy between here and PyPI may have a certificate that only this machine knows.
            options.append(f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
        self.run("bud", *options, f"--tag={LOCAL_IMAGE}", ".", cwd=tree)

    @contextlib.contextmanager
    def image(self) -> Iterator["Image"]:
        """Mount the built image for as long as the `with` lasts."""
        container = self.run("from", LOCAL_IMAGE)
        try:
            root = Path(self.run("mount", container))
            told = json.loads(self.run("inspect", "--type=image", LOCAL_IMAGE))
            yield Image(root, told["Docker"]["config"])
        finally:
            self.run("umount", container)
            self.run("rm", container)


@dataclass(frozen=True, slots=True)
class Start:
    """How a container is started: the options of `docker run`."""

    command: Sequence[str] = ("run",)
    user: str = ""
    """As `--user`: `uid:gid`. Empty: the image's, which is root."""
    environment: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[Path, str] = field(default_factory=dict)
    capabilities: Sequence[str] | None = None
    """As `--cap-drop ALL` with these `--cap-add`. None: all that root has here."""
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Image:
    """A mounted image and its configuration."""

    root: Path
    config: Mapping[str, Any]

    def start(self, start: Start, log: Path) -> "Container":
        """Start a container; what it prints goes to `log`."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*["unshare", "--mount", "--pid", "--fork", "--kill-child"], "sh", "-euc", self._script(start)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env={},
            )  # fmt: skip
        return Container(process, log, self, start)

    def run(self, start: Start, log: Path, seconds: float = 60) -> int:
        """Run a container to its end; return its exit status."""
        container = self.start(start, log)
        return container.process.wait(seconds)

    def _script(self, start: Start) -> str:
        root = shlex.quote(str(self.root))
        lines = [f"mount --bind {root} {root}"]
        if start.read_only:
            lines.append(f"mount -o remount,bind,ro {root}")
        lines += [
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp",
        ]
        for outside, inside in start.volumes.items():
            lines.append(f"mount --bind {shlex.quote(str(outside))} {root}{shlex.quote(inside)}")
        inside_script = (
            f"cd {self.config['WorkingDir']}; exec {self.privileges(start)} {self._command(start)}"
        )
        lines.append(f"exec chroot {root} /bin/sh -euc {shlex.quote(inside_script)}")
        return "\n".join(lines)

    def privileges(self, start: Start) -> str:
        """Return the command that changes to the user and drops what the engine would drop."""
        user, _, group = (start.user or self.config.get("User") or "0:0").partition(":")
        options = ["setpriv", f"--reuid={user}", f"--regid={group or user}", "--clear-groups"]
        if start.capabilities is not None:
            kept = ",".join(["-all", *(f"+{name.lower()}" for name in start.capabilities)])
            options += [f"--bounding-set={kept}", "--inh-caps=-all", "--no-new-privs"]
        return shlex.join(options)

    def _command(self, start: Start) -> str:
        environment = [*self.config["Env"], *(f"{k}={v}" for k, v in start.environment.items())]
        return shlex.join(["env", "-i", *environment, *self.config["Entrypoint"], *start.command])


@dataclass(frozen=True, slots=True)
class Container:
    """A started container."""

    process: subprocess.Popen[bytes]
    log: Path
    image: Image
    start: Start

    @property
    def pid(self) -> int:
        """The main process, by its number on the host; 0 once it has ended."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with contextlib.suppress(OSError):
            return int(children.read_text(encoding="ascii").split()[0])
        return 0

    @property
    def user(self) -> str:
        """Return `uid:gid` that the main process runs as."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        found = re.findall(r"^[UG]id:\t(\d+)", status, re.MULTILINE)
        return ":".join(found)

    def wait_for(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """Wait until the log holds the pattern.

        Raises:
            AssertionError: it did not come in time, or the container has ended before.
        """
        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            text = self.log.read_text(encoding="utf-8", errors="replace")
            if found := re.search(pattern, text):
                return found
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} in {self.log}:\n{text}")
            time.sleep(0.05)

    def exec(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as `docker exec` does: as the user it was started with."""
        environment = [*self.image.config["Env"]]
        environment += [f"{name}={value}" for name, value in self.start.environment.items()]
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--pid", "--root", "--wdns=/"]
        privileges = shlex.split(self.image.privileges(self.start))
        return subprocess.run(
            [*enter, *privileges, "env", "-i", *environment, *command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def kill(self, number: signal.Signals) -> float:
        """Send a signal to the main process; return the seconds until it had ended."""
        began = time.monotonic()
        os.kill(self.pid, number)
        self.process.wait(30)
        return time.monotonic() - began
