"""Directories that cannot be used are told with what mends them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.delivery.disk.directory_checks import check_directories
from tests.support.delivery import below

SHM = Path("/dev/shm")
ROOT = os.geteuid() == 0


@pytest.fixture(name="elsewhere")
def _elsewhere() -> Iterator[Path]:
    path = SHM / f"torbox-bridge-test-{os.getpid()}"
    path.mkdir()
    yield path
    path.rmdir()


def test_good_directories(tmp_path: Path) -> None:
    """Nothing is said of what works, and nothing is left there but the incomplete directory."""
    assert check_directories(tmp_path, tmp_path / ".incomplete") == []
    assert below(tmp_path) == {".incomplete"}
    assert check_directories(tmp_path, tmp_path / ".incomplete") == []


def test_missing_downloads(tmp_path: Path) -> None:
    """A missing volume is not made up for by a new directory."""
    missing = tmp_path / "my downloads"
    [problem] = check_directories(missing, missing / ".incomplete")
    assert "does not exist" in str(problem)
    assert f"mkdir -p '{missing}' && chown {os.geteuid()}:{os.getegid()}" in problem.fix
    assert below(tmp_path) == set()


def test_downloads_is_a_file(tmp_path: Path) -> None:
    """A file in place of the directory is told."""
    (tmp_path / "downloads").write_text("x")
    [problem] = check_directories(tmp_path / "downloads", tmp_path / ".incomplete")
    assert "is not a directory" in str(problem)


def test_incomplete_is_a_file(tmp_path: Path) -> None:
    """A file in place of the incomplete directory is told, and stays."""
    (tmp_path / ".incomplete").write_text("x")
    [problem] = check_directories(tmp_path, tmp_path / ".incomplete")
    assert problem.path == tmp_path / ".incomplete"
    assert (tmp_path / ".incomplete").read_text() == "x"


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_not_writable(tmp_path: Path) -> None:
    """Missing rights are told with the command that gives them."""
    tmp_path.chmod(0o555)
    try:
        [problem] = check_directories(tmp_path, tmp_path / ".incomplete")
    finally:
        tmp_path.chmod(0o755)
    assert f"chown {os.geteuid()}:{os.getegid()} {tmp_path}" in problem.fix


@pytest.mark.skipif(not SHM.is_dir(), reason="needs a second file system")
def test_two_file_systems(tmp_path: Path, elsewhere: Path) -> None:
    """Directories between which nothing can be renamed are told, with a setting that works."""
    if elsewhere.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system")
    [problem] = check_directories(tmp_path, elsewhere)
    assert "another file system" in problem.message
    assert str(tmp_path / ".incomplete") in problem.fix
    assert below(elsewhere) == set()
