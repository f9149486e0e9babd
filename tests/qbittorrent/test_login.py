"""Logins, sessions and the API key."""

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.support.face import API_KEY, PASSWORD, USERNAME, Face, serve_face
from tests.support.http import Client, client_of

LOOPBACK = (IPv4Network("127.0.0.0/8"),)


async def test_login_gives_exactly_one_cookie(stranger: Client) -> None:
    """Lidarr and Readarr want exactly `Ok.`; three of five read only the first Set-Cookie."""
    reply = await stranger.login(USERNAME, PASSWORD)
    assert reply.short == (200, "Ok.")
    assert reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
    cookies = reply.headers.getall("Set-Cookie")
    assert len(cookies) == 1
    assert re.fullmatch(r"SID=[A-Za-z0-9_-]{32}; HttpOnly; path=/; SameSite=Strict", cookies[0])
    assert (await stranger.get("app/version")).short == (200, "v4.6.7")


@pytest.mark.parametrize("form", [{}, {"username": USERNAME}, {"username": "x", "password": "y"}])
async def test_bad_login_is_200_fails_without_a_cookie(
    stranger: Client, form: dict[str, str]
) -> None:
    """All clients understand `Fails.`; several do not understand 401."""
    reply = await stranger.post("auth/login", **form)
    assert reply.short == (200, "Fails.")
    assert "Set-Cookie" not in reply.headers


async def test_login_with_a_living_session_is_not_checked(stranger: Client) -> None:
    """A client that is logged in gets `Ok.` and no new cookie, as from qBittorrent."""
    await stranger.login(USERNAME, PASSWORD)
    reply = await stranger.post("auth/login", username="x", password="y")
    assert reply.short == (200, "Ok.")
    assert "Set-Cookie" not in reply.headers


async def test_login_with_a_dead_cookie_works(stranger: Client) -> None:
    """Radarr sends its old cookie with the login."""
    stranger.headers["Cookie"] = "SID=of-yesterday"
    assert (await stranger.login(USERNAME, PASSWORD)).headers["Set-Cookie"]


async def test_login_takes_multipart_but_no_json(stranger: Client) -> None:
    """A form is a form in either encoding; JSON is 400."""
    body = (
        f'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\n{USERNAME}\r\n'
        f'--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{PASSWORD}\r\n--b--\r\n'
    )
    kind = "multipart/form-data; boundary=b"
    reply = await stranger.ask("POST", "auth/login", body, Content_Type=kind)
    assert reply.text == "Ok."
    reply = await stranger.ask("POST", "auth/login", b"{}", Content_Type="application/json")
    assert reply.status == 400


async def test_strangers_cannot_make_the_bridge_hold_much(stranger: Client) -> None:
    """A login is small: what is larger is refused before it is held."""
    reply = await stranger.post("auth/login", username="x" * 20_000, password="y")
    assert reply.status == 413


@pytest.mark.parametrize(
    ("cookie", "status"),
    [
        ("SID=x; QBT_SID_8080=y; {ours}", 200),
        ("{ours}; SID=x", 200),
        ("SID=x; {ours}", 200),
        ("bad name=1; =; ;;{ours}", 200),
        ("SID=x; QBT_SID_8080=y", 403),
        ("SID=", 403),
        ("", 403),
    ],
)
async def test_any_valid_cookie_will_do(stranger: Client, cookie: str, status: int) -> None:
    """Cookies of other servers on the host are passed over, also those of the same name."""
    await stranger.login(USERNAME, PASSWORD)
    stranger.headers["Cookie"] = cookie.format(ours=stranger.headers["Cookie"])
    assert (await stranger.get("app/version")).status == status


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (f"Bearer {API_KEY}", 200),
        (f"bearer {API_KEY}", 200),
        ("Bearer wrong", 403),
        ("Bearer ", 403),
        ("Basic Og==", 403),
        ("Basic YWRtaW46d3Jvbmc=", 403),
        ("nonsense", 403),
    ],
)
async def test_authorization(stranger: Client, header: str, status: int) -> None:
    """The API key comes in; Basic, with whatever in it, neither helps nor harms."""
    stranger.headers["Authorization"] = header
    assert (await stranger.get("app/webapiVersion")).status == status


