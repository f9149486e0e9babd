"""The fate of a download according to the *arr's history."""

from datetime import UTC, datetime

import pytest

from bridge.arr import Fate, HistoryRecord, all_imported, fate


def records(*newest_first: str) -> list[HistoryRecord]:
    """A history; ids grow with time."""
    return [
        HistoryRecord(id=100 - number, date=datetime(2026, 1, 1, tzinfo=UTC), event_type=event)
        for number, event in enumerate(newest_first)
    ]


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        ([], Fate.UNKNOWN),
        (["downloadFailed"], Fate.UNKNOWN),
        (["grabbed"], Fate.GRABBED),
        (["grabbed", "downloadFailed", "grabbed"], Fate.GRABBED),
        (["downloadFailed", "downloadFailed", "grabbed", "grabbed"], Fate.FAILED),
        (["downloadFolderImported", "grabbed"], Fate.IMPORTED),
        (["trackFileImported", "grabbed"], Fate.IMPORTED),
        (["bookFileImported", "grabbed"], Fate.IMPORTED),
        (["downloadIgnored", "grabbed"], Fate.IMPORTED),
        (["albumImportIncomplete", "grabbed"], Fate.GRABBED),
        (["bookImportIncomplete", "grabbed"], Fate.GRABBED),
        (["albumImportIncomplete", "trackFileImported", "grabbed"], Fate.IMPORTED),
        (["downloadImported", "trackFileImported", "grabbed", "grabbed"], Fate.IMPORTED),
        (["movieFileRenamed", "grabbed"], Fate.GRABBED),
        (["grabbed", "downloadImported", "bookFileImported", "grabbed"], Fate.GRABBED),
        (["downloadFailed", "downloadFolderImported", "grabbed"], Fate.FAILED),
        (["episodeFileDeleted", "grabbed"], Fate.GRABBED),
    ],
)
def test_the_last_grab_counts(newest_first: list[str], expected: Fate) -> None:
    """Only what came after the last grab says what became of it."""
    assert fate(records(*newest_first)).fate is expected


def test_the_last_grab_is_named() -> None:
    """The record to be failed is the newest grab."""
    assert fate(records("grabbed", "downloadFailed", "grabbed")).grab_id == 100


@pytest.mark.parametrize(
    ("newest_first", "expected"),
    [
        ([], False),
        (["grabbed"], False),
        (["downloadFolderImported", "grabbed"], True),
        (["downloadFolderImported", "downloadFolderImported", "grabbed", "grabbed"], True),
        (["downloadFolderImported"], True),
        (["downloadImported", "trackFileImported", "trackFileImported", "grabbed"], True),
        (["albumImportIncomplete", "trackFileImported", "grabbed"], False),
        (["bookImportIncomplete", "bookFileImported", "grabbed"], False),
        (["downloadIgnored", "downloadFolderImported", "grabbed"], False),
        (["downloadFailed", "downloadFolderImported", "grabbed"], False),
        (["grabbed", "downloadFolderImported", "grabbed"], False),
        (["downloadFolderImported", "grabbed", "downloadFailed", "grabbed"], True),
        (["episodeFileDeleted", "downloadFolderImported", "grabbed"], True),
    ],
)
def test_what_is_imported_may_be_cleaned_up(newest_first: list[str], *, expected: bool) -> None:
    """Since the last grab there was an import, and nothing failed, is incomplete or was ignored."""
    assert all_imported(records(*newest_first)) is expected
