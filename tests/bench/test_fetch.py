"""The benchmark runs."""

import subprocess
import sys
from pathlib import Path

from tests.support.peers import find

ROOT = Path(__file__).parents[2]


def test_prints_a_table() -> None:
    """With small files it takes a moment, compares every byte, and prints a row for each program."""
    find("nginx")
    find("aria2c")
    command = [sys.executable, "-m", "tests.bench.fetch", "--runs=1", "--big=4", "--small=2"]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split(" | ")[:2] for line in said.splitlines() if line.startswith("| ")][2:]
    assert [row[1] for row in rows] == ["torbox-bridge", "aria2c"] * 4
