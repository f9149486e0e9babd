"""The story of a download is not for strangers."""

import aiohttp

from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PASSWORD, USERNAME, Rig

PATH = f"/api/bridge/downloads/{'0' * 40}"


async def test_a_story_takes_a_session_or_the_key(rig: Rig) -> None:
    """403 for strangers, whether the hash is known or not; who may come in gets an answer."""
    async with client_of(rig.url) as client:
        assert (await client.get(PATH)).status == 403
        key = await client.ask("GET", PATH, Authorization=f"Bearer {API_KEY}")
        assert key.short == (404, "no such download")
        await login(client)
        assert (await client.get(PATH)).status == 404


async def test_another_sites_page_gets_no_story(rig: Rig) -> None:
    """The session's cookie alone is not enough for a page from elsewhere."""
    async with client_of(rig.url) as client:
        await login(client)
        assert (await client.ask("GET", PATH, Origin="http://evil.example")).status == 401


async def test_health_is_for_everybody(rig: Rig) -> None:
    """A container's health check has no password."""
    async with aiohttp.ClientSession() as session, session.get(f"{rig.url}/healthz") as answer:
        assert answer.status == 200


async def login(client: Client) -> None:
    """Log in as the *arr do."""
    assert (await client.login(USERNAME, PASSWORD)).text == "Ok."
