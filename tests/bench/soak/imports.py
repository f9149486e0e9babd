"""How an *arr takes the files of a download, and whether they are what they should be.

`streams`: they are `.strm` files, with a URL of the bridge for each video.
"""

import asyncio
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from bridge.simulator import Content, ContentFile
from tests.bench.soak.wishes import Manner

LONGEST_PAUSE = 0.3
"""Seconds between two files of an import, at most."""
FOLDER_SHARE = 0.5


def wrong(content: Content, path: Path, *, streams: bool) -> Iterator[str]:
    """Return what lies at a path instead of the content, byte for byte."""
    for file in content.files:
        name = _named(file, streams=streams)
        place = path if path.is_file() else path / name
        if not place.is_file():
            yield f"{name} is missing"
        elif not (_plays(place) if streams else place.read_bytes() == _bytes(content, file)):
            yield f"{name} has other bytes"


def _bytes(content: Content, file: ContentFile) -> bytes:
    return content.read(file, 0, file.size)


def _plays(place: Path) -> bool:
    return place.read_text().startswith("http://bridge.invalid/")


def _named(file: ContentFile, *, streams: bool) -> str:
    return f"{file.path.rpartition('.')[0]}.strm" if streams else file.path


async def take(
    content: Content,
    path: Path,
    library: Path,
    manner: Manner,
    dice: random.Random,
    *,
    streams: bool,
) -> None:
    """Import file by file, with pauses in which much may happen.

    Who moves the files away may take the folder, too, as Sonarr does when nothing else is in it.
    """
    for file in content.files:
        name = _named(file, streams=streams)
        source = path if path.is_file() else path / name
        target = library / name
        target.parent.mkdir(parents=True, exist_ok=True)
        match manner:
            case Manner.MOVE:
                source.rename(target)
            case Manner.LINK:
                os.link(source, target)
            case Manner.COPY:
                shutil.copyfile(source, target)
        await asyncio.sleep(dice.uniform(0.0, LONGEST_PAUSE))
    if manner is Manner.MOVE and path.is_dir() and dice.random() < FOLDER_SHARE:
        shutil.rmtree(path)
