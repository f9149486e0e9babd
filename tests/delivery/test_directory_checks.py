"""Directories that cannot be used are told with what mends them."""

import os
from pathlib import Path

import pytest

from bridge.delivery.disk.directory_checks import check_directories, check_directory
from bridge.delivery.disk.safe_paths import ROOTS
from tests.support.delivery import below
from tests.support.mounts import tmpfs

ROOT = os.geteuid() == 0


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


def test_two_file_systems(tmp_path: Path) -> None:
    """Unfinished files may be on another file system than finished ones."""
    with tmpfs(tmp_path / "incomplete") as incomplete:
        assert check_directories(tmp_path, incomplete) == []
        assert below(incomplete) == set()


def test_a_link_below_a_root(tmp_path: Path) -> None:
    """A link in the download directory is not followed, and the message says what to do."""
    downloads = tmp_path / "downloads"
    (tmp_path / "disk2").mkdir()
    downloads.mkdir()
    (downloads / "tv").symlink_to(tmp_path / "disk2")
    ROOTS.add(downloads)
    [problem] = check_directory(downloads / "tv", make=True)
    assert "symbolic link" in problem.message
    assert str(tmp_path / "disk2") in problem.fix
    assert below(tmp_path / "disk2") == set()


def test_a_root_may_be_a_link(tmp_path: Path) -> None:
    """A link that the settings name is the user's own."""
    (tmp_path / "disk2").mkdir()
    (tmp_path / "downloads").symlink_to(tmp_path / "disk2")
    ROOTS.add(tmp_path / "downloads")
    assert check_directories(tmp_path / "downloads", tmp_path / "downloads" / ".incomplete") == []
    assert below(tmp_path / "disk2") == {".incomplete"}
