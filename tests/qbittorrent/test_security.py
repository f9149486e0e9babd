"""Failed logins and pages of other sites."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.support.face import API_KEY, PASSWORD, USERNAME, Face, serve_face
from tests.support.http import Client, client_of

LOOPBACK = (IPv4Network("127.0.0.0/8"),)
BANNED = "Your IP address has been banned after too many failed authentication attempts."


async def fail(client: Client, times: int = 5, **headers: str) -> None:
    """Log in with a wrong password, so often."""
    for _ in range(times):
        reply = await client.ask("POST", "auth/login", {"username": "admin"}, **headers)
        assert reply.short == (200, "Fails.")


async def test_the_sixth_login_is_refused_even_when_right(stranger: Client, face: Face) -> None:
    """Five failures ban for an hour; then all is well again."""
    face.clock.at = 1000.0
    await fail(stranger)
    assert (await stranger.login(USERNAME, PASSWORD)).short == (403, BANNED)
    face.clock.at = 4600.0
    assert (await stranger.login(USERNAME, PASSWORD)).short == (200, "Ok.")


async def test_a_ban_ends_no_session(stranger: Client, client: Client, face: Face) -> None:
    """Who is in stays in, also with another login; so does the API key."""
    await stranger.login(USERNAME, PASSWORD)
    cookie = stranger.headers.pop("Cookie")
    await fail(stranger)
    stranger.headers["Cookie"] = cookie
    assert (await stranger.get("app/version")).status == 200
    assert (await stranger.login("x", "y")).short == (200, "Ok.")
    assert (await client.get("app/version")).status == 200


async def test_a_strangers_header_moves_no_address(stranger: Client) -> None:
    """Without trusted proxies X-Forwarded-For neither evades a ban nor brings one on others."""
    for number in range(5):
        await fail(stranger, 1, X_Forwarded_For=f"198.51.100.{number}")
    assert (await stranger.login(USERNAME, PASSWORD)).status == 403


async def test_behind_a_trusted_proxy_each_client_is_counted(tmp_path: Path) -> None:
    """One of the household who forgot the password bans nobody else."""
    async with (
        serve_face(tmp_path, trusted_proxies=LOOPBACK) as face,
        client_of(face.url) as client,
    ):
        await fail(client, X_Forwarded_For="10.9.9.9, 198.51.100.1")
        form = {"username": USERNAME, "password": PASSWORD}
        for address, status in (("198.51.100.1", 403), ("198.51.100.2", 200), ("10.9.9.9", 200)):
            reply = await client.ask("POST", "auth/login", form, X_Forwarded_For=address)
            assert reply.status == status


@pytest.mark.parametrize("header", ["Origin", "Referer"])
@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("{here}", 200),
        ("{here}/index.html?x", 200),
        ("http://evil.example", 401),
        ("http://127.0.0.1", 401),
        ("http://127.0.0.1:1", 401),
        ("null", 401),
        ("", 200),
    ],
)
async def test_pages_of_other_sites(
    stranger: Client, face: Face, header: str, page: str, status: int
) -> None:
    """What another site's page sends is 401, before anything else is looked at."""
    await stranger.login(USERNAME, PASSWORD)
    sent = {header: page.format(here=face.url)}
    reply = await stranger.ask("GET", "app/version", **sent)
    assert reply.status == status
    if status == 401:
        assert reply.text == "Unauthorized"
        assert (await stranger.ask("GET", "no/such", **sent)).status == 401


async def test_origin_counts_before_referer(stranger: Client, face: Face) -> None:
    """A page of ours that was linked to from elsewhere is a page of ours."""
    await stranger.login(USERNAME, PASSWORD)
    reply = await stranger.ask(
        "GET", "app/version", Origin=face.url, Referer="http://evil.example/"
    )
    assert reply.status == 200


async def test_a_login_from_another_site_is_refused(stranger: Client) -> None:
    """Nobody is logged in behind their back."""
    form = {"username": USERNAME, "password": PASSWORD}
    reply = await stranger.ask("POST", "auth/login", form, Origin="http://evil.example")
    assert reply.short == (401, "Unauthorized")


async def test_a_key_is_no_cookie(stranger: Client) -> None:
    """No page can borrow an API key: browser extensions may use one from wherever they are."""
    headers = {"Authorization": f"Bearer {API_KEY}", "Origin": "chrome-extension://abc"}
    assert (await stranger.ask("GET", "app/version", **headers)).status == 200


@pytest.mark.parametrize(("proxies", "status"), [(LOOPBACK, 403), ((), 401)])
async def test_forwarded_host_needs_trust(
    tmp_path: Path, proxies: tuple[IPv4Network, ...], status: int
) -> None:
    """A proxy that changes Host says what it was, and is believed when it is trusted."""
    async with serve_face(tmp_path, trusted_proxies=proxies) as face, client_of(face.url) as client:
        reply = await client.ask(
            "GET",
            "app/version",
            Origin="https://bridge.example",
            X_Forwarded_Host="bridge.example",
        )
        assert reply.status == status


async def test_protection_can_be_switched_off(tmp_path: Path) -> None:
    """Then any origin will do, and the cookie goes everywhere, as from qBittorrent."""
    async with serve_face(tmp_path, csrf_protection=False) as face, client_of(face.url) as client:
        cookie = (await client.login(USERNAME, PASSWORD)).headers["Set-Cookie"]
        assert "SameSite" not in cookie
        assert (await client.ask("GET", "app/version", Origin="http://x.example")).status == 200


async def test_any_host_is_fine(client: Client) -> None:
    """Containers are reached by many names and ports."""
    assert (await client.ask("GET", "app/version", Host="another.name:12345")).status == 200
