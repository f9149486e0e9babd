"""Each *arr: does it accept the API key, is the bridge its client, does it see our paths?"""

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from bridge.arr import (
    DIALECTS,
    Arr,
    ArrError,
    ArrKeyRejected,
    DownloadClient,
    DownloadClientOptions,
    PathMapping,
    RootFolder,
    SystemStatus,
)
from bridge.config import Settings
from bridge.core.modes import NONE, SYMLINK
from bridge.doctor.check_arr_client import check_client, client_of, no_client, press_test
from bridge.doctor.findings import Finding, ok, problem, warning


class ArrSetup(msgspec.Struct, frozen=True):
    """How an *arr is set up."""

    clients: Sequence[DownloadClient]
    mappings: Sequence[PathMapping]
    roots: Sequence[RootFolder]
    options: DownloadClientOptions


async def check_arr(settings: Settings, arr: Arr, *, runs: bool) -> list[Finding]:
    """Check one *arr. With `runs` the bridge answers, so the *arr is asked to call it."""
    try:
        status = await arr.status()
        # The wrong kind would be asked for endpoints that it does not have.
        if status.app_name != DIALECTS[arr.kind].app:
            return [_other_kind(arr, status)]
        setup = ArrSetup(
            await arr.clients(),
            await arr.path_mappings(),
            await arr.root_folders(),
            await arr.client_options(),
        )
        found = [ok(arr.name, f"{status.app_name} {status.version} accepted the API key")]
        found += [finding async for finding in _check_setup(settings, arr, setup, runs=runs)]
    except ArrError as error:
        return [_failed(arr, error)]
    return found


def check_untold(settings: Settings, programs: Mapping[tuple[str, str], int]) -> Iterator[Finding]:
    """Find *arr that grab into categories without an arr entry: failures are not reported to them.

    `programs` has each program that grabs and its category, with how many of its grabs have failed.
    """
    told = {category for arr in settings.arr for category in arr.categories}
    apps = {dialect.app for dialect in DIALECTS.values()}
    for (program, category), failed in programs.items():
        if program not in apps or category in told:
            continue
        policy = settings.policy_for(category)
        accepted = program == "Sonarr" and policy.cached == "only" and policy.refuse == "auto"
        if not failed and not accepted:
            continue
        text = f"it is not told of downloads that fail in the category {category or 'none'!r}"
        waiting = f": {failed} failed so far" if failed else ""
        fix = f"Add this {program} under arr, with that category, so that it searches again"
        yield warning(program, f"{text}{waiting}", fix)


def _other_kind(arr: Arr, status: SystemStatus) -> Finding:
    fix = f"Set kind of this arr entry to {status.app_name.lower()}, or correct its url"
    return problem(arr.name, f"{arr.url} is {status.app_name}, not {arr.kind}", fix)


def _failed(arr: Arr, error: ArrError) -> Finding:
    if isinstance(error, ArrKeyRejected):
        fix = "Copy the key from its Settings > General into api_key of this arr entry"
        return problem(arr.name, error.detail, fix)
    fix = f"Can this machine reach {arr.url}? Set url of this arr entry, with the URL base"
    return problem(arr.name, str(error), fix)


async def _check_setup(
    settings: Settings, arr: Arr, setup: ArrSetup, *, runs: bool
) -> AsyncIterator[Finding]:
    yield _completed_handling(arr, setup.options)
    if not setup.options.auto_redownload_failed:
        fix = "Turn on Settings > Download Clients > Redownload Failed"
        yield warning(arr.name, "it does not search again after a failure", fix)
    if not arr.categories:
        fix = "Add the category of its download client to categories of this arr entry"
        yield problem(arr.name, "the arr entry has no categories: no failure will be reported", fix)
    for category in arr.categories:
        client = client_of(settings, category, setup.clients)
        if client is None:
            yield no_client(settings, arr, category)
            continue
        for finding in check_client(settings, arr, category, client):
            yield finding
        for finding in await press_test(settings, arr, category, client, runs=runs):
            yield finding
        async for finding in _check_paths(settings, arr, category, client, setup):
            yield finding


