"""The JSON API below /api/bridge as a table, the source of the router and of the OpenAPI file."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from inspect import cleandoc
from typing import Any, Final, get_type_hints

import msgspec
from aiohttp import web

from bridge import __version__
from bridge.auth import authenticate
from bridge.dashboard import Overview
from bridge.web import adding, check, configuring, health, page_endpoints, story
from bridge.web.page_model import Row
from bridge.web.web_context import (
    ACCESS,
    LARGE_BODY,
    SMALL_BODY,
    Problem,
    private_json,
    read_body,
    require_visitor,
)

BASE: Final = "/api/bridge"


class SyncAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The changes since a version. `full`: `rows` has all rows; drop every other row."""

    version: str
    full: bool
    rows: tuple[Row, ...]
    gone: tuple[int, ...]
    """Ids of removed rows."""
    overview: Overview | None
    """Null if the request's overview tag is still current."""
    overview_tag: str


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the request has a session or the API key."""

    inside: bool


class CheckFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A result of the check."""

    subject: str
    level: str
    """`ok`, `warning` or `problem`."""
    text: str
    fix: str


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The last result of the check."""

    healthy: bool | None
    findings: tuple[CheckFinding, ...]
    taken_at: float | None
    running: bool


class ApiRoute(msgspec.Struct, frozen=True):
    """A method of a path. The types of body and answer are those of its handler's annotations."""

    method: str
    path: str
    handler: Callable[..., Awaitable[object]]
    """Called with the request and, if there is one, the body as `wanted`."""
    summary: str
    query: tuple[tuple[str, str], ...] = ()
    status: int = 200
    limit: int = SMALL_BODY
    """Bytes of the body."""
    public: bool = False
    """It needs neither a session nor the API key."""
    encodes: Any = None
    """The type of an answer that the handler encodes itself."""

    @property
    def takes(self) -> Any:
        """The type of the body; None without one."""
        return get_type_hints(self.handler).get("wanted")

    @property
    def gives(self) -> Any:
        """The type of the answer: `str` is plain text; None is not described."""
        found = get_type_hints(self.handler)["return"]
        return self.encodes if self.encodes or found is web.Response else found

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Check who asks, read the body, and encode what the handler returns."""
        if not self.public:
            require_visitor(request)
        body = () if self.takes is None else (await read_body(request, self.takes, self.limit),)
        found = await self.handler(request, *body)
        match found:
            case web.StreamResponse():
                return found
            case str():
                return web.Response(text=found)
            case _:
                return private_json(found, self.status)


async def session(request: web.Request) -> SessionAnswer:
    """Answer whether the request has a session or the API key."""
    return SessionAnswer(inside=authenticate(request, request.app[ACCESS]) is not None)


async def openapi(_request: web.Request) -> web.Response:
    """Answer the OpenAPI description of the routes."""
    return private_json(document())


ROUTES: Final[Sequence[ApiRoute]] = (
    ApiRoute("GET", "/session", session, "Is there a session? Needs no session", public=True),
    ApiRoute(
        "GET", "/sync", page_endpoints.sync,
        "The rows and the overview of the page, or the changes since a version",
        query=(("since", "The version of the last answer"), ("overview", "Its overview_tag")),
        encodes=SyncAnswer,
    ),
    ApiRoute(
        "POST", "/actions", page_endpoints.act,
        "Apply an action to rows: pause, resume, retry, remove and others", limit=4 * 1024**2,
    ),
    ApiRoute("POST", "/add", adding.add, "Add magnets, links and .torrent files", limit=LARGE_BODY),
    ApiRoute(
        "POST", "/preview", adding.preview, "The files of a torrent before it is added",
        limit=LARGE_BODY,
    ),
    ApiRoute("GET", "/downloads/{id}", story.story, "Everything about one download"),
    ApiRoute(
        "GET", "/downloads/{id}/report", story.report,
        "The same as text without secrets, for a bug report",
    ),
    ApiRoute("POST", "/downloads/{id}/files", story.set_files, "Set the priority of files"),
    ApiRoute("GET", "/choices", page_endpoints.choices, "Categories and tags"),
    ApiRoute(
        "GET", "/clean-up", page_endpoints.clean_up,
        "Scheduled automatic removals, and files and items that are left alone",
    ),
    ApiRoute(
        "GET", "/history", page_endpoints.history,
        "The outcomes of downloads, and figures of the last week",
        query=(
            ("text", "Part of a name or category"),
            ("outcome", "`completed`, `imported`, `failed`, `reported` or `removed`"),
            ("before", "Only rows whose last_at is earlier, in unix seconds"),
        ),
    ),
    ApiRoute(
        "GET", "/status", health.status,
        "Health of the bridge and the state of each download, for scripts",
    ),
    ApiRoute("GET", "/check", check.show, "The last result of the check", encodes=CheckAnswer),
    ApiRoute(
        "POST", "/check", check.ask, "Check the setup now", status=202, encodes=CheckAnswer
    ),
    ApiRoute(
        "GET", "/account", page_endpoints.account,
        "Torrents on the TorBox account that the bridge does not have",
    ),
    ApiRoute("POST", "/account", page_endpoints.adopt, "Adopt torrents of the account"),
    ApiRoute(
        "GET", "/settings", configuring.show_settings,
        "Every setting with its help, default, value and source",
    ),
    ApiRoute(
        "POST", "/settings", configuring.save_settings, "Write settings to the YAML file",
        encodes=configuring.Saved,
    ),
    ApiRoute(
        "POST", "/restart", configuring.restart, "Restart with the current settings", status=202
    ),
    ApiRoute("POST", "/setup/torbox", configuring.test_torbox, "Test a TorBox API key"),
    ApiRoute("POST", "/setup/arr", configuring.test_arr, "Test an *arr's URL and API key"),
    ApiRoute(
        "POST", "/setup/client", configuring.create_client,
        "Make the bridge a download client of an *arr",
    ),
    ApiRoute("POST", "/notify/test", configuring.test_notify, "Send a test message"),
    ApiRoute("GET", "/openapi.json", openapi, "This description"),
)  # fmt: skip


def add_routes(app: web.Application, base: str) -> None:
    """Add the routes below `base` (`""` or `/torbox`)."""
    for route in ROUTES:
        add = app.router.add_get if route.method == "GET" else app.router.add_post
        add(f"{base}{BASE}{route.path}", route.serve)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI description of the routes and their types."""
    types = {kind for route in ROUTES for kind in (route.takes, route.gives)} - {None, str}
    kinds = (*sorted(types, key=repr), Problem)
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    for component in components.values():
        if "description" in component:
            # Up to 3.12, Python keeps the indentation of a docstring.
            component["description"] = cleandoc(component["description"])
    schema_of = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operations = paths.setdefault(f"{BASE}{route.path}", {})
        operations[route.method.lower()] = _operation(
            route, schema_of.get(route.takes), schema_of.get(route.gives)
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "torbox-bridge", "version": __version__},
        "security": [{"session": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "SID"},
                "key": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: ApiRoute, takes: Any, gives: Any) -> dict[str, Any]:
    if route.gives is str:
        content: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    else:
        content = {"application/json": {"schema": gives or {"type": "object"}}}
    refused = {
        "description": "Refused, with the reason",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    operation: dict[str, Any] = {
        "summary": route.summary,
        "responses": {
            str(route.status): {"description": "Done", "content": content},
            "400": refused,
            "401": {"description": "Sent by the page of another site"},
            "403": {"description": "Neither a session nor the API key"},
        },
    }
    if takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": takes}},
        }
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "query", "description": words, "schema": {"type": "string"}}
        for name, words in route.query
    ]
    if "{id}" in route.path:
        parameters.append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
        )
    if parameters:
        operation["parameters"] = parameters
    return operation
