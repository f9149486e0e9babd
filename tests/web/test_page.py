"""The page: who sees what of it, that it holds nothing foreign, and that its parts fit together."""

import gzip
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest

from bridge.core.model import Phase, Reason
from bridge.dashboard import Overview
from bridge.doctor import Level
from bridge.history import HistoryRow, WeekFigures
from bridge.notify import EVENTS
from bridge.setup import Setting
from bridge.setup.settings_form import blank_settings
from bridge.simulator import magnet_of
from bridge.web.api_routes import SyncAnswer
from bridge.web.page import FILES, PARTS, SCRIPTS, TOP
from bridge.web.page_model import Row, group_of
from bridge.web.story import Remote, Story
from tests.support.entries import with_fields
from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PASSWORD, Rig, pack
from tests.support.scenes import download, entry

HASH = "ab" * 20
ASSETS = files("bridge.web") / "assets"
OWN = {name: (ASSETS / name).read_text("utf-8") for name in SCRIPTS if "/" not in name}
SCRIPT = "\n".join(OWN.values())
STYLE = (ASSETS / "page.css").read_text(encoding="utf-8")
PAGES = ["/", f"/downloads/{HASH}", *(f"/{part}" for part in PARTS)]
VENDORED = {
    "preact.js": "225d7a773766e6fb2cfcc45274fe41d2059f5782f3f2c4569aa5132a2d3a2902",
    "hooks.js": "5c65ab263688d0805862fd0807c779af02c2799c44fda0873dfcb870d0da70a0",
    "htm.js": "ab33dd3f38059b9be4d5f5350128eefb2356639c4e0bbe9d9e8b3ba75847e9e4",
}
"""As released (see vendor/README.md for what was changed); nobody edits them by hand."""
MOST_BYTES = 60_000
FIRST_BYTES = 40_000
EMPTY = frozenset({"meta", "link", "input", "img", "br", "hr"})


@dataclass
class Element:
    """An element of a page."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Document(HTMLParser):
    """A page, taken apart."""

    elements: list[Element] = field(default_factory=list)
    open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(self.elements[-1])

    def handle_endtag(self, tag: str) -> None:
        """Close an element, which must be the one opened last."""
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Note the text."""
        if self.open:
            self.open[-1].text += data

    def all(self, *tags: str) -> Iterator[Element]:
        """List the elements of these kinds."""
        return (element for element in self.elements if element.tag in tags)

    @property
    def links(self) -> list[str]:
        """Everything that the page points to."""
        names = ("href", "src", "action")
        found = (element.attributes.get(name) for element in self.elements for name in names)
        return [link for link in found if link is not None and not link.startswith("data:")]


def parsed(text: str) -> Document:
    """Take a page apart."""
    document = Document()
    document.feed(text)
    document.close()
    assert document.open == []
    return document


@pytest.fixture(name="stranger")
async def _stranger(rig: Rig) -> AsyncIterator[Client]:
    """A browser without a session."""
    async with client_of(rig.url) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_a_stranger_gets_a_login_and_nothing_else(
    rig: Rig, stranger: Client, path: str
) -> None:
    """The page is the same for everybody, whatever there is: all that is private it has to ask for."""
    before = await stranger.get(path)
    content = pack("Private.Name.S01")
    rig.sim.register(content)
    async with rig.arr() as arr:
        await arr.add_magnet(magnet_of(content))
    after = await stranger.get(path)
    inside = await stranger.ask("GET", path, Authorization=f"Bearer {API_KEY}")
    assert before.short == after.short == inside.short
    assert before.status == 200
    assert before.headers["Content-Type"] == "text/html; charset=utf-8"
    for private in (rig.sim.key, PASSWORD, API_KEY, "Private.Name", "0.1.0"):
        assert private not in before.text


async def test_a_client_that_only_probes(stranger: Client) -> None:
    """qbittorrent-api asks for the head first: 200 at once, without a redirect or a cookie."""
    reply = await stranger.ask("HEAD", "/")
    assert reply.short == (200, "")
    assert "Set-Cookie" not in reply.headers
    assert "Location" not in reply.headers