def _completed_handling(arr: Arr, options: DownloadClientOptions) -> Finding:
    if options.enable_completed_download_handling:
        return ok(arr.name, "completed download handling is on")
    fix = "Turn on Settings > Download Clients > Completed Download Handling"
    return problem(arr.name, "it does not import automatically", fix)


async def _check_paths(
    settings: Settings, arr: Arr, category: str, client: DownloadClient, setup: ArrSetup
) -> AsyncIterator[Finding]:
    """Check that the *arr sees the delivered files, and that they are outside its library."""
    mode = settings.delivery_mode(category)
    if mode == NONE:
        return
    ours = settings.category_directory(category)
    host = client.text("host")
    theirs = mapped(str(ours), host, setup.mappings)
    here = ours if ours.is_dir() else settings.paths.downloads
    yield await _seen(settings, arr, host, str(here), mapped(str(here), host, setup.mappings))
    mount = settings.delivery.mount
    if mode == SYMLINK and mount is not None:
        yield await _check_links(settings, arr, mount, ours=str(ours), theirs=theirs)
    for root in setup.roots:
        # The *arr would scan downloads as part of its library, and a removal could delete library
        # files.
        if overlaps(theirs, root.path):
            fix = f"Set categories.{category}.save_path to a directory outside {root.path}"
            text = f"{theirs} overlaps its library {root.path}: downloads must be outside"
            yield problem(arr.name, text, fix)


async def _seen(settings: Settings, arr: Arr, host: str, here: str, theirs: str) -> Finding:
    named = theirs if theirs == here else f"{here} as {theirs}"
    if await arr.sees(theirs):
        return ok(arr.name, f"it sees {named}")
    fix = (
        f"Mount the same volume at the same path in its container, or add a remote path mapping"
        f" there: Host {host}, Remote Path {settings.paths.downloads}/, Local Path as it sees it"
    )
    return problem(arr.name, f"it does not see {named}", fix)


async def _check_links(
    settings: Settings, arr: Arr, mount: Path, *, ours: str, theirs: str
) -> Finding:
    """Check that links in the directory `ours`, which the *arr sees as `theirs`, lead somewhere.

    A link holds a path as the bridge sees it: a remote path mapping does not change it.
    """
    relative = settings.delivery.link_style == "relative"
    target = _link_target(mount, ours, theirs) if relative else str(mount)
    if await arr.sees_inside(target):
        return ok(arr.name, f"it sees the mount {target} that links lead to")
    if await arr.sees(target):
        text = f"it sees nothing in {target}, where links lead to"
        fix = "Mount it in its container with rslave, and start that after TorBox is mounted"
        return problem(arr.name, text, fix)
    text = f"it does not see {target}, where links lead to"
    return problem(arr.name, text, f"Mount {mount} in its container, as {target}")


def _link_target(mount: Path, ours: str, theirs: str) -> str:
    """Return where a relative link in our directory leads for a program that sees it as `theirs`."""
    return os.path.normpath(f"{theirs}/{os.path.relpath(mount, ours)}")


def mapped(path: str, host: str, mappings: Iterable[PathMapping]) -> str:
    """Return a path as the *arr sees it: by the first mapping of the host that covers the path.

    As in the *arr, the case of hosts is ignored, and a mapping covers whole path components.
    """
    ours = PurePosixPath(path)
    for mapping in mappings:
        remote = PurePosixPath(mapping.remote_path)
        if mapping.host.lower() == host.lower() and ours.is_relative_to(remote):
            return str(PurePosixPath(mapping.local_path) / ours.relative_to(remote))
    return path


def overlaps(path: str, root: str) -> bool:
    """Return whether one path contains the other, or both are the same."""
    one, other = PurePosixPath(path), PurePosixPath(root)
    return one.is_relative_to(other) or other.is_relative_to(one)
