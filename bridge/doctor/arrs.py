"""Each *arr: does it take the key, is the bridge its client, does it see our paths?"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from bridge.arr import (
    DIALECTS,
    Arr,
    ArrError,
    ArrKeyRejected,
    DownloadClient,
    DownloadClientOptions,
    PathMapping,
    RootFolder,
    Status,
)
from bridge.config import Settings
from bridge.core.modes import NONE, SYMLINK
from bridge.doctor.clients import client_of, look_at_client, no_client, press_test
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.doctor.mount import look_at_mount_through
from bridge.doctor.paths import mapped, overlaps
from bridge.doctor.places import category_path


@dataclass(frozen=True, slots=True)
class SetUp:
    """How an *arr is set up."""

    clients: Sequence[DownloadClient]
    mappings: Sequence[PathMapping]
    roots: Sequence[RootFolder]
    options: DownloadClientOptions


async def look_at_arr(settings: Settings, arr: Arr, *, runs: bool) -> list[Finding]:
    """Ask one *arr. `runs`: the bridge answers, so the *arr can be asked to call it."""
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
        looked = _looked_through(settings, arr, set_up, runs=runs)
        found += [finding async for finding in looked]
    except ArrError as error:
        return [_trouble(arr, error)]
    return found


def _other_kind(arr: Arr, status: Status) -> Finding:
    fix = f"Set the arr entry's kind to {status.app_name.lower()}, or its url to the right one"
    return problem(arr.name, f"{arr.url} is {status.app_name}, and not {arr.kind}", fix)


def _trouble(arr: Arr, error: ArrError) -> Finding:
    if isinstance(error, ArrKeyRejected):
        fix = "Copy the key from its Settings > General into the arr entry's api_key"
        return problem(arr.name, error.detail, fix)
    fix = f"Can {arr.url} be reached from here? Set the arr entry's url, with its URL base"
    return problem(arr.name, str(error), fix)


async def _looked_through(
    settings: Settings, arr: Arr, set_up: SetUp, *, runs: bool
) -> AsyncIterator[Finding]:
    yield _completed(arr, set_up.options)
    if not set_up.options.auto_redownload_failed:
        fix = "Turn on Settings > Download Clients > Redownload Failed"
        yield warning(arr.name, "it does not search again after a failure", fix)
    if not arr.categories:
        fix = "Add the category of its download client to the arr entry's categories"
        yield problem(arr.name, "the arr entry has no categories: it will be told nothing", fix)
    for category in arr.categories:
        client = client_of(settings, category, set_up.clients)
        if client is None:
            yield no_client(settings, arr, category)
            continue
        for finding in look_at_client(settings, arr, category, client):
            yield finding
        for finding in await press_test(settings, arr, category, client, runs=runs):
            yield finding
        async for finding in _paths(settings, arr, category, client, set_up):
            yield finding


def _completed(arr: Arr, options: DownloadClientOptions) -> Finding:
    if options.enable_completed_download_handling:
        return ok(arr.name, "completed download handling is on")
    fix = "Turn on Settings > Download Clients > Completed Download Handling"
    return problem(arr.name, "it imports nothing by itself", fix)


async def _paths(
    settings: Settings, arr: Arr, category: str, client: DownloadClient, set_up: SetUp
) -> AsyncIterator[Finding]:
    """Look whether what is delivered exists for the *arr, outside of its library."""
    mode = settings.delivery_mode(category)
    if mode == NONE:
        return
    ours = category_path(settings, category)
    host = client.text("host")
    theirs = mapped(str(ours), host, set_up.mappings)
    here = ours if ours.is_dir() else settings.paths.downloads
    yield await _seen(settings, arr, host, str(here), mapped(str(here), host, set_up.mappings))
    mount = settings.delivery.mount
    if mode == SYMLINK and mount is not None:
        yield await look_at_mount_through(settings, arr, mount, ours=str(ours), theirs=theirs)
    for root in set_up.roots:
        if overlaps(theirs, root.path):
            fix = f"Set categories.{category}.save_path to a directory outside of {root.path}"
            text = f"{theirs} overlaps its library {root.path}: downloads must lie elsewhere"
            yield problem(arr.name, text, fix)


async def _seen(settings: Settings, arr: Arr, host: str, here: str, theirs: str) -> Finding:
    named = theirs if theirs == here else f"{here} as {theirs}"
    if await arr.sees(theirs):
        return ok(arr.name, f"it sees {named}")
    fix = (
        f"Mount the same volume at the same path in its container, or add a remote path mapping"
        f" there: Host {host}, Remote Path {settings.paths.downloads}/, Local Path where it is"
    )
    return problem(arr.name, f"it does not see {named}", fix)
