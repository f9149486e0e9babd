"""Zips of whole items."""

import io
import zipfile

from bridge.simulator import Content, ContentFile
from bridge.simulator.zips import MAX_REAL, zip_of
from tests.simulator.support import A, film


def test_a_zip_holds_every_file() -> None:
    """Names below the root folder, and the same bytes."""
    content = film(size=5000)
    zipped = zip_of(content)
    archive = zipfile.ZipFile(io.BytesIO(zipped.data or b""))
    assert archive.namelist() == [content.file_name(file, "folder") for file in content.files]
    assert archive.read(archive.namelist()[0]) == content.read(content.files[0], 0, 5000)
    assert (zipped.path, zipped.zipped) == ("Film.2024.1080p-GRP.zip", True)


def test_a_huge_zip_is_not_built() -> None:
    """Beyond the limit only name and size are kept."""
    content = Content(A, "Big", (ContentFile("x.mkv", MAX_REAL + 1),))
    assert (zip_of(content).data, zip_of(content).size) == (None, MAX_REAL + 1)
