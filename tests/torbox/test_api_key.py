"""The API key, and another one in its place."""

from bridge.torbox import ApiKey


async def test_a_new_key_is_taken() -> None:
    """A new key is used from then on; an unchanged key is no news."""
    place = ["old"]

    async def read() -> str:
        return place[0]

    key = ApiKey("old", read)
    assert not await key.renew()
    place[0] = "new"
    assert await key.renew()
    assert key() == "new"


async def test_an_empty_place_changes_nothing() -> None:
    """A file that is just being written, or nowhere to look at all, leaves the key as it is."""

    async def read() -> str:
        return ""

    for key in (ApiKey("old", read), ApiKey("old")):
        assert not await key.renew()
        assert key() == "old"


def test_the_key_is_not_shown() -> None:
    """The text comes out by calling it alone."""
    assert "old" not in f"{ApiKey('old')!r} {ApiKey('old')}"
