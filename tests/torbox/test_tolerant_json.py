"""JSON that TorBox may have broken."""

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.torbox import items, payloads, tolerant_json
from bridge.torbox.envelope import Answer, parse
from bridge.torbox.error_codes import error_for
from bridge.torbox.errors import TorBoxError
from bridge.torbox.tolerant_json import BrokenJsonError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
LIMITS = settings(max_examples=60, deadline=None)


@LIMITS
@given(st.lists(VALUES), st.sampled_from([None, 0, 1]))
def test_splitting_finds_the_same_elements(values: list[object], indent: int | None) -> None:
    """An array that has to be split yields what a parser finds, but for the broken element."""
    whole = json.dumps([*values, 0], indent=indent).encode()
    broken = whole[: whole.rindex(b"0")] + rb'"\ud800" ]'
    found = [tolerant_json.parse_value(raw) for raw in tolerant_json.elements(broken)]
    assert found == [*values, "\ud800"]


@LIMITS
@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 0, 1]))
def test_splitting_finds_the_same_members(values: dict[str, object], indent: int | None) -> None:
    """An object that has to be split yields what a parser finds, but for the broken member."""
    values.pop("broken", None)
    whole = json.dumps({**values, "broken": 0}, indent=indent).encode()
    broken = whole[: whole.rindex(b"0")] + rb"tru }"
    found = tolerant_json.members(broken)
    assert {name: tolerant_json.parse_value(raw) for name, raw in found.items()} == {
        **values,
        "broken": None,
    }


@LIMITS
@given(st.lists(VALUES, min_size=1), st.data())
def test_a_document_that_ends_early_is_broken(values: list[object], data: st.DataObject) -> None:
    """No prefix of an array is taken for the array."""
    whole = json.dumps(values).encode()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(BrokenJsonError):
        tolerant_json.elements(whole[:cut])


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"7", b'"["', b"[1", b'["]', b"[1]]", b"[1] [2]", b"[1]x", b"<html>[1]</html>"],
)
def test_what_is_no_array(text: bytes) -> None:
    """Only an array is one, and nothing may follow it."""
    with pytest.raises(BrokenJsonError):
        tolerant_json.elements(text)


def test_null_is_an_empty_array() -> None:
    """TorBox sends null for an empty list."""
    assert tolerant_json.elements(b"null") == []


def test_endless_nesting_is_refused() -> None:
    """A document of nothing but brackets costs no stack and little time."""
    with pytest.raises(BrokenJsonError):
        tolerant_json.elements(b"[" * 1_000_000 + b"]" * 1_000_000)


def ignore(_problem: str) -> None:
    """Accept a warning."""


PARSERS: tuple[Callable[[Answer], object], ...] = (
    lambda answer: items.readable(items.entries(answer), items.remote_item, ignore),
    lambda answer: items.readable(items.entries(answer), items.queued_item, ignore),
    lambda answer: items.one(answer, 1),
    lambda answer: payloads.cached_items(answer, ignore),
    lambda answer: payloads.search_results(answer, ignore),
    payloads.account,
    payloads.link,
)
STRUCTURE = st.lists(
    st.sampled_from(
        [
            *(b'"', b"{", b"}", b"[", b"]", b":", b",", b"\\", b" ", b"1", b"e9", b"-", b"null"),
            *(b"tru", b'"success"', b'"data"', b'"error"', b'"detail"', b'"id"', b'"files"'),
            *(b"\xff", b"\x00"),
        ]
    ),
    max_size=30,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([200, 400, 403, 404, 422, 429, 500, 502]), STRUCTURE | st.binary(max_size=60)
)
@example(200, b'{"success":true,"data":[1,}]}')
def test_no_answer_breaks_a_parser(status: int, body: bytes) -> None:
    """Whatever TorBox sends, each parser returns a value or raises an error of ours."""
    answers = [
        parse(status, body),
        parse(status, b'{"success":true,"error":null,"detail":"","data":%b}' % body),
        Answer(status=200, json=True, success=True, data=msgspec.Raw(body)),
    ]
    for answer in answers:
        error_for(answer, 1e9)
        payloads.created(answer)
        payloads.torrent_info(answer)
        payloads.string(answer)
        for parser in PARSERS:
            try:
                parser(answer)
            except TorBoxError as error:
                str(error).encode()
