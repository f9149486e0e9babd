"""Whether an answer is the file that was asked for."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from bridge.delivery.delivery_errors import (
    FetchTrouble,
    LinkDead,
    ServerBusy,
    StartOver,
    WrongContent,
)
from bridge.delivery.fetch.cdn_connection import (
    Body,
    RangeRequest,
    check_response,
    looks_like_error,
    retry_after,
)
from bridge.delivery.file_state import Validator

ONE = Validator('"one"')
WHOLE = RangeRequest(name="Movie/film.mkv", size=1000, start=0, end=1000)
FIRST = RangeRequest(name="Movie/film.mkv", size=1000, start=0, end=100)
LATER = RangeRequest(
    name="Movie/film.mkv", size=1000, start=100, end=200, validator=ONE, begun=True
)
RANGE = {"Content-Range": "bytes 100-199/1000", "ETag": '"one"'}


@pytest.mark.parametrize(
    ("ask", "status", "headers", "span", "ranges"),
    [
        (WHOLE, 200, {"Content-Length": "1000"}, (0, 1000), False),
        (WHOLE, 200, {}, (0, 1000), False),
        (FIRST, 200, {"content-length": "1000"}, (0, 1000), False),
        (FIRST, 206, {"Content-Range": "bytes 0-99/1000"}, (0, 100), True),
        (LATER, 206, RANGE, (100, 200), True),
        (LATER, 206, {"Content-Range": "bytes 100-149/1000"}, (100, 150), True),
        (LATER, 206, {**RANGE, "Content-Encoding": "identity"}, (100, 200), True),
    ],
)
def test_accepts(
    ask: RangeRequest, status: int, headers: dict[str, str], span: tuple[int, int], ranges: bool
) -> None:
    """An answer that fits says which bytes its body holds, and whether ranges work."""
    body = check_response(ask, status, CIMultiDict(headers), now=0.0)
    etag = headers.get("ETag", "")
    assert body == Body(start=span[0], end=span[1], ranges=ranges, validator=Validator(etag))


@pytest.mark.parametrize(
    ("ask", "status", "headers", "trouble"),
    [
        *((WHOLE, status, {}, LinkDead) for status in (401, 403, 404, 410)),
        *((WHOLE, status, {}, ServerBusy) for status in (429, 500, 502, 503, 504)),
        *((WHOLE, status, {}, WrongContent) for status in (201, 204, 302, 400, 402, 451)),
        (WHOLE, 200, {"Content-Length": "150"}, WrongContent),
        (WHOLE, 200, {"Content-Length": "1001"}, WrongContent),
        (WHOLE, 200, {"Content-Length": "x"}, WrongContent),
        (WHOLE, 200, {"Content-Encoding": "gzip"}, WrongContent),
        (WHOLE, 200, {"Content-Type": "text/html; charset=utf-8"}, WrongContent),
        (WHOLE, 200, {"Content-Type": "Application/JSON"}, WrongContent),
        (WHOLE, 200, {"Content-Type": "application/problem+json"}, WrongContent),
        (WHOLE, 206, {"Content-Range": "bytes 0-999/1000"}, WrongContent),
        (LATER, 206, {}, WrongContent),
        (LATER, 206, {"Content-Range": "bytes 100-199/*"}, WrongContent),
        (LATER, 206, {"Content-Range": "bytes 100-199/999"}, WrongContent),
        (LATER, 206, {"Content-Range": "bytes 0-99/1000"}, WrongContent),
        (LATER, 206, {"Content-Range": "bytes 100-200/1000"}, WrongContent),
        (LATER, 206, {"Content-Range": "bytes 100-99/1000"}, WrongContent),
        (LATER, 206, {**RANGE, "Content-Length": "99"}, WrongContent),
        (LATER, 206, {**RANGE, "Content-Type": "application/json"}, WrongContent),
        (LATER, 206, {**RANGE, "ETag": '"two"'}, StartOver),
        (LATER, 200, {"ETag": '"two"'}, StartOver),
        (LATER, 200, {"Content-Length": "150"}, WrongContent),
        (LATER, 416, {"Content-Range": "bytes */50"}, WrongContent),
        (LATER, 416, {"Content-Range": "bytes */1000"}, StartOver),
        (LATER, 416, {}, StartOver),
    ],
)
def test_refuses(
    ask: RangeRequest, status: int, headers: dict[str, str], trouble: type[FetchTrouble]
) -> None:
    """An answer that does not fit is told apart by what has to be done about it."""
    with pytest.raises(trouble):
        check_response(ask, status, CIMultiDict(headers), now=0.0)


@pytest.mark.parametrize(
    ("headers", "ranges"),
    [({"ETag": '"two"'}, True), ({"ETag": '"one"'}, False), ({}, False)],
)
def test_tells_a_changed_file_from_a_server_without_ranges(
    headers: dict[str, str], ranges: bool
) -> None:
    """A 200 for a later range is a new version if it says so, and else a server without ranges."""
    with pytest.raises(StartOver) as caught:
        check_response(LATER, 200, CIMultiDict(headers), now=0.0)
    assert caught.value.ranges is ranges


def test_a_subtitle_may_be_served_as_text() -> None:
    """Files that are text may come as any text."""
    ask = RangeRequest(name="Movie/readme.html", size=10, start=0, end=10)
    body = check_response(ask, 200, CIMultiDict({"Content-Type": "text/html"}), now=0.0)
    assert body.end == 10


@pytest.mark.parametrize(
    ("validator", "header"),
    [
        (Validator('"one"', "Mon"), '"one"'),
        (Validator('W/"one"', "Mon"), "Mon"),
        (Validator('W/"one"'), None),
        (Validator(), None),
    ],
)
def test_asks_for_a_range_only_if_nothing_changed(validator: Validator, header: str | None) -> None:
    """If-Range holds a strong ETag or a date, never a weak ETag."""
    ask = RangeRequest(name="f", size=9, start=3, end=9, validator=validator, begun=True)
    assert ask.headers.get("If-Range") == header
    assert ask.headers["Range"] == "bytes=3-8"
    assert ask.headers["Accept-Encoding"] == "identity"


def test_asks_for_a_whole_file_without_range() -> None:
    """No range where none is needed: every server understands that."""
    assert WHOLE.headers == {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    ("name", "beginning", "error"),
    [
        ("a.mkv", b'{"success": false, "error": "DATABASE_ERROR"', True),
        ("a.mkv", b' \n{ "detail" : "60 per 1 hour"}', True),
        ("a.mkv", b"<!DOCTYPE html><html>", True),
        ("a.bin", b"<html lang", True),
        ("a.json", b'{"success": false}', False),
        ("A.SRT", b"<html", False),
        ("a.ipynb", b'{"cells": []}', False),
        ("a.mkv", b"\x1a\x45\xdf\xa3", False),
        ("a.mkv", b"", False),
    ],
)
def test_knows_error_pages_by_their_beginning(name: str, beginning: bytes, error: bool) -> None:
    """An error page is not taken for a film, nor a text for an error page."""
    assert looks_like_error(name, beginning) is error


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("Thu, 01 Jan 1970 00:01:40 GMT", 90.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
    ],
)
def test_reads_retry_after(value: str, seconds: float | None) -> None:
    """Seconds and dates are understood, nonsense says nothing."""
    assert retry_after(value, now=10.0) == seconds


JUNK = st.one_of(st.text(max_size=40), st.integers(1, 6000).map("9".__mul__))


@given(JUNK, JUNK, JUNK, st.sampled_from([200, 206, 416, 429, 503]))
@example("9" * 5000, f"bytes 0-{'9' * 5000}/{'9' * 5000}", "", 206)
@example("9" * 5000, f"bytes */{'9' * 5000}", "", 416)
def test_junk_in_headers(after: str, content_range: str, length: str, status: int) -> None:
    """Whatever a node writes into its headers, it is accepted or refused like any other answer."""
    headers = {"Retry-After": after, "Content-Range": content_range, "Content-Length": length}
    with suppress(FetchTrouble):
        check_response(LATER, status, headers, now=0.0)
