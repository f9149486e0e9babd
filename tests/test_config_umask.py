"""UMASK as it is written in compose files."""

import os

import pytest

from bridge.config import ConfigError, read_umask
from bridge.doctor.check_directories import current_umask


@pytest.mark.parametrize(
    ("text", "mask"),
    [("002", 0o002), ("022", 0o022), ("0077", 0o077), ("2", 2), (" 000 ", 0), ("", None)],
)
def test_octal(text: str, mask: int | None) -> None:
    """Digits are octal with or without zeros in front; empty is not given."""
    assert read_umask({"UMASK": text}) == mask


def test_not_given() -> None:
    """Without the variable the process keeps the umask it has."""
    assert read_umask({}) is None


@pytest.mark.parametrize("text", ["8", "0o22", "-2", "022x", "rwx", "777", "0700", "100"])
def test_refused(text: str) -> None:
    """What is no mask, or locks the bridge out of its own files, is refused by name."""
    with pytest.raises(ConfigError, match="UMASK"):
        read_umask({"UMASK": text})


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_umask_that_holds(mask: int) -> None:
    """The process's own is told, and stays as it is."""
    before = os.umask(mask)
    try:
        assert current_umask() == mask
    finally:
        assert os.umask(before) == mask
