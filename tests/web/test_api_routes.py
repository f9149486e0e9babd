"""The JSON API as a whole: who may ask, and what is written down of it."""

import json
import re
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from bridge.web.api_routes import BASE, ROUTES, document
from tests.support.http import Client, client_of
from tests.support.rig import API_KEY, PASSWORD, USERNAME, Rig

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "openapi.json"
DOCS = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
H = "0" * 40
PRIVATE = [
    (route.method, BASE + route.path.replace("{id}", H))
    for route in ROUTES
    if route.path != "/session"
]
LET_IN = {200, 202, 400, 404, 409}


def test_the_openapi_file_is_what_the_code_says() -> None:
    """After a change: `python -m tests.support.openapi`."""
    assert json.loads(FILE.read_text(encoding="utf-8")) == json.loads(json.dumps(document()))


def test_every_reference_leads_somewhere() -> None:
    """A generator of clients can read it."""
    text = json.dumps(document())
    names = set(re.findall(r"#/components/schemas/([^\"]+)", text))
    assert names == set(document()["components"]["schemas"])


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_documented(route: object) -> None:
    """docs/api.md has a heading for each."""
    assert f"{route.method} {BASE}{route.path}`" in DOCS  # type: ignore[attr-defined]


def sections() -> dict[str, list[str]]:
    """Return the JSON examples of docs/api.md, by the heading they stand below."""
    parts = re.split(r"^### `(.+)`$", DOCS, flags=re.MULTILINE)
    return {
        heading: re.findall(r"^```json$(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        for heading, text in zip(parts[1::2], parts[2::2], strict=True)
    }


EXAMPLES = [
    pytest.param(heading, text, id=f"{heading} {number}")
    for heading, texts in sections().items()
    for number, text in enumerate(texts, 1)
]


def strange(example: object, known: object, at: str = "") -> list[str]:
    """List the names of an example that its type does not have."""
    if isinstance(example, dict) and isinstance(known, dict):
        missing = [f"{at}.{name}" for name in example if name not in known]
        inner = [
            strange(example[name], known[name], f"{at}.{name}") for name in known.keys() & example
        ]
        return missing + [name for names in inner for name in names]
    if isinstance(example, list) and isinstance(known, list):
        pairs = zip(example, known, strict=True)
        return [name for one, other in pairs for name in strange(one, other, f"{at}[]")]
    return []


@pytest.mark.parametrize(("heading", "text"), EXAMPLES)
def test_every_example_is_valid(heading: str, text: str) -> None:
    """An example of docs/api.md is what its route takes or gives, and no name in it is wrong."""
    route = next(one for one in ROUTES if heading == f"{one.method} {BASE}{one.path}")
    found = []
    for kind in (route.takes, route.gives):
        with suppress(msgspec.ValidationError):
            read = msgspec.json.decode(text, type=kind) if kind is not None else None
            found.append(strange(json.loads(text), msgspec.to_builtins(read)))
    assert [] in found, found


def test_there_are_examples() -> None:
    """Of the routes that scripts use."""
    assert len(EXAMPLES) > 12


@pytest.mark.parametrize(("method", "path"), PRIVATE)
async def test_it_takes_a_session_or_the_key(rig: Rig, method: str, path: str) -> None:
    """403 for strangers, never a redirect; a cookie or the key is enough."""
    async with client_of(rig.url) as client:
        assert (await client.ask(method, path)).status == 403
        wrong = await client.ask(method, path, Authorization="Bearer wrong-key-of-somebody")
        assert wrong.status == 403
        key = await client.ask(method, path, Authorization=f"Bearer {API_KEY}")
        await logged_in(client)
        assert key.status == (await client.ask(method, path)).status in LET_IN
        reply = await client.ask(method, path, Origin="http://evil.example")
        assert reply.status == 401
        assert (await client.ask(method, path, Origin=rig.url)).status in LET_IN


async def test_a_stranger_learns_only_that_it_is_one(rig: Rig) -> None:
    """The page asks whether to show the login, without an error in the browser's console."""
    async with client_of(rig.url) as client:
        assert (await client.get("/api/bridge/session")).json() == {"inside": False}
        await logged_in(client)
        assert (await client.get("/api/bridge/session")).json() == {"inside": True}


async def logged_in(client: Client) -> None:
    """Log in as a browser does."""
    assert (await client.login(USERNAME, PASSWORD)).text == "Ok."
