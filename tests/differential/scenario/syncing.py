"""sync/maindata: what has changed since a session asked last."""

from typing import Final

from tests.differential.scenario.material import MOVIE, SHOW, magnet, topic
from tests.differential.steps import get, post

SYNCING: Final = (
    get("sync/maindata").called("all of it"),
    get("sync/maindata", rid="1").called("nothing has changed"),
    post("torrents/createCategory", category="synced"),
    post("torrents/createTags", tags="synced"),
    post("torrents/setCategory", hashes=SHOW.infohash, category="synced"),
    get("sync/maindata", rid="2").called("a category, a tag, a torrent's category"),
    get("sync/maindata", rid="2").called("the answer got lost"),
    post("torrents/editCategory", category="synced", savePath="{downloads}/elsewhere"),
    get("sync/maindata", rid="4").called("a category's path"),
    post("torrents/add", urls=magnet("9", "Synced"), paused="true"),
    get("sync/maindata", rid="5").called("a new torrent"),
    post("torrents/rename", hash=MOVIE.infohash, name="Synced"),
    post("torrents/addTags", hashes=MOVIE.infohash, tags="synced"),
    get("sync/maindata", rid="6").called("a torrent's name and tags"),
    post("torrents/delete", hashes=topic("9"), deleteFiles="false"),
    post("torrents/deleteTags", tags="synced"),
    post("torrents/removeCategories", categories="synced"),
    get("sync/maindata", rid="7").called("things that are gone"),
    get("sync/maindata", rid="8").called("nothing has changed again"),
    get("sync/maindata", rid="1").called("a rid from long ago"),
    get("sync/maindata", rid="nonsense").called("a rid that is no number"),
    get("sync/maindata", rid="-5").called("a rid below zero"),
    get("sync/maindata", rid="1").by("second").called("the first time of another session"),
    get("sync/maindata", rid="0").by("second").called("rid 0 of another session"),
)
