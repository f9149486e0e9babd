"""Parameters off the wire."""

from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.qbittorrent.params import BodyLimits, decode_form
from tests.support.http import Client

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
KIND = "multipart/form-data; boundary=b"
URLENCODED = "application/x-www-form-urlencoded"


@given(form=st.dictionaries(NAMES, NAMES, max_size=5))
@settings(max_examples=100)
def test_what_was_encoded_is_decoded(form: dict[str, str]) -> None:
    """Any text survives the way through an urlencoded body, empty values too."""
    assert decode_form(urlencode(form).encode()) == form


@given(raw=st.binary(max_size=60))
@settings(max_examples=200)
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    """Nothing but a ValueError comes of nonsense, and no text that cannot be written again."""
    try:
        found = decode_form(raw)
    except ValueError:
        return
    assert "\0" not in "".join(found.values())
    "".join([*found, *found.values()]).encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"a=b+c&d=%20", {"a": "b c", "d": " "}),
        (b"a=1&a=2", {"a": "2"}),
        (b"category=", {"category": ""}),
        ("a=ä".encode(), {"a": "ä"}),
        (b"", {}),
    ],
)
def test_decode_form(raw: bytes, found: dict[str, str]) -> None:
    """Plus and %20 are a space; the last of several counts; raw UTF-8 is read."""
    assert decode_form(raw) == found


@pytest.mark.parametrize("raw", [b"category=%ff", b"category=\xff", b"category=a%00b"])
async def test_bad_text_is_400(client: Client, raw: bytes) -> None:
    """Invalid UTF-8 and NUL are the client's mistake, in a body as in a query."""
    reply = await client.ask("POST", "torrents/createCategory", raw, Content_Type=URLENCODED)
    assert reply.short == (400, "Bad Request")
    query = raw.replace(b"\xff", b"%ff").decode()
    assert (await client.get(f"torrents/info?{query}")).short == (400, "Bad Request")
    assert (await client.get("torrents/categories")).text == "{}"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"tags":"x"}'),
        ("text/plain", b"tags=x"),
        ("multipart/mixed; boundary=b", b"--b--"),
        ("multipart/form-data", b"--b--"),
        (KIND, b"no boundary anywhere"),
        (KIND, b'--b\r\nContent-Disposition: form-data; name="tags"\r\n\r\nx'),
        (KIND, b'--b\r\nContent-Disposition: form-data; name="tags"\r\n\r\n\xff\r\n--b--\r\n'),
        (KIND, b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c--\r\n--b--\r\n"),
        (KIND, b"--b\r\nnonsense\r\n\r\nx\r\n--b--\r\n"),
        (KIND, b"--b\r\n"),
    ],
)
async def test_bodies_that_are_no_form_are_400(client: Client, kind: str, body: bytes) -> None:
    """A body that cannot be read is refused and changes nothing."""
    reply = await client.ask("POST", "torrents/createTags", body, Content_Type=kind)
    assert reply.short == (400, "Bad Request")
    assert (await client.get("torrents/tags")).text == "[]"


async def test_part_headers_may_be_odd(client: Client) -> None:
    """Names without quotes, more attributes and other letter case are read."""
    body = (
        "--b\r\ncontent-disposition: form-data; name=tags\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\none,zwö\r\n--b--\r\n"
    )
    reply = await client.ask("POST", "torrents/createTags", body, Content_Type=KIND)
    assert reply.short == (200, "")
    assert (await client.get("torrents/tags")).json() == ["one", "zwö"]


@pytest.mark.parametrize("multipart", [True, False])
async def test_too_much_text_is_413(client: Client, *, multipart: bool) -> None:
    """Four MiB of text are enough for any list of magnets."""
    text = b"x" * (BodyLimits().text + 1)
    kind, body = URLENCODED, b"tags=" + text
    if multipart:
        part = b'--b\r\nContent-Disposition: form-data; name="tags"\r\n\r\n'
        kind, body = KIND, part + text + b"\r\n--b--\r\n"
    reply = await client.ask("POST", "torrents/createTags", body, Content_Type=kind)
    assert reply.status == 413
    assert (await client.get("torrents/tags")).text == "[]"
