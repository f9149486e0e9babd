"""Passwords and their hashes."""

import re

import pytest

from bridge.auth import hash_password, verify

PASSWORD = "correct horse Ünï"
HASH = hash_password(PASSWORD)


def test_hash_has_the_documented_form_and_a_salt() -> None:
    """A hash names its algorithm and numbers, and two hashes of one password differ."""
    assert re.fullmatch(r"scrypt\$\d+\$\d+\$\d+\$[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+", HASH)
    assert hash_password(PASSWORD) != HASH


@pytest.mark.parametrize(
    ("text", "hashed", "fits"),
    [
        (PASSWORD, HASH, True),
        (PASSWORD + " ", HASH, False),
        ("", HASH, False),
        (PASSWORD, "", False),
        (PASSWORD, "plain text", False),
        (PASSWORD, HASH.replace("scrypt", "md5"), False),
        (PASSWORD, "scrypt$x$8$1$AAAA$AAAA", False),
        (PASSWORD, "scrypt$16384$8$1$???$AAAA", False),
    ],
    ids=["right", "longer", "empty", "no hash", "plain", "md5", "no numbers", "no salt"],
)
def test_only_the_password_itself_verifies(text: str, hashed: str, *, fits: bool) -> None:
    """Another password, or a hash that cannot be read, is refused without an error."""
    assert verify(text, hashed) is fits
