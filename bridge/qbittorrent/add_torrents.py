"""torrents/add: magnets, hashes, links and .torrent files.

`Ok.` when at least one torrent was added or is known already, else `Fails.`. A file that is
not a torrent is 415, but only after everything else in the request was added. Links go before files.
"""

from collections.abc import Awaitable
from http import HTTPStatus

import structlog
from msgspec.structs import replace

from bridge.core.magnet import Magnet, parse_magnet
from bridge.core.model import LONGEST_NAME, USE_GLOBAL
from bridge.downloads import Added, AddOptions, AddResult, Joined, Known, Pending, Rejected
from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.params import Params
from bridge.qbittorrent.responses import HttpError

log = structlog.get_logger(__name__)

MAX_LINKS = 1000
"""Magnets and links in one request: each is a write to the database."""
SHOWN_NAME = 200
LAYOUTS = frozenset({"Original", "Subfolder", "NoSubfolder"})
WEB_SCHEMES = ("http://", "https://", "ftp://")


async def add(request: ApiRequest) -> str:
    """Add every magnet, link and file in the request.

    Never waits for TorBox, except where a category accepts only what is cached; waits a few seconds
    for a link.
    """
    agent = request.http.headers.get("User-Agent", "")
    options = replace(read_options(request.params), asked_by=agent)
    request.downloads.scopes.saw_category(request.caller, options.category)
    # qBittorrent adds links before files, whatever their order in the body.
    links = [
        await _link(request, line, options)
        for line in request.params.items("urls", "\n", at_most=MAX_LINKS)
    ]
    files = [
        (
            upload.filename,
            await _add(
                upload.filename,
                request.downloads.adds.torrent(upload.data, options, request.caller),
                options,
            ),
        )
        for upload in request.params.uploads
    ]
    for filename, result in files:
        if isinstance(result, Rejected) and result.bad_torrent:
            answer = f"Error: '{filename}' is not a valid torrent file."
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, answer)
    results = links + [result for _, result in files]
    taken = any(isinstance(result, Added | Known | Joined | Pending) for result in results)
    return "Ok." if taken else "Fails."


def read_options(params: Params) -> AddOptions:
    """Read the options of an add. A number that cannot be parsed counts as not sent."""
    ratio = params.number("ratioLimit")
    return AddOptions(
        category=params.text("category"),
        tags=params.items("tags", ","),
        save_path=params.text("savepath").strip(),
        name=params.text("rename").strip()[:LONGEST_NAME],
        stopped=params.flag("stopped") is True or params.flag("paused") is True,
        force_start=params.flag("forced") is True,
        sequential=params.flag("sequentialDownload") is True,
        first_last_first=params.flag("firstLastPiecePrio") is True,
        to_top=params.flag("addToTopOfQueue") is True,
        content_layout=_layout(params),
        ratio_limit=USE_GLOBAL if ratio is None else max(ratio, USE_GLOBAL),
        seeding_time_limit=_minutes(params, "seedingTimeLimit"),
        inactive_seeding_time_limit=_minutes(params, "inactiveSeedingTimeLimit"),
        download_limit=max(params.integer("dlLimit") or 0, 0),
        upload_limit=max(params.integer("upLimit") or 0, 0),
        auto_tmm=params.flag("autoTMM") is True,
        cookie=params.text("cookie").strip(),
    )


def _layout(params: Params) -> str:
    """Read `contentLayout`, or `root_folder`, which old clients send."""
    layout = params.text("contentLayout")
    # `root_folder` is the name of before 4.3.2; Prowlarr and scripts still send it.
    if layout in LAYOUTS:
        return layout
    return "NoSubfolder" if params.flag("root_folder") is False else "Original"


def _minutes(params: Params, name: str) -> int:
    value = params.number(name)
    return USE_GLOBAL if value is None else max(int(value), USE_GLOBAL)


async def _link(request: ApiRequest, line: str, options: AddOptions) -> AddResult:
    if line.lower().startswith(WEB_SCHEMES):
        # A link may carry the user's keys, so it is not named.
        return await _add(
            "a link", request.downloads.adds.link(line, options, request.caller), options
        )
    magnet = parse_magnet(line)
    name = magnet.name or magnet.infohash if isinstance(magnet, Magnet) else line[:SHOWN_NAME]
    return await _add(name, request.downloads.adds.magnet(line, options, request.caller), options)


async def _add(name: str, adding: Awaitable[AddResult], options: AddOptions) -> AddResult:
    """Await one add, and log why it was rejected. An error in one does not affect the others."""
    try:
        result = await adding
    except Exception:
        # A bug: the rest of the request must be added all the same.
        log.exception("add_failed", release=name)
        return Rejected("an error inside the bridge")
    if isinstance(result, Rejected):
        log.info(
            "add_rejected",
            release=options.name or name,
            category=options.category,
            reason=result.reason,
        )
    return result
