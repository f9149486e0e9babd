"""torrents/add: magnets, hashes and .torrent files.

`Ok.` when at least one item was taken or was here already, `Fails.` when none was. A file that is
no torrent is 415, but only after everything else in the request was added. URLs go before files.
"""

from collections.abc import Awaitable
from dataclasses import replace
from http import HTTPStatus

import structlog
from aiohttp import web

from bridge.core.model import USE_GLOBAL
from bridge.downloads import Added, AddResult, Joined, Known, AddOptions, Pending, Rejected
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, Params, text

log = structlog.get_logger()

LAYOUTS = frozenset({"Original", "Subfolder", "NoSubfolder"})
WEB_SCHEMES = ("http://", "https://", "ftp://")


async def add(call: Call) -> web.Response:
    """Take what is handed in. Nothing here waits for TorBox, and for a link only seconds."""
    agent = call.request.headers.get("User-Agent", "")
    options = replace(read_options(call.params), asked_by=agent)
    call.downloads.scopes.saw_category(call.caller, options.category)
    links = [await _link(call, line, options) for line in call.params.items("urls", "\n")]
    files = [
        (upload.filename, await _guarded(call.downloads.adds.torrent(upload.data, options, call.caller)))
        for upload in call.params.uploads
    ]
    for filename, result in files:
        if isinstance(result, Rejected) and result.bad_torrent:
            answer = f"Error: '{filename}' is not a valid torrent file."
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, answer)
    results = links + [result for _, result in files]
    taken = any(isinstance(result, Added | Known | Joined | Pending) for result in results)
    return text("Ok." if taken else "Fails.")


def read_options(params: Params) -> AddOptions:
    """Read everything beside the torrents. A number that is none counts as not sent."""
    ratio = params.number("ratioLimit")
    return AddOptions(
        category=params.text("category"),
        tags=params.items("tags", ","),
        save_path=params.text("savepath").strip(),
        name=params.text("rename").strip(),
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
    """Read `contentLayout`, or the `root_folder` that clients of old versions send."""
    layout = params.text("contentLayout")
    if layout in LAYOUTS:
        return layout
    return "NoSubfolder" if params.flag("root_folder") is False else "Original"


def _minutes(params: Params, name: str) -> int:
    value = params.number(name)
    return USE_GLOBAL if value is None else max(int(value), USE_GLOBAL)


async def _link(call: Call, line: str, options: AddOptions) -> AddResult:
    if line.lower().startswith(WEB_SCHEMES):
        # As in qBittorrent this counts as done, whatever the link leads to; the log tells.
        return await _guarded(call.downloads.adds.link(line, options))
    return await _guarded(call.downloads.adds.magnet(line, options, call.caller))


async def _guarded(adding: Awaitable[AddResult]) -> AddResult:
    """Keep what goes wrong with one item from spoiling the others."""
    try:
        result = await adding
    except Exception:
        log.exception("add_failed")
        return Rejected("an error inside the bridge")
    if isinstance(result, Rejected):
        log.info("add_rejected", reason=result.reason)
    return result
