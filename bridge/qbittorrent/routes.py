"""Every endpoint: scope/action, how it may be called, and its handler.

Reads may be GET, POST or HEAD (qbittorrent-api posts most of them), writes only POST. The handlers
of a scope live in the module of its name; the many of `torrents` in torrents (reads), add,
torrent_actions (writes), categories and tags.
"""

from dataclasses import dataclass
from types import MappingProxyType

from bridge.qbittorrent import (
    add,
    app,
    auth,
    categories,
    tags,
    torrent_actions,
    torrents,
    transfer,
)
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
        "app/setPreferences": Route(WRITE, app.set_preferences),
        "app/defaultSavePath": Route(READ, app.default_save_path),
        "transfer/info": Route(READ, transfer.info),
        "torrents/info": Route(READ, torrents.info),
        "torrents/count": Route(READ, torrents.count),
        "torrents/properties": Route(READ, torrents.properties),
        "torrents/files": Route(READ, torrents.files),
        "torrents/trackers": Route(READ, torrents.trackers),
        "torrents/webseeds": Route(READ, torrents.web_seeds),
        "torrents/pieceStates": Route(READ, torrents.piece_states),
        "torrents/pieceHashes": Route(READ, torrents.piece_hashes),
        "torrents/add": Route(WRITE, add.add),
        "torrents/delete": Route(WRITE, torrent_actions.delete),
        "torrents/pause": Route(WRITE, torrent_actions.stop),
        "torrents/stop": Route(WRITE, torrent_actions.stop),
        "torrents/resume": Route(WRITE, torrent_actions.start),
        "torrents/start": Route(WRITE, torrent_actions.start),
        "torrents/topPrio": Route(WRITE, torrent_actions.to_top),
        "torrents/setForceStart": Route(WRITE, torrent_actions.set_force_start),
        "torrents/setShareLimits": Route(WRITE, torrent_actions.set_share_limits),
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
    }
)
"""Case-sensitive, as in qBittorrent."""