@pytest.mark.parametrize("base", ["", "/torbox"])
@pytest.mark.parametrize("path", PAGES)
async def test_its_links_work(set_up: Rig, base: str, path: str) -> None:
    """Whatever the page points to is there, also below a path, and is of this server."""
    set_up.change(BRIDGE_SERVER__URL_BASE=base)
    await set_up.start()
    try:
        async with client_of(set_up.url) as client:
            page = await client.get(path)
            links = parsed(page.text).links
            assert {"page.css", "app.js", "preact.js"} <= {
                link.rpartition("/")[2] for link in links
            }
            for link in links:
                target = urljoin(f"{set_up.url}{path}", link)
                assert target.startswith(f"{set_up.url}/")
                reply = await client.get(target.removeprefix(set_up.url))
                assert reply.status == 200
    finally:
        await set_up.stop()


async def test_the_address_without_its_slash(set_up: Rig) -> None:
    """A browser is led to where links work; a client that probes is not led anywhere."""
    set_up.change(BRIDGE_SERVER__URL_BASE="/torbox")
    await set_up.start()
    try:
        async with client_of(set_up.url.removesuffix("/torbox")) as client:
            got = await client.get("/torbox")
            assert (got.status, got.headers["Location"]) == (302, "/torbox/")
            assert (await client.ask("HEAD", "/torbox")).short == (200, "")
    finally:
        await set_up.stop()


@pytest.mark.parametrize("path", [*PAGES, "/web/page.css", "/web/app.js", "/web/vendor/preact.js"])
async def test_browsers_ask_each_time_and_load_once(stranger: Client, path: str) -> None:
    """An old script never meets a new page, and what is known is 304."""
    reply = await stranger.get(path)
    assert reply.headers["Cache-Control"] == "no-cache"
    again = await stranger.ask("GET", path, If_None_Match=reply.headers["ETag"])
    assert again.short == (304, "")
    assert (await stranger.ask("GET", path, If_None_Match='"other"')).status == 200


@pytest.mark.parametrize("path", PAGES)
async def test_nothing_but_its_own_files_may_run(stranger: Client, path: str) -> None:
    """The policy allows no inline code and no other host, and the page needs neither."""
    page = await stranger.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    assert set(re.findall(r"https?://[^/\s;]+", policy)) == set()
    document = parsed(page.text)
    assert [element.text.strip() for element in document.all("script", "style")] == [""]
    for element in document.elements:
        handlers = {name for name in element.attributes if name.startswith("on")}
        assert not handlers | ({"style"} & set(element.attributes))
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("text", [STYLE, (ASSETS / "page.html").read_text("utf-8")])
def test_no_other_host_is_named(text: str) -> None:
    """The page loads nothing from elsewhere, so it works without the internet."""
    assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}


