"""The page: who sees what of it, that it holds nothing foreign, and that its parts fit together."""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin

import pytest

from bridge.core.model import Phase
from bridge.doctor import Level
from bridge.simulator import magnet_of
from bridge.web.check import NOTHING_YET
from bridge.web.status import Row, Status
from bridge.web.story import Story
from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PASSWORD, USERNAME, Rig, pack

HASH = "ab" * 20
ASSETS = files("bridge.web") / "assets"
SCRIPT = (ASSETS / "page.js").read_text(encoding="utf-8")
STYLE = (ASSETS / "page.css").read_text(encoding="utf-8")
PAGES = ["/", f"/downloads/{HASH}"]
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
            assert {"page.css", "page.js", "login"} <= {link.rpartition("/")[2] for link in links}
            for link in links:
                target = urljoin(f"{set_up.url}{path}", link)
                assert target.startswith(f"{set_up.url}/")
                reply = await client.get(target.removeprefix(set_up.url))
                assert reply.status == (405 if link.endswith("login") else 200)
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


@pytest.mark.parametrize("path", [*PAGES, "/web/page.css", "/web/page.js"])
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


@pytest.mark.parametrize("text", [SCRIPT, STYLE, (ASSETS / "page.html").read_text("utf-8")])
def test_no_other_host_is_named(text: str) -> None:
    """The page loads nothing from elsewhere, so it works without the internet."""
    assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}


def test_what_comes_from_outside_is_text() -> None:
    """The script has no way to turn a name or a sentence into HTML or code."""
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|srcdoc|eval\(|Function\("
    )
    assert re.findall(ways, SCRIPT) == []
    assert "createElement(tag)" in SCRIPT


def test_the_script_finds_what_it_looks_for() -> None:
    """Each element that the script asks for by its id is in the page, once."""
    ids = [element.attributes.get("id") for element in page().elements]
    known = [name for name in ids if name is not None]
    assert len(known) == len(set(known))
    asked = set(re.findall(r'byId\("([\w-]+)"\)', SCRIPT))
    assert asked
    assert asked <= set(known)


def page() -> Document:
    """Take the page apart as it lies on disk."""
    return parsed((ASSETS / "page.html").read_text(encoding="utf-8"))


def test_the_script_knows_every_phase_and_level() -> None:
    """A phase or a level that is new has to be given its words."""
    assert set(Phase) | {"gone"} == set(table("PHASES"))
    assert set(Level) == set(table("LEVELS"))


def table(name: str) -> list[str]:
    """List the keys of a table of the script."""
    found = re.search(rf"const {name} = \{{(.+?)\}};", SCRIPT, re.DOTALL)
    assert found
    return re.findall(r"(\w+):", found[1])


@pytest.mark.parametrize(
    ("variable", "known"),
    [
        ("status", {*Status.__struct_fields__}),
        ("row", {*Row.__struct_fields__}),
        ("story", {*Story.__struct_fields__}),
        ("told", {*Story.__struct_fields__}),
        ("happened", {"at", "kind", "before", "after", "why"}),
        ("check", {*NOTHING_YET, "taken_at", "running"}),
        ("found", {"subject", "level", "text", "fix"}),
    ],
)
def test_the_script_reads_what_is_sent(variable: str, known: set[str]) -> None:
    """Each field that it reads of an answer is one that the answer has."""
    methods = {"push", "map", "filter", "flatMap", "length"}
    read = set(re.findall(rf"\b{variable}\.(\w+)", SCRIPT)) - methods
    assert read
    assert read <= known


def test_it_can_be_used_without_eyes_or_mouse() -> None:
    """Fields have labels, tables have headers, changes are announced, and there is a heading."""
    document = page()
    labels = {element.attributes["for"] for element in document.all("label")}
    assert {element.attributes["id"] for element in document.all("input")} == labels
    headers = list(document.all("th"))
    assert headers
    assert all(element.attributes.get("scope") == "col" for element in headers)
    for table_ in document.all("table"):
        assert table_.attributes["aria-labelledby"]
    live = {element.attributes.get("role") for element in document.elements}
    assert {"status", "alert"} <= live
    assert len(list(document.all("h1"))) == 1
    assert all(element.attributes.get("type") for element in document.all("button"))
    assert document.elements[0].attributes == {"lang": "en"}


def test_it_fits_phones_and_dark_rooms() -> None:
    """The width is the device's, and the colours follow what its user prefers."""
    names = {element.attributes.get("name") for element in page().all("meta")}
    assert {"viewport", "color-scheme"} <= names
    assert "prefers-color-scheme: dark" in STYLE
    assert "max-width" in STYLE


async def test_its_login_is_the_one_of_the_api(stranger: Client) -> None:
    """The form's fields and its address log in, and log out again, by qBittorrent's own routes."""
    document = parsed((await stranger.get("/")).text)
    (form,) = document.all("form")
    names = {element.attributes["name"] for element in document.all("input")}
    assert (form.attributes["method"], form.attributes["action"]) == ("post", "api/v2/auth/login")
    assert names == {"username", "password"}
    assert (await stranger.login(USERNAME, "wrong")).short == (200, "Fails.")
    assert (await stranger.login(USERNAME, PASSWORD)).short == (200, "Ok.")
    assert (await stranger.get("/api/bridge/status")).status == 200
    assert (await stranger.post("auth/logout")).status == 200
    assert (await stranger.get("/api/bridge/status")).status == 403


async def test_another_ui_takes_its_place(tmp_path: Path) -> None:
    """With another web UI the page is not there, and what it asks for is."""
    (tmp_path / "ui" / "public").mkdir(parents=True)
    (tmp_path / "ui" / "public" / "index.html").write_text("another", encoding="utf-8")
    rig = Rig(tmp_path, BRIDGE_WEB__ALTERNATIVE_UI=str(tmp_path / "ui"))
    await rig.open()
    try:
        assert (await rig.get("/"))[1] == "another"
        for path in ("/web/page.js", f"/downloads/{HASH}"):
            assert (await rig.get(path))[0] == 404
        assert (await rig.get("/api/bridge/status"))[0] == 200
    finally:
        await rig.close()
