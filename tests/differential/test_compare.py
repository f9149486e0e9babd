"""The comparison itself sees what differs, and the table allows no more than it says."""

import msgspec
import pytest

from tests.differential.allowed import ANY, Allowed, Why, judge
from tests.differential.compare import NOTHING, Kind, compare
from tests.differential.player import Answer
from tests.differential.steps import get

ONE, OTHER = "1" * 40, "2" * 40
STEP = get("torrents/info")


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    """Make an answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(
        status, msgspec.json.encode(body), {"content-type": "application/json"} | named, {}
    )


def text(body: str) -> Answer:
    """Make an answer in plain text."""
    return Answer(200, body.encode(), {"content-type": "text/plain; charset=UTF-8"}, {})


def different(theirs: Answer, ours: Answer) -> list[tuple[str, Kind]]:
    """Compare, and keep what differs."""
    compared = compare(STEP, theirs, ours)
    return [(value.field, value.kind) for value in compared if value.kind is not Kind.SAME]


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        (answer([]), answer([], 404), [("status", Kind.VALUE)]),
        (text("a"), text("b"), [("text", Kind.VALUE)]),
        (answer([], x_one="1"), answer([]), [("header x-one", Kind.MISSING)]),
        (answer({"a": 1}), answer({"a": 1, "b": 2}), [("b", Kind.MORE)]),
        (answer({"a": 1, "b": 2}), answer({"a": 1}), [("b", Kind.MISSING)]),
        (answer({"a": 1}), answer({"a": "1"}), [("a", Kind.TYPE)]),
        (answer({"a": True}), answer({"a": 1}), [("a", Kind.TYPE)]),
        (answer({"a": 1}), answer({"a": None}), [("a", Kind.TYPE)]),
        (answer({"a": {"b": 1}}), answer({"a": {"b": 2}}), [("a.b", Kind.VALUE)]),
        (answer([1, 2]), answer([1]), [("[] count", Kind.VALUE)]),
        (answer([{"url": "x"}]), answer([{"url": "y"}]), [("[].url", Kind.VALUE)]),
        (answer({ONE: {"a": 1}}), answer({ONE: {"a": 2}}), [("<hash>.a", Kind.VALUE)]),
        (answer([{"hash": ONE}]), answer([{"hash": OTHER}]), [("[]", Kind.VALUE)]),
    ],
)
def test_a_difference_is_seen(
    theirs: Answer, ours: Answer, expected: list[tuple[str, Kind]]
) -> None:
    """Each difference is told once, by the name of its field."""
    assert different(theirs, ours) == expected


def test_what_has_no_order_is_compared_without_one() -> None:
    """Torrents and tags may come in any order, unless the order was asked for."""
    theirs = answer([{"hash": ONE, "a": 1}, {"hash": OTHER, "a": 2}])
    ours = answer([{"hash": OTHER, "a": 2}, {"hash": ONE, "a": 1}])
    assert not different(theirs, ours)
    assert not different(answer(["x", "y"]), answer(["y", "x"]))
    in_order = list(compare(STEP.sorted(), theirs, ours))
    assert any(value.kind is not Kind.SAME for value in in_order)


def row(theirs: object = ANY, ours: object = ANY) -> Allowed:
    """Allow two fields to differ."""
    return Allowed(
        why=Why.CHOICE,
        reason="a reason",
        endpoints=("torrents/*",),
        fields=("a", "b*"),
        theirs=theirs,
        ours=ours,
    )


def test_a_row_allows_only_what_it_pins() -> None:
    """Another value than the pinned one is a surprise, and so is another field."""
    compared = list(compare(STEP, answer({"a": 1, "c": 1}), answer({"a": 2, "c": 2})))
    surprises = judge(compared, [row(theirs=1, ours=2)]).surprises
    assert [value.field for value in surprises] == ["c"]
    assert len(judge(compared, [row(theirs=1, ours=3)]).surprises) == 2
    assert len(judge(compared, [row(ours=NOTHING)]).surprises) == 2


def test_a_row_that_nothing_needs_is_told() -> None:
    """A row, or a pattern in it, that matches no difference must go."""
    compared = list(compare(STEP, answer({"a": 1, "bc": 1}), answer({"a": 2, "bc": 1})))
    assert judge(compared, [row()]).idle == ["a reason: b*"]
