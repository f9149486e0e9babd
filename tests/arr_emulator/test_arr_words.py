"""How an *arr reads versions, magnets and JSON, and writes numbers."""

import pytest

from tests.arr_emulator.arr_wire import ArrError, Reply
from tests.arr_emulator.arr_words import (
    Properties,
    SeedLimits,
    decode,
    info_hash_of,
    limit_fields,
    parse_version,
    speaks_v2,
)

HEX = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a"
BASE32 = "YEX6DQDLXISUVHOJ6UM3GNNKPQJWPKEK"


def test_versions_order_as_in_dotnet() -> None:
    """A version of two parts is below the same one with a third part of 0."""
    assert parse_version("2.11") < parse_version("2.11.0") < parse_version("2.11.4")


@pytest.mark.parametrize("text", ["", "2", "v2.9.3", "2.9.3-rc", "<!doctype html>", "2.9.3\n"])
def test_what_is_no_version_fails(text: str) -> None:
    """A page, a letter or a line end in place of the version breaks the test."""
    with pytest.raises(ArrError):
        parse_version(text)


@pytest.mark.parametrize("topic", [HEX, HEX.upper(), BASE32, BASE32.lower()])
def test_hash_of_a_magnet_is_hex(topic: str) -> None:
    """The id is computed by the *arr: hex, also of base32."""
    assert info_hash_of(f"magnet:?xt=urn:btih:{topic}&dn=x") == HEX


@pytest.mark.parametrize(("status", "yes"), [(200, True), (204, True), (403, True), (404, False)])
def test_probe(status: int, *, yes: bool) -> None:
    """404 alone says that this is not API v2."""
    assert speaks_v2(Reply(status, "")) is yes


@pytest.mark.parametrize("status", [401, 500])
def test_probe_that_breaks(status: int) -> None:
    """401 and worse are errors, not answers."""
    with pytest.raises(ArrError):
        speaks_v2(Reply(status, ""))


def test_limits_are_sent_only_when_set() -> None:
    """A whole number has no decimals, and what the indexer does not ask for is left out."""
    assert limit_fields(SeedLimits()) == []
    assert limit_fields(SeedLimits(2.0, 60)) == [("ratioLimit", "2"), ("seedingTimeLimit", "60")]
    assert limit_fields(SeedLimits(ratio=1.25)) == [("ratioLimit", "1.25")]


@pytest.mark.parametrize("text", ["", "null", "[]", '{"save_path":1}', "<html>"])
def test_nonsense_for_json_breaks_the_call(text: str) -> None:
    """JSON of another shape is an error, never half an answer."""
    with pytest.raises(ArrError):
        decode(text, Properties)
