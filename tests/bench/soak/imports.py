"""How an *arr takes the files of a download, and whether they are what they should be."""

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from bridge.simulator import Content
from tests.bench.soak.wishes import Manner

LONGEST_PAUSE = 0.3
"""Seconds between two files of an import, at most."""


def wrong(content: Content, path: Path) -> Iterator[str]:
    """Tell what lies at a path instead of the content, byte for byte."""
    for file in content.files:
        place = path if path.is_file() else path / file.path
        if not place.is_file():
            yield f"{file.path} is missing"
        elif place.read_bytes() != content.read(file, 0, file.size):
            yield f"{file.path} has other bytes"


async def take(
    content: Content, path: Path, library: Path, manner: Manner, dice: random.Random
) -> None:
    """Import file by file, with pauses in which much may happen."""
    for file in content.files:
        source = path if path.is_file() else path / file.path
        target = library / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        match manner:
            case Manner.MOVE:
                source.rename(target)
            case Manner.LINK:
                os.link(source, target)
            case Manner.COPY:
                shutil.copyfile(source, target)
        await asyncio.sleep(dice.uniform(0.0, LONGEST_PAUSE))