async def test_logout_ends_the_session(stranger: Client) -> None:
    """After a logout the cookie is worth nothing; without a session there is no logout."""
    assert (await stranger.post("auth/logout")).short == (403, "Forbidden")
    await stranger.login(USERNAME, PASSWORD)
    reply = await stranger.post("auth/logout")
    assert reply.short == (200, "")
    assert reply.headers["Set-Cookie"].startswith("SID=; expires=")
    assert (await stranger.get("app/version")).status == 403


async def test_the_cookie_is_secure_behind_tls(tmp_path: Path) -> None:
    """A trusted proxy says that the client uses TLS; nobody else is believed."""
    form = {"username": USERNAME, "password": PASSWORD}
    for proxies, secure in ((LOOPBACK, True), ((), False)):
        async with (
            serve_face(tmp_path / str(secure), trusted_proxies=proxies) as face,
            client_of(face.url) as client,
        ):
            reply = await client.ask("POST", "auth/login", form, X_Forwarded_Proto="https")
            assert ("; Secure" in reply.headers["Set-Cookie"]) is secure
            client.headers.clear()
            reply = await client.ask("POST", "auth/login", form)
            assert "; Secure" not in reply.headers["Set-Cookie"]


async def test_nothing_of_the_api_is_cached(client: Client, stranger: Client) -> None:
    """Neither replies nor refusals; none names the server's software."""
    for reply in (await client.get("torrents/info"), await stranger.get("torrents/info")):
        assert reply.headers["Cache-Control"] == "no-store"
        assert "Server" not in reply.headers


async def test_a_new_password_ends_the_other_sessions(stranger: Client, face: Face) -> None:
    """A new password ends the other sessions; the browser that changed it stays logged in."""
    async with client_of(face.url) as other:
        await other.login(USERNAME, PASSWORD)
        await stranger.login(USERNAME, PASSWORD)
        changed = '{"web_ui_password":"another password"}'
        assert (await stranger.post("app/setPreferences", json=changed)).status == 200
        assert (await stranger.get("app/version")).status == 200
        assert (await other.get("app/version")).status == 403
        other.headers.clear()
        assert (await other.login(USERNAME, "another password")).text == "Ok."


@pytest.mark.parametrize(
    ("networks", "headers", "status"),
    [
        (LOOPBACK, {}, 200),
        (LOOPBACK, {"Host": "bridge:8080"}, 200),
        (LOOPBACK, {"Host": "[::1]:8080"}, 200),
        (LOOPBACK, {"Host": "nas.lan"}, 200),
        (LOOPBACK, {"Host": "rebound.example.com"}, 403),
        (LOOPBACK, {"Origin": "http://evil.example"}, 401),
        (LOOPBACK, {"X_Forwarded_For": "8.8.8.8"}, 200),
        ((IPv4Network("192.168.0.0/16"),), {}, 403),
        ((IPv4Network("192.168.0.0/16"),), {"X_Forwarded_For": "192.168.0.7"}, 403),
        ((), {}, 403),
    ],
)
async def test_exempt_networks_need_no_login(
    tmp_path: Path, networks: tuple[IPv4Network, ...], headers: dict[str, str], status: int
) -> None:
    """Programs do not, as the *arr know it; web pages get nothing, not even by DNS rebinding."""
    async with (
        serve_face(tmp_path, exempt_networks=networks) as face,
        client_of(face.url) as client,
    ):
        assert (await client.ask("GET", "app/version", **headers)).status == status


async def test_behind_a_proxy_the_client_has_to_be_exempt(tmp_path: Path) -> None:
    """Not the proxy: it carries everybody's requests."""
    async with (
        serve_face(tmp_path, trusted_proxies=LOOPBACK, exempt_networks=LOOPBACK) as face,
        client_of(face.url) as client,
    ):
        for address, status in (("8.8.8.8", 403), ("127.0.0.9", 200)):
            reply = await client.ask("GET", "app/version", X_Forwarded_For=address)
            assert reply.status == status
        assert (await client.post("auth/login")).text == "Ok."
