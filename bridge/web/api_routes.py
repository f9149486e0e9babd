"""The JSON API below /api/bridge as a table, the source of the router and of the OpenAPI file."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from aiohttp import web

from bridge import __version__
from bridge.dashboard import Overview, Preview
from bridge.history import HistoryPage
from bridge.setup import (
    ArrTest,
    ClientRequest,
    ClientResult,
    SettingsChange,
    SettingsPage,
    TorBoxTest,
)
from bridge.web import adding, check, configuring, health, page_endpoints, story
from bridge.web.page_actions import ActionRequest, ActionResult
from bridge.web.page_model import Row
from bridge.web.web_context import Problem, private_json, require_visitor, session

BASE: Final = "/api/bridge"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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


class ApiRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A method of a path."""

    method: str
    path: str
    handler: Handler
    summary: str
    takes: Any = None
    gives: Any = None
    query: tuple[tuple[str, str], ...] = ()
    status: int = 200
    text: bool = False
    """The answer is plain text."""


async def openapi(request: web.Request) -> web.Response:
    """Answer the OpenAPI description of the routes."""
    require_visitor(request)
    return private_json(msgspec.json.encode(document()))


ROUTES: Final[Sequence[ApiRoute]] = (
    ApiRoute(
        method="GET", path="/session", handler=session, gives=SessionAnswer,
        summary="Is there a session? Needs no session",
    ),
    ApiRoute(
        method="GET", path="/sync", handler=page_endpoints.sync, gives=SyncAnswer,
        summary="The rows and the overview of the page, or the changes since a version",
        query=(("since", "The version of the last answer"), ("overview", "Its overview_tag")),
    ),
    ApiRoute(
        method="POST", path="/actions", handler=page_endpoints.act, takes=ActionRequest, gives=ActionResult,
        summary="Apply an action to rows: pause, resume, retry, remove and others",
    ),
    ApiRoute(
        method="POST", path="/add", handler=adding.add, takes=adding.AddRequest,
        gives=list[adding.AddedRow], summary="Add magnets, links and .torrent files",
    ),
    ApiRoute(
        method="POST", path="/preview", handler=adding.preview, takes=adding.PreviewRequest,
        gives=Preview, summary="The files of a torrent before it is added",
    ),
    ApiRoute(
        method="GET", path="/downloads/{id}", handler=story.story, gives=story.Story,
        summary="Everything about one download",
    ),
    ApiRoute(
        method="GET", path="/downloads/{id}/report", handler=story.report, text=True,
        summary="The same as text without secrets, for a bug report",
    ),
    ApiRoute(
        method="POST", path="/downloads/{id}/files", handler=story.set_files,
        takes=story.FilePriority, gives=dict[str, str], summary="Set the priority of files",
    ),
    ApiRoute(
        method="GET", path="/choices", handler=page_endpoints.choices, gives=page_endpoints.Choices,
        summary="Categories and tags",
    ),
    ApiRoute(
        method="GET", path="/clean-up", handler=page_endpoints.clean_up, gives=page_endpoints.CleanUpAnswer,
        summary="Scheduled automatic removals, and files and items that are left alone",
    ),
    ApiRoute(
        method="GET", path="/history", handler=page_endpoints.history, gives=HistoryPage,
        summary="The outcomes of downloads, and figures of the last week",
        query=(
            ("text", "Part of a name or category"),
            ("outcome", "`completed`, `imported`, `failed`, `reported` or `removed`"),
            ("before", "Only rows whose last_at is earlier, in unix seconds"),
        ),
    ),
    ApiRoute(
        method="GET", path="/status", handler=health.status, gives=health.StatusAnswer,
        summary="Health of the bridge and the state of each download, for scripts",
    ),
    ApiRoute(
        method="GET", path="/check", handler=check.show, gives=CheckAnswer,
        summary="The last result of the check",
    ),
    ApiRoute(
        method="POST", path="/check", handler=check.ask, gives=CheckAnswer, status=202,
        summary="Check the setup now",
    ),
    ApiRoute(
        method="GET", path="/account", handler=page_endpoints.account, gives=list[page_endpoints.Stranger],
        summary="Torrents on the TorBox account that the bridge does not have",
    ),
    ApiRoute(
        method="POST", path="/account", handler=page_endpoints.adopt, takes=page_endpoints.Wish,
        gives=dict[str, dict[str, str]], summary="Adopt torrents of the account",
    ),
    ApiRoute(
        method="GET", path="/settings", handler=configuring.show_settings, gives=SettingsPage,
        summary="Every setting with its help, default, value and source",
    ),
    ApiRoute(
        method="POST", path="/settings", handler=configuring.save_settings, takes=SettingsChange,
        gives=configuring.Saved, summary="Write settings to the YAML file",
    ),
    ApiRoute(
        method="POST", path="/restart", handler=configuring.restart, gives=configuring.Outcome,
        status=202, summary="Restart with the current settings",
    ),
    ApiRoute(
        method="POST", path="/setup/torbox", handler=configuring.test_torbox,
        takes=configuring.TorBoxKey, gives=TorBoxTest, summary="Test a TorBox API key",
    ),
    ApiRoute(
        method="POST", path="/setup/arr", handler=configuring.test_arr,
        takes=configuring.ArrAddress, gives=ArrTest, summary="Test an *arr's URL and API key",
    ),
    ApiRoute(
        method="POST", path="/setup/client", handler=configuring.create_client,
        takes=ClientRequest, gives=ClientResult,
        summary="Make the bridge a download client of an *arr",
    ),
    ApiRoute(
        method="POST", path="/notify/test", handler=configuring.test_notify,
        takes=configuring.NotifyTest, gives=configuring.Outcome, summary="Send a test message",
    ),
    ApiRoute(method="GET", path="/openapi.json", handler=openapi, summary="This description"),
)  # fmt: skip


def add_routes(app: web.Application, base: str) -> None:
    """Add the routes below `base` (`""` or `/torbox`)."""
    for route in ROUTES:
        path = f"{base}{BASE}{route.path}"
        if route.method == "GET":
            app.router.add_get(path, route.handler)
        else:
            app.router.add_post(path, route.handler)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI description of the routes and their types."""
    types = [kind for route in ROUTES for kind in (route.takes, route.gives) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        [*types, Problem], ref_template="#/components/schemas/{name}"
    )
    made = iter(schemas)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        takes = next(made) if route.takes is not None else None
        gives = next(made) if route.gives is not None else None
        paths.setdefault(f"{BASE}{route.path}", {})[route.method.lower()] = _operation(
            route, takes, gives
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "torbox-bridge", "version": __version__},
        "security": [{"session": []}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "SID"},
                "key": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(route: ApiRoute, takes: Any, gives: Any) -> dict[str, Any]:
    if route.text:
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
