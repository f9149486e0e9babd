"""Filters, order and pages of the list."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.model import Phase
from bridge.core.status import State
from bridge.qbittorrent.responses import HttpError
from bridge.qbittorrent.torrent_filters import FILTERS, Query, matches, ordered
from bridge.qbittorrent.torrent_info import Rendered
from tests.support.views import a_view, rendered

STATES = {
    State.DOWNLOADING: {"downloading", "resumed", "running", "active"},
    State.QUEUED_DL: {"downloading", "resumed", "running", "inactive"},
    State.META_DL: {"downloading", "resumed", "running", "inactive"},
    State.FORCED_META_DL: {"downloading", "resumed", "running", "inactive"},
    State.STALLED_DL: {
        "downloading", "resumed", "running", "inactive", "stalled", "stalled_downloading",
    },
    State.PAUSED_DL: {"downloading", "paused", "stopped", "inactive"},
    State.CHECKING_DL: {"downloading", "resumed", "running", "inactive", "checking"},
    State.UPLOADING: {"seeding", "completed", "resumed", "running", "inactive"},
    State.STALLED_UP: {
        "seeding", "completed", "resumed", "running", "inactive", "stalled", "stalled_uploading",
    },
    State.PAUSED_UP: {"completed", "paused", "stopped", "inactive"},
    State.ERROR: {"errored", "resumed", "running", "inactive"},
    State.MOVING: {"moving", "resumed", "running", "inactive"},
}  # fmt: skip
COMPLETE = {State.UPLOADING, State.STALLED_UP, State.PAUSED_UP}


@pytest.mark.parametrize(("state", "names"), STATES.items())
def test_filters(state: State, names: set[str]) -> None:
    """Each filter takes what qBittorrent's takes, in the words of 4.x and 5.x."""
    view = a_view(
        state=state,
        phase=Phase.FINISHED if state in COMPLETE else Phase.REMOTE,
        download_speed=int(state is State.DOWNLOADING),
    )
    assert {name for name in FILTERS if matches(Query(filter=name), view)} == names


@pytest.mark.parametrize("name", ["all", "nope", "ALL"])
def test_unknown_filters_take_all(name: str) -> None:
    """A filter that is not known is no filter."""
    assert matches(Query(filter=name), a_view(state=State.ERROR))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(category="tv"), True),
        (Query(category="TV"), False),
        (Query(category=""), False),
        (Query(tag="b"), True),
        (Query(tag="a, b"), False),
        (Query(tag=""), False),
        (Query(hashes=frozenset({"a" * 40, "b" * 40})), True),
        (Query(hashes=frozenset({"b" * 40})), False),
        (Query(hashes=frozenset({"all"})), False),
        (Query(category="tv", filter="completed"), False),
    ],
)
def test_category_tag_and_hashes(query: Query, *, found: bool) -> None:
    """Categories and tags are compared exactly; `all` is no hash here."""
    assert matches(query, a_view(hash="a" * 40, category="tv", tags=("a", "b"))) is found


def test_empty_category_and_tag_mean_without_one() -> None:
    """`category=` and `tag=` ask for what has none."""
    bare = a_view(category="", tags=())
    assert matches(Query(category=""), bare)
    assert matches(Query(tag=""), bare)
    assert not matches(Query(tag="x"), bare)


def names(rows: "list[Rendered]") -> str:
    """Read the names of rows in order."""
    return "".join(row.info.name for row in rows)


ROWS = [rendered(name=name, size=size) for name, size in (("c", 1), ("a", 3), ("b", 2))]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), "cab"),
        (Query(sort="name"), "abc"),
        (Query(sort="size"), "cba"),
        (Query(sort="name", reverse=True), "cba"),
        (Query(limit=2), "ca"),
        (Query(limit=-1), "cab"),
        (Query(offset=1), "ab"),
        (Query(offset=-1), "b"),
        (Query(offset=3), "cab"),
        (Query(offset=-9), "cab"),
        (Query(sort="name", limit=1, offset=1), "b"),
    ],
)
def test_order_and_pages(query: Query, found: str) -> None:
    """An offset outside the list counts as none, as in qBittorrent 4."""
    assert names(list(ordered(query, ROWS))) == found


def test_unknown_sort_key_is_400_when_there_is_something_to_sort() -> None:
    """QBittorrent does not look at the key of an empty list."""
    with pytest.raises(HttpError, match="'sort' parameter is invalid"):
        ordered(Query(sort="nope"), ROWS)
    assert list(ordered(Query(sort="nope"), [])) == []


@given(limit=st.integers(-5, 9), offset=st.integers(-9, 9))
@settings(max_examples=100)
def test_a_page_is_a_piece_of_the_list(limit: int, offset: int) -> None:
    """Whatever is asked, the answer is a run of the list and no longer than the limit."""
    page = names(list(ordered(Query(limit=limit, offset=offset), ROWS)))
    assert page
    assert page in "cab"
    assert limit <= 0 or len(page) <= limit
