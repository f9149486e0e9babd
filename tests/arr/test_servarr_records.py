"""The answers of an *arr, as far as they can be parsed."""

import json
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.arr import (
    ArrServerError,
    ClientTestFailure,
    DownloadClient,
    DownloadClientOptions,
    HistoryRecord,
    PathMapping,
    QueueRecord,
    RootFolder,
    SystemStatus,
)
from bridge.arr.servarr_http import decode_answer
from bridge.arr.servarr_records import DirectoryListing, Page

TYPES = (
    SystemStatus,
    Page[QueueRecord],
    Page[HistoryRecord],
    tuple[DownloadClient, ...],
    tuple[ClientTestFailure, ...],
    DownloadClientOptions,
    tuple[PathMapping, ...],
    tuple[RootFolder, ...],
    DirectoryListing,
)
NAMES = ["records", "totalRecords", "id", "date", "fields", "name", "value", "downloadId", "files"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(VALUES.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40))
def test_any_answer_is_parsed_or_an_error_of_ours(body: bytes) -> None:
    """Whatever an *arr or a page in its place sends, no other exception gets out."""
    for kind in TYPES:
        with suppress(ArrServerError):
            decode_answer(body, kind, name="sonarr", path="/x")
