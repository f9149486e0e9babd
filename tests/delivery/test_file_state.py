"""Which bytes of a file are known."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.delivery.file_state import Ranges, Span, pieces

SIZE = 60
spans = st.lists(
    st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(lambda edges: tuple(sorted(edges)))
)


@given(spans)
def test_knows_exactly_what_was_added(added: list[Span]) -> None:
    """The spans cover the added bytes, sorted and apart; missing() covers the others."""
    known = Ranges(added)
    expected = {at for start, end in added for at in range(start, end)}
    assert {at for start, end in known.spans for at in range(start, end)} == expected
    assert known.total == len(expected)
    missing = {at for start, end in known.missing(SIZE) for at in range(start, end)}
    assert missing == set(range(SIZE)) - expected
    edges = [edge for span in known.spans for edge in span]
    assert edges == sorted(set(edges))


@given(spans, spans)
def test_forgets_exactly_what_was_removed(added: list[Span], removed: list[Span]) -> None:
    """What was removed is not known, and all else is as before."""
    known = Ranges(added)
    for start, end in removed:
        known.remove(start, end)
    gone = {at for start, end in removed for at in range(start, end)}
    expected = {at for start, end in added for at in range(start, end)} - gone
    assert {at for start, end in known.spans for at in range(start, end)} == expected


@given(spans, st.integers(1, 20))
def test_pieces_cover_the_spans_in_order(added: list[Span], longest: int) -> None:
    """No piece is longer than allowed, and together they are the spans."""
    whole = Ranges(added)
    cut = pieces(whole.spans, longest)
    assert all(0 < end - start <= longest for start, end in cut)
    assert cut == sorted(cut)
    assert Ranges(cut).spans == whole.spans
