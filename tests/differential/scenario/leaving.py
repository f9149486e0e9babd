"""Removals, running torrents, and the end of sessions."""

from typing import Final

from tests.differential.scenario.finished import FINISHED
from tests.differential.scenario.material import (
    BARE,
    MAGNET,
    MAGNET_HASH,
    SHOW,
    UNKNOWN,
    magnet,
    topic,
)
from tests.differential.steps import get, post

REMOVALS: Final = (
    post(
        "torrents/renameFile", hash=BARE.infohash, oldPath="bare/bare.bin", newPath="../bare.bin"
    ).called("rename a file out of its folder"),
    post("torrents/delete", hashes=BARE.infohash).called("delete without deleteFiles"),
    post("torrents/delete", deleteFiles="true").called("delete without hashes"),
    post("torrents/delete", hashes=UNKNOWN, deleteFiles="false"),
    post("torrents/delete", hashes="all|x", deleteFiles="true"),
    post("torrents/delete", hashes=SHOW.infohash.upper(), deleteFiles="true"),
    get("torrents/properties", hash=SHOW.infohash).called("properties of what is gone"),
    post("torrents/delete", hashes="all", deleteFiles="false"),
    get("torrents/info").called("nothing is left"),
)

RUNNING: Final = (
    post("torrents/add", urls=MAGNET).called("add a magnet that runs").until("metaDL"),
    get("torrents/info").called("a magnet that runs"),
    post("torrents/setForceStart", hashes=MAGNET_HASH, value="true").until("forcedMetaDL"),
    get("torrents/info").called("a magnet that is forced"),
    post("torrents/setForceStart", hashes=MAGNET_HASH, value="false"),
    post("torrents/pause", hashes=MAGNET_HASH).until("pausedDL"),
    get("torrents/info").called("a magnet that is paused"),
    post("torrents/resume", hashes=MAGNET_HASH).until("metaDL"),
    get("torrents/info").called("a magnet that runs again"),
    post("torrents/reannounce", hashes=MAGNET_HASH),
    post("torrents/add", urls=magnet("3"), tags=" padded ,,padded", paused="true"),
    get("torrents/info", hashes=topic("3")).called("added with a padded tag"),
    get("torrents/tags").called("a padded tag"),
    post("torrents/add", urls=magnet("8", "First"), addToTopOfQueue="true", paused="true"),
    get("torrents/info", hashes=topic("8")).called("a magnet at the top of the queue"),
    post("torrents/add", urls=magnet("c"), stopCondition="MetadataReceived", paused="true"),
    get("torrents/properties", hash=topic("c")),
    post("torrents/delete", hashes="all", deleteFiles="true").called("delete all with files"),
    get("torrents/info").called("nothing is left again"),
)

GOODBYE: Final = (
    post("auth/logout"),
    get("app/version").called("ask after the last logout"),
    *(
        post("auth/login", username="admin", password="nothing")
        .stranger()
        .called(f"wrong password, time {time} of 5")
        for time in range(1, 6)
    ),
    post("auth/login", username="admin", password="nothing").stranger().called("a sixth time"),
    post("auth/login", username="admin", password="{password}").stranger().called("too late"),
    get("app/version").by("second").called("a session of somebody who is banned"),
)

LEAVING: Final = (*REMOVALS, *FINISHED, *RUNNING, *GOODBYE)
