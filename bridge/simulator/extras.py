"""Everything that is not a torrent: the user, statistics, status, search."""

from bridge.simulator import render
from bridge.simulator.backend import Backend
from bridge.simulator.call import Call
from bridge.simulator.content import Content
from bridge.simulator.metainfo import magnet_of
from bridge.simulator.parameters import Me, Nothing, Search
from bridge.simulator.replies import Envelope, Reply, ok


def status(_backend: Backend, _call: Call, _asked: Nothing) -> Reply:
    """GET / of the API host."""
    return ok("API is up and running.")


def me(backend: Backend, _call: Call, asked: Me) -> Reply:
    """user/me."""
    told = render.user_json(backend.world, settings=asked.settings)
    return ok("Successfully retrieved your user information.", told)


def stats(backend: Backend, _call: Call, _asked: Nothing) -> Reply:
    """stats: public, and with error:false where others have null."""
    told = {"total_users": 1, "active_torrent_downloads": backend.world.active}
    return Reply(200, Envelope(True, False, "Got stats successfully.", told))


def search(backend: Backend, _call: Call, asked: Search) -> Reply:
    """torrents/search/{query}: registered contents whose name has all the words."""
    words = asked.query.lower().split()
    found = [
        _hit(backend, content)
        for content in backend.world.catalogue
        if all(word in content.name.lower() for word in words)
    ]
    return ok("Search results found.", {"metadata": None, "torrents": found})


def _hit(backend: Backend, content: Content) -> render.Json:
    return {
        "hash": content.hash,
        "raw_title": content.name,
        "title": content.name,
        "magnet": magnet_of(content),
        "torrent": None,
        "last_known_seeders": 12,
        "last_known_peers": 34,
        "size": content.size,
        "tracker": "Simulator",
        "categories": [],
        "files": len(content.files),
        "type": "torrent",
        "nzb": None,
        "age": "1d",
        "user_search": False,
        "cached": backend.world.catalogue.is_cached(content.hash),
        "owned": backend.world.find(content.hash) is not None,
    }
