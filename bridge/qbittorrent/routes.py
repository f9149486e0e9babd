"""Every endpoint: scope/action, how it may be called, and its handler.

Reads may be GET, POST or HEAD (qbittorrent-api posts most of them), writes only POST. The handlers
of a scope live in the module of its name; the many of `torrents` in torrents (reads), add,
torrent_actions and torrent_edits (writes), trackers, web_seeds, categories and tags. What changes nothing here is in benign.
"""

from dataclasses import dataclass
from types import MappingProxyType

from bridge.qbittorrent import (
    add,
    app,
    auth,
    categories,
    log,
    preference_changes,
    search,
    sync,
    tags,
    torrent_actions,
    torrent_edits,
    torrents,
    trackers,
    transfer,
    web_seeds,
)
from bridge.qbittorrent.benign import accept, show
from bridge.qbittorrent.face import Handler

READ = frozenset({"GET", "POST", "HEAD"})
WRITE = frozenset({"POST"})


@dataclass(frozen=True, slots=True)
class Route:
    """How an endpoint may be called, and what answers. Only `public` ones need no session."""

    methods: frozenset[str]
    handler: Handler
    public: bool = False


ROUTES = MappingProxyType(
    {
        "auth/login": Route(WRITE, auth.login, public=True),
        "auth/logout": Route(WRITE, auth.logout),
        "app/version": Route(READ, app.version),
        "app/webapiVersion": Route(READ, app.api_version),
        "app/buildInfo": Route(READ, app.build_info),
        "app/preferences": Route(READ, app.preferences),
        "app/setPreferences": Route(WRITE, preference_changes.set_preferences),
        "app/defaultSavePath": Route(READ, app.default_save_path),
        "app/processInfo": Route(READ, app.process_info),
        "app/getFreeSpaceAtPath": Route(READ, app.free_space),
        "app/getDirectoryContent": Route(READ, app.directory_content),
        "app/cookies": Route(READ, show(b"[]")),
        "app/setCookies": Route(WRITE, app.set_cookies),
        "app/networkInterfaceList": Route(READ, show(b"[]")),
        "app/networkInterfaceAddressList": Route(READ, show(b"[]", "iface")),
        "app/sendTestEmail": Route(WRITE, accept()),
        "app/shutdown": Route(WRITE, accept()),
        "log/main": Route(READ, log.main),
        "log/peers": Route(READ, show(b"[]")),
        "sync/maindata": Route(READ, sync.maindata),
        "sync/torrentPeers": Route(READ, sync.torrent_peers),
        "transfer/info": Route(READ, transfer.info),
        "transfer/speedLimitsMode": Route(READ, transfer.limits_mode),
        "transfer/toggleSpeedLimitsMode": Route(WRITE, transfer.toggle_limits_mode),
        "transfer/setSpeedLimitsMode": Route(WRITE, transfer.set_limits_mode),
        "transfer/downloadLimit": Route(READ, transfer.download_limit),
        "transfer/uploadLimit": Route(READ, transfer.upload_limit),
        "transfer/setDownloadLimit": Route(WRITE, transfer.set_download_limit),
        "transfer/setUploadLimit": Route(WRITE, transfer.set_upload_limit),
        "transfer/banPeers": Route(WRITE, accept("peers")),
        "torrents/info": Route(READ, torrents.info),
        "torrents/count": Route(READ, torrents.count),
        "torrents/properties": Route(READ, torrents.properties),
        "torrents/files": Route(READ, torrents.files),
        "torrents/trackers": Route(READ, trackers.trackers),
        "torrents/webseeds": Route(READ, web_seeds.web_seeds),
        "torrents/pieceStates": Route(READ, torrents.piece_states),
        "torrents/pieceHashes": Route(READ, torrents.piece_hashes),
        "torrents/downloadLimit": Route(READ, torrent_edits.download_limits),
        "torrents/uploadLimit": Route(READ, torrent_edits.upload_limits),
        "torrents/export": Route(READ, torrent_edits.export),
        "torrents/add": Route(WRITE, add.add),
        "torrents/delete": Route(WRITE, torrent_actions.delete),
        "torrents/pause": Route(WRITE, torrent_actions.stop),
        "torrents/stop": Route(WRITE, torrent_actions.stop),
        "torrents/resume": Route(WRITE, torrent_actions.start),
        "torrents/start": Route(WRITE, torrent_actions.start),
        "torrents/topPrio": Route(WRITE, torrent_edits.to_top),
        "torrents/bottomPrio": Route(WRITE, torrent_edits.to_bottom),
        "torrents/increasePrio": Route(WRITE, torrent_edits.increase),
        "torrents/decreasePrio": Route(WRITE, torrent_edits.decrease),
        "torrents/recheck": Route(WRITE, torrent_edits.recheck),
        "torrents/reannounce": Route(WRITE, torrent_edits.reannounce),
        "torrents/rename": Route(WRITE, torrent_edits.rename),
        "torrents/renameFile": Route(WRITE, torrent_edits.rename_file),
        "torrents/renameFolder": Route(WRITE, torrent_edits.rename_folder),
        "torrents/setLocation": Route(WRITE, torrent_edits.set_location),
        "torrents/filePrio": Route(WRITE, torrent_edits.set_file_priority),
        "torrents/setDownloadLimit": Route(WRITE, torrent_edits.set_download_limit),
        "torrents/setUploadLimit": Route(WRITE, torrent_edits.set_upload_limit),
        "torrents/setForceStart": Route(WRITE, torrent_actions.set_force_start),
        "torrents/setShareLimits": Route(WRITE, torrent_actions.set_share_limits),
        "torrents/toggleSequentialDownload": Route(WRITE, torrent_actions.toggle_sequential),
        "torrents/toggleFirstLastPiecePrio": Route(WRITE, torrent_actions.toggle_first_last),
        "torrents/setAutoManagement": Route(WRITE, torrent_edits.set_auto_management),
        "torrents/setSuperSeeding": Route(WRITE, torrent_edits.set_super_seeding),
        "torrents/setComment": Route(WRITE, torrent_edits.set_comment),
        "torrents/setSavePath": Route(WRITE, torrent_edits.set_save_path),
        "torrents/setDownloadPath": Route(WRITE, accept("id", "path")),
        "torrents/addPeers": Route(WRITE, torrent_actions.add_peers),
        "torrents/addTrackers": Route(WRITE, trackers.add),
        "torrents/editTracker": Route(WRITE, trackers.edit),
        "torrents/removeTrackers": Route(WRITE, trackers.remove),
        "torrents/addWebSeeds": Route(WRITE, web_seeds.add),
        "torrents/editWebSeed": Route(WRITE, web_seeds.edit),
        "torrents/removeWebSeeds": Route(WRITE, web_seeds.remove),
        "torrents/categories": Route(READ, categories.categories),
        "torrents/createCategory": Route(WRITE, categories.create),
        "torrents/editCategory": Route(WRITE, categories.edit),
        "torrents/removeCategories": Route(WRITE, categories.remove),
        "torrents/setCategory": Route(WRITE, categories.assign),
        "torrents/tags": Route(READ, tags.tags),
        "torrents/createTags": Route(WRITE, tags.create),
        "torrents/deleteTags": Route(WRITE, tags.delete),
        "torrents/addTags": Route(WRITE, tags.add),
        "torrents/removeTags": Route(WRITE, tags.remove),
        "torrents/setTags": Route(WRITE, tags.assign),
        "search/plugins": Route(READ, search.plugins),
        "search/start": Route(WRITE, search.start),
        "search/status": Route(READ, search.status),
        "search/results": Route(READ, search.results),
        "search/stop": Route(WRITE, search.stop),
        "search/delete": Route(WRITE, search.delete),
        "search/enablePlugin": Route(WRITE, accept("names", "enable")),
        "search/installPlugin": Route(WRITE, accept("sources")),
        "search/uninstallPlugin": Route(WRITE, accept("names")),
        "search/updatePlugins": Route(WRITE, accept()),
        "rss/items": Route(READ, show(b"{}")),
        "rss/rules": Route(READ, show(b"{}")),
        "rss/matchingArticles": Route(READ, show(b"{}", "ruleName")),
        "rss/addFolder": Route(WRITE, accept("path")),
        "rss/addFeed": Route(WRITE, accept("url", "path")),
        "rss/setFeedURL": Route(WRITE, accept("path", "url")),
        "rss/setFeedRefreshInterval": Route(WRITE, accept("path", "refreshInterval")),
        "rss/removeItem": Route(WRITE, accept("path")),
        "rss/moveItem": Route(WRITE, accept("itemPath", "destPath")),
        "rss/refreshItem": Route(WRITE, accept("itemPath")),
        "rss/markAsRead": Route(WRITE, accept("itemPath")),
        "rss/setRule": Route(WRITE, accept("ruleName", "ruleDef")),
        "rss/renameRule": Route(WRITE, accept("ruleName", "newRuleName")),
        "rss/removeRule": Route(WRITE, accept("ruleName")),
    }
)
"""Case-sensitive, as in qBittorrent."""
