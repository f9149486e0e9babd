"""What is content, and what only lies beside it."""

import pytest

from bridge.core.file_types import content_among, is_content


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Film.mkv", True),
        ("Album/01.FLAC", True),
        ("Book.epub", True),
        ("Comic.cbz", True),
        ("Release.rar", True),
        ("Release.r07", True),
        ("Release.part1.rar", True),
        ("Release.7z.001", True),
        ("Release.z01", True),
        ("VIDEO_TS/VIDEO_TS.BUP", True),
        ("cover.jpg", False),
        ("Release.nfo", False),
        ("read me.txt", False),
        ("Film.en.srt", False),
        ("Release.sfv", False),
        ("Album.cue", False),
        (".flac", False),
        ("flac", False),
        ("Book.epub/cover.jpg", False),
    ],
)
def test_content_by_name(name: str, *, content: bool) -> None:
    """Content is video, audio, e-book, comic and archive, whatever the case of its extension."""
    assert is_content(name) is content


def test_all_is_content_where_none_is_known() -> None:
    """A torrent of pictures is about its pictures."""
    assert content_among(["a.jpg", "b.jpg"]) == {"a.jpg", "b.jpg"}
    assert content_among(["a.mp3", "b.jpg"]) == {"a.mp3"}
    assert content_among([]) == frozenset()
