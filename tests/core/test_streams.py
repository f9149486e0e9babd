"""Tokens: what was granted comes back, and nothing else is a token."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.streams import KEY_BYTES, Grant, granted, sign, stream_url

KEY = bytes(range(KEY_BYTES))
NUMBERS = st.integers(0, 2**63 - 1)
GRANTS = st.builds(
    Grant, st.binary(min_size=20, max_size=20).map(bytes.hex), NUMBERS, NUMBERS, NUMBERS
)


@given(GRANTS)
def test_a_token_says_what_it_grants(grant: Grant) -> None:
    """A token comes back as its grant, fits into a URL as it is, and needs the same key."""
    token = sign(grant, KEY)
    assert granted(token, KEY) == grant
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert granted(token, bytes(KEY_BYTES)) is None


@given(GRANTS, st.data())
def test_a_changed_token_grants_nothing_more(grant: Grant, data: st.DataObject) -> None:
    """Whatever character is changed, the token is dead, or still the very same grant."""
    token = sign(grant, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("AZaz09-_"))
    changed = token[:place] + other + token[place + 1 :]
    assert granted(changed, KEY) in {None, grant}


@given(st.text())
def test_any_text_is_no_token(text: str) -> None:
    """What was not signed is refused and breaks nothing."""
    assert granted(text, KEY) is None


def test_the_url_names_the_file() -> None:
    """The name is quoted whole, so that it stays one component of the path."""
    url = stream_url("http://bridge:8080/torbox", "token", "Ä ?/#.mkv")
    assert url == "http://bridge:8080/torbox/strm/token/%C3%84%20%3F%2F%23.mkv"
