"""Every method that qbittorrent-api has, called once in each profile."""

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import qbittorrentapi as qb

from tests.support.face import PASSWORD, USERNAME, Face, magnet, make_torrent, serve_face

TORRENT, HASH = make_torrent("Film.mkv", 40_000)
OTHER = "2b" * 20
DELETED = "3c" * 20
SEEDS = "&ws=http%3A%2F%2Fold.example%2F&ws=http%3A%2F%2Fgone.example%2F"
CATEGORY = {"name": "made"}
RULE = {"rule_name": "R"}

ARGUMENTS: dict[str, dict[str, Any]] = {
    "app_get_directory_content": {"directory_path": "{downloads}"},
    "app_get_free_space_at_path": {"path": "{downloads}"},
    "app_set_cookies": {"cookies": []},
    "app_set_preferences": {"prefs": {"dht": True}},
    "rss_add_feed": {"url": "http://x/", "item_path": "F"},
    "rss_add_folder": {"folder_path": "F"},
    "rss_mark_as_read": {"item_path": "F"},
    "rss_matching_articles": RULE,
    "rss_move_item": {"orig_item_path": "F", "new_item_path": "G"},
    "rss_refresh_item": {"item_path": "F"},
    "rss_remove_item": {"item_path": "F"},
    "rss_remove_rule": RULE,
    "rss_rename_rule": {"orig_rule_name": "R", "new_rule_name": "S"},
    "rss_set_feed_refresh_interval": {"item_path": "F", "refresh_interval": 1},
    "rss_set_feed_url": {"url": "http://x/", "item_path": "F"},
    "rss_set_rule": {**RULE, "rule_def": {"enabled": False}},
    "search_enable_plugin": {"plugins": "torbox", "enable": True},
    "search_install_plugin": {"sources": "http://x/plugin.py"},
    "search_uninstall_plugin": {"names": "torbox"},
    "sync_torrent_peers": {"torrent_hash": HASH},
    "torrents_add": {"urls": magnet("4d" * 20)},
    "torrents_add_peers": {"peers": "203.0.113.7:1", "torrent_hashes": HASH},
    "torrents_add_tags": {"tags": "t", "torrent_hashes": HASH},
    "torrents_add_trackers": {"torrent_hash": HASH, "urls": "http://new.example/"},
    "torrents_add_webseeds": {"torrent_hash": HASH, "urls": "http://seed.example/"},
    "torrents_create_category": {"name": "another"},
    "torrents_create_tags": {"tags": "u"},
    "torrents_delete": {"torrent_hashes": DELETED},
    "torrents_delete_tags": {"tags": "v"},
    "torrents_edit_category": {**CATEGORY, "save_path": "elsewhere"},
    "torrents_edit_tracker": {
        "torrent_hash": HASH,
        "original_url": "http://old.example/",
        "new_url": "http://edited.example/",
    },
    "torrents_edit_webseed": {
        "torrent_hash": OTHER,
        "orig_url": "http://old.example/",
        "new_url": "http://edited.example/",
    },
    "torrents_export": {"torrent_hash": HASH},
    "torrents_file_priority": {"torrent_hash": HASH, "file_ids": 0, "priority": 1},
    "torrents_remove_categories": {"categories": "dropped"},
    "torrents_remove_tags": {"tags": "t", "torrent_hashes": HASH},
    "torrents_remove_trackers": {"torrent_hash": HASH, "urls": "http://gone.example/"},
    "torrents_remove_webseeds": {"torrent_hash": OTHER, "urls": "http://gone.example/"},
    "torrents_rename": {"torrent_hash": HASH, "new_torrent_name": "Other name"},
    "torrents_set_category": {"category": "made", "torrent_hashes": HASH},
    "torrents_set_download_path": {"download_path": "", "torrent_hashes": HASH},
    "torrents_set_location": {"location": "{downloads}", "torrent_hashes": HASH},
    "torrents_set_save_path": {"save_path": "{downloads}", "torrent_hashes": HASH},
    "torrents_set_share_limits": {
        "ratio_limit": 1,
        "seeding_time_limit": 1,
        "inactive_seeding_time_limit": -2,
        "torrent_hashes": HASH,
    },
    "torrents_set_tags": {"tags": "t", "torrent_hashes": HASH},
    "transfer_ban_peers": {"peers": "203.0.113.7:1"},
    "transfer_set_download_limit": {"limit": 1000},
    "transfer_set_speed_limits_mode": {"intended_state": False},
    "transfer_set_upload_limit": {"limit": 1000},
}
"""Methods that need more than `torrent_hash` or `torrent_hashes`."""

