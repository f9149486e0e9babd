"""Each *arr: does it take the key, is the bridge its client, does it see our paths?"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from bridge.arr import (
    DIALECTS,
    Arr,
    ArrError,
    BadKey,
    Client,
    ClientOptions,
    PathMapping,
    RootFolder,
    Status,
)
from bridge.config import Settings
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.doctor.paths import mapped, overlaps
from bridge.doctor.places import category_path

QBITTORRENT = "QBittorrent"


@dataclass(frozen=True, slots=True)
class SetUp:
    """How an *arr is set up."""

    clients: Sequence[Client]
    mappings: Sequence[PathMapping]
    roots: Sequence[RootFolder]
    options: ClientOptions


async def look_at_arr(settings: Settings, arr: Arr) -> list[Finding]:
    """Ask one *arr."""
    try:
        status = await arr.status()
        if status.app_name != DIALECTS[arr.kind].app:
            return [_other_kind(arr, status)]
        set_up = SetUp(
            await arr.clients(),
            await arr.path_mappings(),
            await arr.root_folders(),
            await arr.client_options(),
        )
        found = [ok(arr.name, f"{status.app_name} {status.version} takes the key")]
        found += [finding async for finding in _looked_through(settings, arr, set_up)]
    except ArrError as error:
        return [_trouble(arr, error)]
    return found


def _other_kind(arr: Arr, status: Status) -> Finding:
    fix = f"Set the arr entry's kind to {status.app_name.lower()}, or its url to the right one"
    return problem(arr.name, f"{arr.url} is {status.app_name}, and not {arr.kind}", fix)


def _trouble(arr: Arr, error: ArrError) -> Finding:
    if isinstance(error, BadKey):
        fix = "Copy the key from its Settings > General into the arr entry's api_key"
        return problem(arr.name, error.detail, fix)
    fix = f"Can {arr.url} be reached from here? Set the arr entry's url, with its URL base"
    return problem(arr.name, str(error), fix)


async def _looked_through(settings: Settings, arr: Arr, set_up: SetUp) -> AsyncIterator[Finding]:
    yield _completed(arr, set_up.options)
    if not set_up.options.auto_redownload_failed:
        fix = "Turn on Settings > Download Clients > Redownload Failed"
        yield warning(arr.name, "it does not search again after a failure", fix)
    if not arr.categories:
        fix = "Add the category of its download client to the arr entry's categories"
        yield problem(arr.name, "the arr entry has no categories: it will be told nothing", fix)
    for category in arr.categories:
        client = _client_of(category, set_up.clients)
        if client is None:
            yield _no_client(settings, arr, category)
            continue
        yield _client(settings, arr, category, client)
        if not client.remove_completed_downloads:
            fix = f"Turn on Remove Completed in its download client {client.name}"
            yield warning(arr.name, "what is imported stays here, and on TorBox", fix)
        async for finding in _paths(settings, arr, category, client, set_up):
            yield finding


def _completed(arr: Arr, options: ClientOptions) -> Finding:
    if options.enable_completed_download_handling:
        return ok(arr.name, "completed download handling is on")
    fix = "Turn on Settings > Download Clients > Completed Download Handling"
    return problem(arr.name, "it imports nothing by itself", fix)


def _client_of(category: str, clients: Sequence[Client]) -> Client | None:
    fitting = [
        client
        for client in clients
        if client.implementation == QBITTORRENT and category in client.categories
    ]
    return next((client for client in fitting if client.enable), next(iter(fitting), None))


def _no_client(settings: Settings, arr: Arr, category: str) -> Finding:
    server = settings.server
    base = f", URL Base {server.url_base}" if server.url_base else ""
    fix = (
        "In its Settings > Download Clients add qBittorrent: Host as it reaches this machine,"
        f" Port {server.port}{base}, Username {server.username}, Category {category}"
    )
    return problem(arr.name, f"no qBittorrent there has the category {category}", fix)


def _client(settings: Settings, arr: Arr, category: str, client: Client) -> Finding:
    server, base = settings.server, client.text("urlBase").strip("/")
    where = f"its download client {client.name}"
    if not client.enable:
        return problem(arr.name, f"{where} is turned off", "Turn on Enable there")
    if base != server.url_base.strip("/"):
        fix = f"Set its URL Base to {server.url_base or 'nothing'}, or server.url_base to /{base}"
        return problem(arr.name, f"{where} has the URL base {base or 'none'!r}", fix)
    if client.text("port") != str(server.port):
        fix = f"Is that port mapped to this bridge's? If not, set it to {server.port}"
        text = f"{where} calls port {client.text('port')}, and server.port is {server.port}"
        return warning(arr.name, text, fix)
    return ok(arr.name, f"{where} has the category {category} at {client.text('host')}")


async def _paths(
    settings: Settings, arr: Arr, category: str, client: Client, set_up: SetUp
) -> AsyncIterator[Finding]:
    """Look whether what is delivered exists for the *arr, outside of its library."""
    if settings.delivery_mode(category) == "none":
        return
    ours = category_path(settings, category)
    here = ours if ours.is_dir() else settings.paths.downloads
    host = client.text("host")
    theirs = mapped(str(here), host, set_up.mappings)
    named = theirs if theirs == str(here) else f"{here} as {theirs}"
    if theirs in await arr.directories(str(PurePosixPath(theirs).parent)):
        yield ok(arr.name, f"it sees {named}")
    else:
        fix = (
            f"Mount the same volume at the same path in its container, or add a remote path mapping"
            f" there: Host {host}, Remote Path {settings.paths.downloads}/, Local Path where it is"
        )
        yield problem(arr.name, f"it does not see {named}", fix)
    library = mapped(str(ours), host, set_up.mappings)
    for root in set_up.roots:
        if overlaps(library, root.path):
            fix = f"Set categories.{category}.save_path to a directory outside of {root.path}"
            text = f"{library} overlaps its library {root.path}: downloads must lie elsewhere"
            yield problem(arr.name, text, fix)
