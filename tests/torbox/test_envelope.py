"""An answer of TorBox, as far as it can be read."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.torbox.envelope import Answer, parse, scrub
from bridge.torbox.error_codes import error_for

TEXT = st.text("aZ_ ÉR")
KEY = "11111111-2222"


@settings(max_examples=150)
@given(st.integers(100, 599), st.binary(max_size=60))
def test_any_bytes_are_an_answer(status: int, body: bytes) -> None:
    """Whatever comes is read without an exception, and is a success only in an envelope."""
    answer = parse(status, body)
    assert not answer.ok
    assert error_for(answer, 0.0) is not None


@settings(max_examples=100)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.none() | st.booleans() | st.integers() | TEXT | st.lists(TEXT)
            for name in ("success", "error", "detail", "data")
        },
    ),
    st.sampled_from([200, 400, 403, 404, 500]),
)
def test_any_types_in_the_envelope_are_read(body: dict[str, object], status: int) -> None:
    """No type in any field of the envelope makes reading or judging raise."""
    error_for(parse(status, msgspec.json.encode(body)), 0.0)


@pytest.mark.parametrize(
    ("status", "body", "empty"),
    [
        (404, b'{"success":true,"error":"ITEM_NOT_FOUND","data":null}', True),
        (404, b'{"success":true,"error":"ITEM_NOT_FOUND","data":[]}', True),
        (404, b'{"success":false,"error":"ITEM_NOT_FOUND","data":null}', False),
        (500, b'{"success":true,"error":"ITEM_NOT_FOUND","data":null}', False),
        (404, b'{"success":true,"error":"ENDPOINT_NOT_FOUND","data":null}', False),
        (200, b'{"success":true,"error":null,"data":[]}', False),
    ],
)
def test_only_one_404_means_empty(status: int, body: bytes, empty: bool) -> None:
    """An empty list is told from every failure."""
    assert parse(status, body).empty is empty


def test_a_validation_error_reads_as_a_sentence() -> None:
    """The framework's list of complaints names the fields."""
    body = b'{"detail":[{"loc":["query","id"],"msg":"field required"},{"msg":"x"},7]}'
    assert parse(422, body).detail == "id: field required; request: x"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {KEY} is bad", "key *** is bad"),
        (
            "see https://cdn.example/dld/1?token=abc&x=1 now",
            "see https://cdn.example/*** now",
        ),
        (
            "tracker https://t.example:443/0123abcd/announce failed",
            "tracker https://t.example:443/*** failed",
        ),
        ("udp://user:pass@t.example/0123/announce", "udp://t.example/***"),
        ("(http://t.example/).", "(http://t.example/)."),
        ("bad magnet:?xt=urn:btih:00&tr=http%3A%2F%2Ft%2Fkey", "bad magnet:?***"),
        ("\x1b[31mred\x07\u202e", "[31mred"),
        ("bad token=abc-def, sorry", "bad token=*** sorry"),
        ("/requestdl?api_key=abc&id=1", "/requestdl?api_key=***&id=1"),
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_no_secret_in_a_text(text: str, shown: str) -> None:
    """No key, no path of a URL and no escape code is shown, and it is one short line."""
    assert scrub(text, KEY) == shown


def test_the_key_is_taken_out_of_answers() -> None:
    """An answer that echoes the key does not carry it on."""
    body = msgspec.json.encode({"success": False, "error": None, "detail": f"bad key {KEY}"})
    assert parse(403, body, secret=KEY).detail == "bad key ***"


def test_the_hour_is_recognised_by_its_words() -> None:
    """The 429 of the hourly limit often has no headers, only its text."""
    assert parse(429, b'{"detail":"60 per 1 hour"}').hourly
    assert parse(429, b"60 per 1 hour").hourly
    assert not parse(429, b'{"detail":"300 per 1 minute"}').hourly


def test_data_of_another_type_has_no_fields() -> None:
    """Asking for fields is safe whatever `data` is."""
    for data in (b"null", b"[]", b'"text"', b"7"):
        assert Answer(status=200, data=msgspec.Raw(data)).fields() == {}
