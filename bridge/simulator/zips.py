"""Zips as TorBox makes them: of a whole item, on demand or from 100 files on."""

import io
import zipfile
from functools import lru_cache

from bridge.simulator.content import Content, ContentFile

MAX_REAL = 64 << 20
"""Bytes up to which a zip is a real one; beyond, only its name and size are."""

_EPOCH = (2026, 1, 1, 0, 0, 0)


@lru_cache(maxsize=8)
def zip_of(content: Content) -> ContentFile:
    """All files of the content in one stored zip, held in memory if it is not too large."""
    if content.size > MAX_REAL:
        return ContentFile(f"{content.name}.zip", content.size, zipped=True)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for file in content.files:
            name = content.file_name(file, "folder")
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content.read(file, 0, file.size))
    data = held.getvalue()
    return ContentFile(f"{content.name}.zip", len(data), data=data, zipped=True)
