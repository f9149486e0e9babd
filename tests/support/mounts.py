"""Real file systems for tests: tmpfs, and images behind a loop device. Root only; else a skip."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

MIB = 1024 * 1024


def _mount(*arguments: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")


@contextmanager
def tmpfs(directory: Path, *, mib: int = 64, options: str = "") -> Iterator[Path]:
    """Mount an empty tmpfs; the directory is created. `options` are of mount(8)."""
    directory.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", options or f"size={mib}m", "tmpfs", str(directory))
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


@contextmanager
def bound(source: Path, directory: Path) -> Iterator[Path]:
    """Show a directory, with what is mounted there, at another place as well."""
    directory.mkdir(parents=True, exist_ok=True)
    _mount("--bind", str(source), str(directory))
    try:
        yield directory
    finally:
        unmount(directory)


def unmount(directory: Path) -> None:
    """Unmount a file system, even one that is in use."""
    subprocess.run(["umount", "-l", str(directory)], check=True)


@contextmanager
def loop(directory: Path, kind: str, *, mib: int = 64, options: str = "") -> Iterator[Path]:
    """Make a file system of this kind (`ext3`, `ext4`, ...) in a file, and mount it."""
    program = shutil.which(f"mkfs.{kind}")
    if program is None:
        pytest.skip(f"there is no mkfs.{kind} here")
    directory.mkdir(parents=True, exist_ok=True)
    image = directory.with_name(f"{directory.name}.image")
    with image.open("wb") as file:
        file.truncate(mib * MIB)
    flags = ["-Q", "-F"] if kind == "ntfs" else []
    subprocess.run([program, *flags, "-q", str(image)], check=True, capture_output=True)
    driver = "ntfs-3g" if kind == "ntfs" else kind
    _mount(
        "-t", driver, "-o", ",".join(filter(None, ("loop", options))), str(image), str(directory)
    )
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(directory: Path) -> Path:
    """Write a file that takes all the room of a file system; return its path."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return filler


def remount(directory: Path, options: str) -> None:
    """Change the options of a mounted file system."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(directory)], check=True)
