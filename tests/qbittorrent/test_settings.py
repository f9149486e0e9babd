"""The settings reach the API."""

from pathlib import Path

from tests.support.http import client_of
from tests.support.rig import PASSWORD, USERNAME, Rig


async def test_profile_proxies_and_protection(tmp_path: Path) -> None:
    """The version of the profile, clients told apart behind a proxy, and no protection when so asked."""
    rig = Rig(
        tmp_path,
        None,
        BRIDGE_QBITTORRENT__PROFILE="5.1",
        BRIDGE_SERVER__TRUSTED_PROXIES="127.0.0.1",
        BRIDGE_WEB__CSRF_PROTECTION="false",
    )
    await rig.open()
    try:
        async with client_of(rig.url) as client:
            bad = {"username": "x", "password": "y"}
            for _ in range(5):
                await client.ask("POST", "auth/login", bad, X_Forwarded_For="192.0.2.1")
            assert (await client.login(USERNAME, PASSWORD)).text == "Ok."
            assert (await client.get("app/version")).text == "v5.1.4"
            shown = (await client.get("app/preferences")).json()
            assert shown["web_ui_reverse_proxies_list"] == "127.0.0.1/32"
            assert shown["web_ui_csrf_protection_enabled"] is False
            elsewhere = await client.ask("GET", "app/version", Origin="http://evil.example")
            assert elsewhere.status == 200
    finally:
        await rig.close()
