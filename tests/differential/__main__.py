"""Compares by hand: `python -m tests.differential`; with `page`, writes the page of the table."""

import asyncio
import sys
import tempfile
from pathlib import Path

import structlog

from tests.differential.page import PAGE, page
from tests.differential.run import play_both


def main() -> int:
    """Say what differs, or write the page."""
    if sys.argv[1:] == ["page"]:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as root:
        outcome = asyncio.run(play_both(Path(root)))
    lines = [
        *(f"unexpected: {value}" for value in outcome.verdict.surprises),
        *(f"no longer needed: {row}" for row in outcome.verdict.idle),
        str(outcome),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if len(lines) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
