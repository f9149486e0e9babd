"""Every endpoint: its name, the methods it accepts, and its handler.

Reads accept GET, POST and HEAD (qbittorrent-api uses POST for most reads), writes only POST. Endpoints
for features that TorBox or the bridge does not need are stubs (`ignored`, `constant`): they check
their parameters, change nothing, and answer as qBittorrent does.
"""

from functools import partial
from types import MappingProxyType

import msgspec

from bridge.downloads import Commands
from bridge.qbittorrent import (
    add_torrents,
    app_preferences,
    categories_and_tags,
    login,
    search,
    server_info,
    torrent_edits,
    torrent_reads,
    trackers,
    transfer,
)
from bridge.qbittorrent.api_context import ApiRequest, Handler
from bridge.qbittorrent.torrent_edits import flag, in_queue, limit, on_hashes, own_limits


def ignored(*required: str) -> Handler:
    """Return a handler that answers 200 without data; 400 when one of `required` is missing."""

    async def handler(request: ApiRequest) -> None:
        _require(request, required)

    return handler


def constant(body: bytes, *required: str) -> Handler:
    """Return a handler that always answers this JSON; 400 when one of `required` is missing."""

    async def handler(request: ApiRequest) -> bytes:
        _require(request, required)
        return body

    return handler


def _require(request: ApiRequest, names: tuple[str, ...]) -> None:
    for name in names:
        request.params.require(name)


# HEAD is answered since 5.x, and clients probe with it.
READ = frozenset({"GET", "POST", "HEAD"})
WRITE = frozenset({"POST"})


class Route(msgspec.Struct, frozen=True):
    """The methods and the handler of an endpoint. Only `public` ones need no session."""

    methods: frozenset[str]
    handler: Handler
    public: bool = False