def test_what_comes_from_outside_is_text() -> None:
    """The scripts have no way to turn a name or a sentence into HTML or code."""
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|eval\(|Function\("
    )
    assert re.findall(ways, SCRIPT) == []


@pytest.mark.parametrize(("name", "digest"), VENDORED.items())
def test_the_libraries_are_as_released(name: str, digest: str) -> None:
    """What is served is what was reviewed, and its licence and version are beside it."""
    vendor = ASSETS / "vendor"
    assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    assert f"`{name}`" in (vendor / "README.md").read_text("utf-8")
    assert "Permission is hereby granted" in (vendor / "preact.LICENSE").read_text("utf-8")
    assert "Apache License" in (vendor / "htm.LICENSE").read_text("utf-8")


def test_it_is_small() -> None:
    """All of it under 60 kB transferred, and what the first view needs under 40 kB."""
    sizes = {name: len(asset.packed) for name, asset in FILES.items()}
    later = {"add.js", "story.js", "history.js", "settings.js", "setup.js"}
    assert sum(sizes.values()) + len(TOP.packed) < MOST_BYTES
    first = sum(size for name, size in sizes.items() if name not in later)
    assert first + len(TOP.packed) < FIRST_BYTES


async def test_it_comes_packed(rig: Rig) -> None:
    """Gzip where the browser takes it, plain where not, and both are the same."""
    url = f"{rig.url}/web/app.js"
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(url, headers={"Accept-Encoding": "gzip"}) as packed:
            body = await packed.read()
            assert packed.headers["Content-Encoding"] == "gzip"
        async with session.get(url, headers={"Accept-Encoding": "identity"}) as plain:
            assert "Content-Encoding" not in plain.headers
            assert gzip.decompress(body) == await plain.read()


@pytest.mark.parametrize("name", ["page.html", "../page.py", "vendor/../page.js", "%2e%2e/page.py"])
async def test_nothing_else_is_served(stranger: Client, name: str) -> None:
    """Only the files of the list, whatever the path says."""
    assert (await stranger.get(f"/web/{name}")).status == 404


def test_the_scripts_know_every_word() -> None:
    """A phase, a group, a reason or an event that is new has to be given its words."""
    assert set(Phase) | {"gone"} == table("story.js", "PHASES")
    assert table("downloads.js", "GROUPS") == GROUP_NAMES
    assert set(Reason) == table("history.js", "REASONS")
    assert set(EVENTS) == table("settings.js", "EVENTS")
    assert set(Level) == table("overview.js", "LEVELS")
    sections = {key.split(".")[0] for key in (one.key for one in blank_settings())}
    assert sections == table("settings.js", "SECTIONS")


GROUP_NAMES = {"fetching", "torbox", "waiting", "failed", "paused", "seeding", "completed"}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("stopped", [False, True])
def test_every_download_has_a_group(phase: Phase, stopped: bool) -> None:
    """The list has a place for it."""
    assert group_of(with_fields(entry(download()), phase=phase, stopped=stopped)) in GROUP_NAMES


def table(script: str, name: str) -> set[str]:
    """List the keys of a table of a script."""
    found = re.search(rf"const {name} = \{{(.+?)\}};", OWN[script], re.DOTALL)
    assert found
    return set(re.findall(r"(\w+): [\"\[]", found[1]))


@pytest.mark.parametrize(
    ("script", "variable", "known"),
    [
        ("downloads.js", "row", {*Row.__struct_fields__}),
        ("store.js", "told", {*SyncAnswer.__struct_fields__}),
        ("overview.js", "overview", {*Overview.__struct_fields__}),
        ("story.js", "story", {*Story.__struct_fields__}),
        ("story.js", "remote", {*Remote.__struct_fields__}),
        ("story.js", "event", {"at", "kind", "before", "after", "why", "preventDefault"}),
        ("history.js", "row", {*HistoryRow.__struct_fields__}),
        ("history.js", "week", {*WeekFigures.__struct_fields__}),
        ("settings.js", "setting", {*Setting.__struct_fields__}),
    ],
)
def test_the_scripts_read_what_is_sent(script: str, variable: str, known: set[str]) -> None:
    """Each field that they read of an answer is one that the answer has."""
    read = set(re.findall(rf"(?<![\w.$]){variable}\??\.(\w+)", OWN[script]))
    assert read
    assert read <= known


def test_it_fits_phones_and_dark_rooms() -> None:
    """The width is the device's, and the colours follow what its user prefers."""
    document = parsed((ASSETS / "page.html").read_text(encoding="utf-8"))
    names = {element.attributes.get("name") for element in document.all("meta")}
    assert {"viewport", "color-scheme"} <= names
    assert "prefers-color-scheme: dark" in STYLE
    assert "prefers-reduced-motion" in STYLE


async def test_another_ui_takes_its_place(tmp_path: Path) -> None:
    """With another web UI the page is not there, and what it asks for is."""
    (tmp_path / "ui" / "public").mkdir(parents=True)
    (tmp_path / "ui" / "public" / "index.html").write_text("another", encoding="utf-8")
    rig = Rig(tmp_path, BRIDGE_WEB__ALTERNATIVE_UI=str(tmp_path / "ui"))
    await rig.open()
    try:
        assert (await rig.get("/"))[1] == "another"
        for path in ("/web/app.js", f"/downloads/{HASH}", "/settings"):
            assert (await rig.get(path))[0] == 404
        assert (await rig.get("/api/bridge/status"))[0] == 200
    finally:
        await rig.close()