SWITCHED = {"enable": True, "limit": 1000, "comment": "x"}
"""Other arguments, wherever a method has them."""

ELSEWHERE = {
    *("auth_log_in", "auth_log_out"),
    *(f"search_{name}" for name in ("start", "status", "results", "stop", "delete", "plugins")),
    *("torrents_rename_file", "torrents_rename_folder"),
}
"""They need a TorBox or files that are known: tested where those are."""

NOT_OFFERED = {
    *("torrents_ssl_parameters", "torrents_set_ssl_parameters"),
    *(f"torrentcreator_{name}" for name in ("add_task", "status", "torrent_file", "delete_task")),
    *("search_download_torrent", "search_categories"),
}
"""Of 5.x, for which TorBox has no use: 404, as an older server says."""


def methods() -> list[str]:
    """List the methods that call an endpoint, each by its one plain name."""
    found = []
    for name, member in inspect.getmembers(qb.Client, inspect.isfunction):
        owner, _, plain = member.__qualname__.partition(".")
        if owner.endswith("APIMixIn") and plain == name and not name.startswith("_"):
            found.append(name)
    return found


def arguments(name: str, downloads: str) -> dict[str, Any]:
    """Make the arguments of a method."""
    given = ARGUMENTS.get(name)
    if given is None:
        known = {"torrent_hash": HASH, "torrent_hashes": HASH, **SWITCHED}
        wanted = inspect.signature(getattr(qb.Client, name)).parameters
        given = {key: value for key, value in known.items() if key in wanted}
    return {
        key: value.format(downloads=downloads) if isinstance(value, str) else value
        for key, value in given.items()
    }


async def prepare(api: qb.Client) -> None:
    """Add what the methods are called on."""
    calls: list[Callable[[], object]] = [
        lambda: api.torrents_add(torrent_files=TORRENT),
        lambda: api.torrents_add(urls=[magnet(OTHER) + SEEDS, magnet(DELETED)]),
        lambda: api.torrents_add_trackers(
            HASH, urls=["http://old.example/", "http://gone.example/"]
        ),
        lambda: api.torrents_create_category("made"),
        lambda: api.torrents_create_category("dropped"),
    ]
    for call in calls:
        await asyncio.to_thread(call)


async def outcome(api: qb.Client, name: str, downloads: str) -> str:
    """Call a method and tell how it went."""
    try:
        await asyncio.to_thread(getattr(api, name), **arguments(name, downloads))
    except NotImplementedError:
        return "not in this version"
    except qb.APIError as error:
        return f"{type(error).__name__}: {error}"
    return "fine"


@pytest.mark.parametrize("profile", ["4.6", "5.1"])
async def test_every_method_works(tmp_path: Path, profile: str) -> None:
    """The library finds each endpoint of its version, and can read what it answers."""
    async with serve_face(tmp_path, profile=profile) as face:
        api = client_of(face)
        await prepare(api)
        downloads = str(face.settings.paths.downloads)
        called = [name for name in methods() if name not in ELSEWHERE]
        found = {name: await outcome(api, name, downloads) for name in called}
        await asyncio.to_thread(api.auth_log_out)
    bad = {name: how for name, how in found.items() if how not in {"fine", "not in this version"}}
    assert {name: how for name, how in bad.items() if name not in NOT_OFFERED} == {}
    assert all(how.startswith("NotFound404Error") for how in bad.values())
    assert sum(how == "fine" for how in found.values()) > 80


def client_of(face: Face) -> qb.Client:
    """Make a client that knows which methods its version has."""
    return qb.Client(
        host=face.url,
        username=USERNAME,
        password=PASSWORD,
        RAISE_NOTIMPLEMENTEDERROR_FOR_UNIMPLEMENTED_API_ENDPOINTS=True,
    )