ROUTES = MappingProxyType(
    {
        "auth/login": Route(WRITE, login.login, public=True),
        "auth/logout": Route(WRITE, login.logout),
        "app/version": Route(READ, server_info.version),
        "app/webapiVersion": Route(READ, server_info.api_version),
        "app/buildInfo": Route(READ, server_info.build_info),
        "app/preferences": Route(READ, server_info.preferences),
        "app/setPreferences": Route(WRITE, app_preferences.set_preferences),
        "app/defaultSavePath": Route(READ, server_info.default_save_path),
        "app/processInfo": Route(READ, server_info.process_info),
        "app/getFreeSpaceAtPath": Route(READ, server_info.free_space),
        "app/getDirectoryContent": Route(READ, server_info.directory_content),
        "app/cookies": Route(READ, constant(b"[]")),
        "app/setCookies": Route(WRITE, server_info.set_cookies),
        "app/networkInterfaceList": Route(READ, constant(b"[]")),
        "app/networkInterfaceAddressList": Route(READ, constant(b"[]", "iface")),
        "app/sendTestEmail": Route(WRITE, ignored()),
        "app/shutdown": Route(WRITE, ignored()),
        "log/main": Route(READ, server_info.log_messages),
        "log/peers": Route(READ, constant(b"[]")),
        "sync/maindata": Route(READ, transfer.maindata),
        "sync/torrentPeers": Route(READ, transfer.torrent_peers),
        "transfer/info": Route(READ, transfer.info),
        "transfer/speedLimitsMode": Route(READ, transfer.limits_mode),
        "transfer/toggleSpeedLimitsMode": Route(WRITE, transfer.toggle_limits_mode),
        "transfer/setSpeedLimitsMode": Route(WRITE, transfer.set_limits_mode),
        "transfer/downloadLimit": Route(READ, transfer.download_limit),
        "transfer/uploadLimit": Route(READ, transfer.upload_limit),
        "transfer/setDownloadLimit": Route(WRITE, transfer.set_download_limit),
        "transfer/setUploadLimit": Route(WRITE, transfer.set_upload_limit),
        "transfer/banPeers": Route(WRITE, ignored("peers")),
        "torrents/info": Route(READ, torrent_reads.info),
        "torrents/count": Route(READ, torrent_reads.count),
        "torrents/properties": Route(READ, torrent_reads.properties),
        "torrents/files": Route(READ, torrent_reads.files),
        "torrents/trackers": Route(READ, trackers.trackers),
        "torrents/webseeds": Route(READ, trackers.web_seeds),
        "torrents/pieceStates": Route(READ, torrent_reads.piece_states),
        "torrents/pieceHashes": Route(READ, torrent_reads.piece_hashes),
        "torrents/downloadLimit": Route(READ, own_limits("download_limit")),
        "torrents/uploadLimit": Route(READ, own_limits("upload_limit")),
        "torrents/export": Route(READ, torrent_edits.export),
        "torrents/add": Route(WRITE, add_torrents.add),
        "torrents/delete": Route(WRITE, torrent_edits.delete),
        # 5.x renamed pause and resume; both names work in both profiles, for scripts.
        "torrents/pause": Route(WRITE, on_hashes(Commands.stop)),
        "torrents/stop": Route(WRITE, on_hashes(Commands.stop)),
        "torrents/resume": Route(WRITE, on_hashes(Commands.start)),
        "torrents/start": Route(WRITE, on_hashes(Commands.start)),
        "torrents/topPrio": Route(WRITE, in_queue(Commands.to_top)),
        "torrents/bottomPrio": Route(WRITE, in_queue(Commands.to_bottom)),
        "torrents/increasePrio": Route(WRITE, in_queue(partial(Commands.shift, up=True))),
        "torrents/decreasePrio": Route(WRITE, in_queue(partial(Commands.shift, up=False))),
        "torrents/recheck": Route(WRITE, on_hashes(Commands.recheck)),
        "torrents/reannounce": Route(WRITE, torrent_edits.reannounce),
        "torrents/rename": Route(WRITE, torrent_edits.rename),
        "torrents/renameFile": Route(WRITE, partial(torrent_edits.rename_path, folder=False)),
        "torrents/renameFolder": Route(WRITE, partial(torrent_edits.rename_path, folder=True)),
        "torrents/setLocation": Route(WRITE, torrent_edits.set_location),
        "torrents/filePrio": Route(WRITE, torrent_edits.set_file_priority),
        "torrents/setDownloadLimit": Route(WRITE, on_hashes(Commands.set_download_limits, limit)),
        "torrents/setUploadLimit": Route(WRITE, on_hashes(Commands.set_upload_limits, limit)),
        "torrents/setForceStart": Route(WRITE, on_hashes(Commands.set_force_start, flag("value"))),
        "torrents/setShareLimits": Route(WRITE, torrent_edits.set_share_limits),
        "torrents/toggleSequentialDownload": Route(WRITE, on_hashes(Commands.toggle_sequential)),
        "torrents/toggleFirstLastPiecePrio": Route(WRITE, on_hashes(Commands.toggle_first_last)),
        "torrents/setAutoManagement": Route(
            WRITE, on_hashes(Commands.set_auto_management, flag("enable"))
        ),
        "torrents/setSuperSeeding": Route(
            WRITE, on_hashes(Commands.set_super_seeding, flag("value"))
        ),
        "torrents/setComment": Route(
            WRITE,
            on_hashes(Commands.set_comment, lambda request: request.params.require("comment")),
        ),
        "torrents/setSavePath": Route(WRITE, torrent_edits.set_save_path),
        "torrents/setDownloadPath": Route(WRITE, ignored("id", "path")),
        "torrents/addPeers": Route(WRITE, torrent_edits.add_peers),
        "torrents/addTrackers": Route(WRITE, trackers.add_trackers),
        "torrents/editTracker": Route(WRITE, trackers.edit_tracker),
        "torrents/removeTrackers": Route(WRITE, trackers.remove_trackers),
        "torrents/addWebSeeds": Route(WRITE, trackers.add_web_seeds),
        "torrents/editWebSeed": Route(WRITE, trackers.edit_web_seed),
        "torrents/removeWebSeeds": Route(WRITE, trackers.remove_web_seeds),
        "torrents/categories": Route(READ, categories_and_tags.categories),
        "torrents/createCategory": Route(WRITE, categories_and_tags.create_category),
        "torrents/editCategory": Route(WRITE, categories_and_tags.edit_category),
        "torrents/removeCategories": Route(WRITE, categories_and_tags.remove_categories),
        "torrents/setCategory": Route(WRITE, categories_and_tags.set_category),
        "torrents/tags": Route(READ, categories_and_tags.tags),
        "torrents/createTags": Route(WRITE, categories_and_tags.create_tags),
        "torrents/deleteTags": Route(WRITE, categories_and_tags.delete_tags),
        "torrents/addTags": Route(WRITE, categories_and_tags.add_tags),
        "torrents/removeTags": Route(WRITE, categories_and_tags.remove_tags),
        "torrents/setTags": Route(WRITE, categories_and_tags.set_tags),
        "search/plugins": Route(READ, search.plugins),
        "search/start": Route(WRITE, search.start),
        "search/status": Route(READ, search.status),
        "search/results": Route(READ, search.results),
        "search/stop": Route(WRITE, search.stop),
        "search/delete": Route(WRITE, search.delete),
        "search/enablePlugin": Route(WRITE, ignored("names", "enable")),
        "search/installPlugin": Route(WRITE, ignored("sources")),
        "search/uninstallPlugin": Route(WRITE, ignored("names")),
        "search/updatePlugins": Route(WRITE, ignored()),
        # Web UIs of 5.x poll this list, and show an error when it is 404.
        "torrentcreator/status": Route(READ, constant(b"[]")),
        "rss/items": Route(READ, constant(b"{}")),
        "rss/rules": Route(READ, constant(b"{}")),
        "rss/matchingArticles": Route(READ, constant(b"{}", "ruleName")),
        "rss/addFolder": Route(WRITE, ignored("path")),
        "rss/addFeed": Route(WRITE, ignored("url", "path")),
        "rss/setFeedURL": Route(WRITE, ignored("path", "url")),
        "rss/setFeedRefreshInterval": Route(WRITE, ignored("path", "refreshInterval")),
        "rss/removeItem": Route(WRITE, ignored("path")),
        "rss/moveItem": Route(WRITE, ignored("itemPath", "destPath")),
        "rss/refreshItem": Route(WRITE, ignored("itemPath")),
        "rss/markAsRead": Route(WRITE, ignored("itemPath")),
        "rss/setRule": Route(WRITE, ignored("ruleName", "ruleDef")),
        "rss/renameRule": Route(WRITE, ignored("ruleName", "newRuleName")),
        "rss/removeRule": Route(WRITE, ignored("ruleName")),
    }
)
"""Case-sensitive, as in qBittorrent."""
