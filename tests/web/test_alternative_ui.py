"""Another web UI: its files and nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from bridge.app import check
from bridge.auth import Access, hash_password
from bridge.config import load
from bridge.listen import CannotStart
from bridge.qbittorrent import add_security_headers
from bridge.web import add_alternative_ui
from tests.support.http import Client, Reply, client_of
from tests.support.rig import PASSWORD, USERNAME, Rig

KEY = "a-key-of-the-user"
HASHED = hash_password("x")


def make_ui(root: Path) -> Path:
    """Lay out a web UI and something beside it that is nobody's business."""
    folder = root / "ui"
    files = {
        "public/index.html": "login",
        "public/style.css": "a{}",
        "public/deep/logo.svg": "<svg/>",
        "public/only-public.js": "1",
        "private/index.html": "inside",
        "private/secret.js": "2",
        "version.txt": "1.0",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (root / "secret.txt").write_text("secret", encoding="utf-8")
    (folder / "public" / "out.txt").symlink_to(root / "secret.txt")
    (folder / "public" / "inside.js").symlink_to(folder / "private" / "secret.js")
    (folder / "public" / "up").symlink_to(root)
    (folder / "public" / "loop").symlink_to(folder / "public" / "loop")
    (folder / "public" / "same.css").symlink_to("style.css")
    return folder


@asynccontextmanager
async def serving(folder: Path, base: str = "") -> AsyncIterator[Client]:
    """Serve a UI below `base`; the client is a stranger until it sends the key."""
    access = Access(username="admin", password_hash=HASHED, api_key=KEY, clock=lambda: 0.0)
    app = web.Application()
    app.on_response_prepare.append(add_security_headers)
    add_alternative_ui(app, base, folder, access)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with client_of(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            yield client
    finally:
        await runner.cleanup()


@pytest.fixture(name="ui")
async def _ui(tmp_path: Path) -> AsyncIterator[Client]:
    async with serving(make_ui(tmp_path)) as client:
        yield client


async def inside(ui: Client, path: str) -> Reply:
    """Ask as somebody who may come in."""
    return await ui.ask("GET", path, Authorization=f"Bearer {KEY}")


async def test_who_may_come_in_sees_another_page(ui: Client) -> None:
    """`/` is the login for strangers and the UI for who has a session."""
    assert (await ui.get("/")).short == (200, "login")
    assert (await inside(ui, "/")).short == (200, "inside")
    assert (await inside(ui, "/index.html")).short == (200, "inside")
    assert (await ui.get("/")).headers["Content-Type"] == "text/html"


async def test_private_files_need_a_session(ui: Client) -> None:
    """Public ones do not, and are there for both."""
    assert (await ui.get("/secret.js")).status == 404
    assert (await inside(ui, "/secret.js")).short == (200, "2")
    for reply in (await ui.get("/only-public.js"), await inside(ui, "/only-public.js")):
        assert reply.short == (200, "1")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/deep/../../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2f..%2fsecret.txt",
        "/..%5csecret.txt",
        "/../private/secret.js",
        "/%2e%2e/private/secret.js",
        "/../version.txt",
        "/out.txt",
        "/inside.js",
        "/up/secret.txt",
        "/up",
        "/loop",
        "/deep",
        "/deep/",
        "/nope.js",
        "/a%00b",
        "/" + "a" * 300,
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/api/v2/no/such",
        "/api/index.html",
    ],
)
async def test_nothing_else_is_served(ui: Client, path: str) -> None:
    """No path and no symlink leads out, folders are not listed, and a miss is text, not the page."""
    reply = await ui.get(path)
    assert reply.status == 404
    assert reply.headers["Content-Type"].startswith("text/plain")


async def test_a_symlink_that_stays_inside_is_a_file(ui: Client) -> None:
    """What it points to could be asked for by its own name."""
    assert (await ui.get("/same.css")).text == "a{}"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/", "no-cache"),
        ("/style.css", "private, max-age=43200"),
        ("/only-public.js", "private, max-age=43200"),
        ("/deep/logo.svg", "private, max-age=604800"),
    ],
)
async def test_browsers_keep_files(ui: Client, path: str, rule: str) -> None:
    """Pictures for a week, code for half a day, pages never unasked; unchanged files are 304."""
    reply = await ui.get(path)
    assert reply.headers["Cache-Control"] == rule
    assert reply.headers["Last-Modified"]
    again = await ui.ask("GET", path, If_None_Match=reply.headers["ETag"])
    assert again.short == (304, "")


async def test_files_have_the_servers_headers(ui: Client) -> None:
    """Other sites cannot frame the UI, and nothing tells what really answers."""
    reply = await ui.get("/")
    assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in reply.headers["Content-Security-Policy"]
    assert "Server" not in reply.headers


async def test_head_but_no_writes(ui: Client) -> None:
    """Files are read only."""
    assert (await ui.ask("HEAD", "/style.css")).short == (200, "")
    assert (await ui.ask("POST", "/style.css")).status == 405


async def test_below_a_path(tmp_path: Path) -> None:
    """Relative links work: without its slash the address leads to the one with it."""
    async with serving(make_ui(tmp_path), "/torbox") as client:
        assert (await client.get("/torbox/style.css")).text == "a{}"
        reply = await client.get("/torbox")
        assert (reply.status, reply.headers["Location"]) == (302, "/torbox/")
        assert (await client.get("/")).status == 404


async def test_a_ui_without_private_serves_the_public_one(tmp_path: Path) -> None:
    """VueTorrent has only `public/`, and its page does the login itself."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "index.html").write_text("vue", encoding="utf-8")
    async with serving(tmp_path) as client:
        assert (await client.get("/")).text == (await inside(client, "/")).text == "vue"


async def test_the_bridge_serves_it_beside_the_api(tmp_path: Path) -> None:
    """The UI has what nothing else has: the API, health and unknown API paths stay as they are."""
    rig = Rig(tmp_path, None, BRIDGE_WEB__ALTERNATIVE_UI=str(make_ui(tmp_path)))
    await rig.open()
    try:
        async with client_of(rig.url) as client:
            assert (await client.get("/")).short == (200, "login")
            await client.login(USERNAME, PASSWORD)
            assert (await client.get("/")).short == (200, "inside")
            assert (await client.get("app/version")).text == "v4.6.7"
            preferences = (await client.get("app/preferences")).json()
            assert preferences["alternative_webui_enabled"] is True
            assert (await client.get("/healthz")).status == 200
            for path in ("/api/v2/no/such", "/api/v1", "/version/api"):
                assert (await client.get(path)).status == 404
    finally:
        await rig.close()


async def test_a_folder_without_a_ui_is_told_at_the_start(tmp_path: Path) -> None:
    """Better than a page that is never found."""
    environ = {"BRIDGE_WEB__ALTERNATIVE_UI": str(tmp_path), "TORBOX_API_KEY": "x"}
    settings = load(None, {"BRIDGE_PATHS__DOWNLOADS": str(tmp_path), **environ})
    with pytest.raises(CannotStart) as refused:
        check(settings)
    assert [problem for problem in refused.value.problems if "web.alternative_ui" in problem]
