"""Every endpoint of the API: method, path, name, parameters, handler."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bridge.simulator import extras, parameters, queue, torrents
from bridge.simulator.backend import Backend
from bridge.simulator.call import Call
from bridge.simulator.parameters import P, read
from bridge.simulator.replies import Reply, unprocessable

API = "/v1/api"

Auth = Literal["bearer", "token", "none"]
Where = Literal["query", "body"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. `run` reads the parameters and does the work."""

    method: str
    path: str
    name: str
    run: Callable[[Backend, Call], Reply]
    auth: Auth = "bearer"


def _endpoint(
    method: str,
    path: str,
    kind: type[P],
    handler: Callable[[Backend, Call, P], Reply],
    *,
    auth: Auth = "bearer",
    name: str | None = None,
) -> Endpoint:
    where: Where = "query" if method == "GET" else "body"

    def run(backend: Backend, call: Call) -> Reply:
        if call.broken:
            return unprocessable("body", "", "the body cannot be read", "value_error.jsondecode")
        asked = read(kind, call.everything, where)
        return asked if isinstance(asked, Reply) else handler(backend, call, asked)

    return Endpoint(method, path, name or path.rsplit("/", 1)[-1], run, auth)


ENDPOINTS = (
    _endpoint("GET", "/", parameters.Nothing, extras.status, auth="none", name="status"),
    _endpoint("POST", f"{API}/torrents/createtorrent", parameters.Create, torrents.create),
    _endpoint(
        "POST", f"{API}/torrents/asynccreatetorrent", parameters.Create, torrents.create_later
    ),
    _endpoint("POST", f"{API}/torrents/controltorrent", parameters.Control, torrents.control),
    _endpoint(
        "GET",
        f"{API}/torrents/requestdl",
        parameters.RequestLink,
        torrents.request_link,
        auth="token",
    ),
    _endpoint("GET", f"{API}/torrents/mylist", parameters.Listing, torrents.my_list),
    _endpoint("GET", f"{API}/torrents/checkcached", parameters.CheckCached, torrents.check_cached),
    _endpoint(
        "POST",
        f"{API}/torrents/checkcached",
        parameters.CheckCachedBody,
        torrents.check_cached_many,
    ),
    _endpoint("GET", f"{API}/torrents/torrentinfo", parameters.Info, torrents.info, auth="none"),
    _endpoint("POST", f"{API}/torrents/torrentinfo", parameters.Info, torrents.info, auth="none"),
    _endpoint("POST", f"{API}/torrents/magnettofile", parameters.Magnet, torrents.magnet_to_file),
    _endpoint("GET", f"{API}/torrents/exportdata", parameters.Export, torrents.export),
    _endpoint("PUT", f"{API}/torrents/edittorrent", parameters.Edit, torrents.edit),
    _endpoint("GET", f"{API}/torrents/getqueued", parameters.Nothing, queue.get_queued_old),
    _endpoint(
        "POST", f"{API}/torrents/controlqueued", parameters.ControlQueued, queue.control_queued
    ),
    _endpoint("GET", f"{API}/queued/getqueued", parameters.Listing, queue.get_queued),
    _endpoint(
        "POST", f"{API}/queued/controlqueued", parameters.ControlQueued, queue.control_queued
    ),
    _endpoint("GET", f"{API}/user/me", parameters.Me, extras.me),
    _endpoint("GET", f"{API}/stats", parameters.Nothing, extras.stats, auth="none"),
    _endpoint("GET", f"{API}/torrents/search", parameters.Search, extras.search),
    _endpoint("GET", "/torrents/search/{query}", parameters.Search, extras.search, name="search"),
    _endpoint("GET", "/torrents/{query}", parameters.Search, extras.search, name="search"),
)
