"""Actions on torrents that are here. None of them can download anything."""

from typing import Final

from tests.differential.scenario.material import (
    BARE,
    FOLDED,
    MAGNET_HASH,
    MOVIE,
    NESTED,
    SECOND_TRACKER,
    SHOW,
    TRACKER,
    UNKNOWN,
)
from tests.differential.steps import Step, get, post

THIRD_TRACKER: Final = "http://127.0.0.1:9/third"
LATER_SECONDS: Final = 0.5
"""Files are renamed, and torrents moved and queued, after the answer."""


def _show() -> Step:
    return get("torrents/info", hashes=SHOW.infohash)


QUEUE: Final = (
    *(
        post(f"torrents/{action}", hashes=hashes)
        for action in ("topPrio", "bottomPrio", "increasePrio", "decreasePrio")
        for hashes in (SHOW.infohash, UNKNOWN)
    ),
    *(
        post(f"torrents/{action}").called(f"{action} without hashes")
        for action in ("topPrio", "bottomPrio", "increasePrio", "decreasePrio")
    ),
    post("torrents/topPrio", hashes=SHOW.infohash).after(LATER_SECONDS).placing(SHOW.infohash, 1),
    get("torrents/info", sort="priority", limit="1").sorted().called("the first in the queue"),
    post("torrents/bottomPrio", hashes=SHOW.infohash).after(LATER_SECONDS),
    _show().called("the last in the queue"),
)

RUNNING: Final = (
    *(
        post(f"torrents/{action}", hashes=hashes)
        for action in ("pause", "reannounce", "recheck")
        for hashes in (SHOW.infohash, UNKNOWN, "all|x", "")
    ),
    *(
        post(f"torrents/{action}").called(f"{action} without hashes")
        for action in ("pause", "resume", "reannounce", "recheck")
    ),
    post("torrents/resume", hashes=UNKNOWN),
    post("torrents/stop", hashes=UNKNOWN),
    post("torrents/start", hashes=UNKNOWN),
    post("torrents/pause", hashes="all"),
    _show().called("a paused torrent"),
)

SWITCHES: Final = (
    post("torrents/toggleSequentialDownload", hashes=SHOW.infohash),
    post("torrents/toggleFirstLastPiecePrio", hashes=SHOW.infohash),
    _show().called("a torrent with other switches").after(LATER_SECONDS),
    post("torrents/toggleSequentialDownload").called("toggleSequentialDownload without hashes"),
    post("torrents/toggleFirstLastPiecePrio").called("toggleFirstLastPiecePrio without hashes"),
    post("torrents/setSuperSeeding", hashes=SHOW.infohash, value="false"),
    post("torrents/setSuperSeeding", hashes=SHOW.infohash).called("setSuperSeeding without value"),
    post("torrents/setAutoManagement", hashes=BARE.infohash, enable="true"),
    get("torrents/info", hashes=BARE.infohash).called("a torrent under automatic management"),
    post("torrents/setAutoManagement", hashes=BARE.infohash, enable="false"),
    post("torrents/setAutoManagement", hashes=BARE.infohash).called(
        "setAutoManagement without enable"
    ),
    post("torrents/setForceStart", hashes=SHOW.infohash).called("setForceStart without value"),
    post("torrents/setForceStart", hashes=UNKNOWN, value="true"),
)

LIMITS: Final = (
    post("torrents/setShareLimits", hashes=SHOW.infohash, ratioLimit="1.25", seedingTimeLimit="90"),
    post(
        "torrents/setShareLimits",
        hashes=SHOW.infohash,
        ratioLimit="2",
        seedingTimeLimit="120",
        inactiveSeedingTimeLimit="30",
    ),
    _show().called("a torrent with share limits"),
    post("torrents/setShareLimits", hashes=SHOW.infohash, ratioLimit="-1", seedingTimeLimit="-1"),
    _show().called("a torrent with no share limits"),
    post("torrents/setShareLimits", hashes=SHOW.infohash, ratioLimit="-2", seedingTimeLimit="-2"),
    _show().called("a torrent with the global share limits"),
    post("torrents/setShareLimits", hashes=SHOW.infohash).called("setShareLimits without limits"),
    post("torrents/setShareLimits", ratioLimit="1", seedingTimeLimit="1"),
    post("torrents/setShareLimits", hashes=SHOW.infohash, ratioLimit="x", seedingTimeLimit="y"),
    post("torrents/setShareLimits", hashes=SHOW.infohash, ratioLimit="-2", seedingTimeLimit="-2"),
    post("torrents/setDownloadLimit", hashes=SHOW.infohash, limit="4096"),
    post("torrents/setUploadLimit", hashes=SHOW.infohash, limit="2048"),
    post("torrents/downloadLimit", hashes=SHOW.infohash).called("downloadLimit of a torrent"),
    post("torrents/uploadLimit", hashes=SHOW.infohash).called("uploadLimit of a torrent"),
    _show().called("a torrent with speed limits"),
    get("torrents/properties", hash=SHOW.infohash).called("properties with speed limits"),
    post("torrents/setDownloadLimit", hashes=SHOW.infohash).called("a limit that is missing"),
    post("torrents/setUploadLimit", limit="1").called("hashes that are missing"),
    post("torrents/setDownloadLimit", hashes=SHOW.infohash, limit="0"),
    post("torrents/setUploadLimit", hashes=SHOW.infohash, limit="0"),
)


def _rename_file(old: str, new: str) -> Step:
    step = post("torrents/renameFile", hash=SHOW.infohash, oldPath=old, newPath=new)
    return step.after(LATER_SECONDS)


def _rename_folder(old: str, new: str) -> Step:
    step = post("torrents/renameFolder", hash=NESTED.infohash, oldPath=old, newPath=new)
    return step.after(LATER_SECONDS)


NAMES: Final = (
    post("torrents/rename", hash=SHOW.infohash, name="  New Näme  "),
    _show().called("a torrent with a new name"),
    post("torrents/rename", hash=SHOW.infohash, name="two\nlines"),
    get("torrents/properties", hash=SHOW.infohash).called("a name of two lines"),
    post("torrents/rename", hash=SHOW.infohash, name="   "),
    post("torrents/rename", hash=SHOW.infohash, name=""),
    post("torrents/rename", hash=SHOW.infohash).called("rename without name"),
    post("torrents/rename", hash=UNKNOWN, name="x"),
    post("torrents/rename", hash=UNKNOWN, name=" "),
    _rename_file("Show.S01/info.nfo", "Show.S01/new.nfo"),
    _rename_file("Show.S01/e01.mkv", "Show.S01/e02.mkv"),
    _rename_file("nothing", "x"),
    _rename_file("Show.S01/e01.mkv", "Show.S01/sub/e01.mkv"),
    _rename_file("Show.S01/e02.mkv", ""),
    post("torrents/renameFile", hash=SHOW.infohash).called("renameFile without paths"),
    post("torrents/renameFile", hash=UNKNOWN, oldPath="a", newPath="b"),
    get("torrents/files", hash=SHOW.infohash).called("files with new names"),
    _rename_folder("Album/CD2", "Album/Disc 2"),
    _rename_folder("nothing", "x"),
    post("torrents/renameFolder", hash=NESTED.infohash).called("renameFolder without paths"),
    post("torrents/renameFolder", hash=UNKNOWN, oldPath="a", newPath="b"),
    get("torrents/files", hash=NESTED.infohash).called("files in a renamed folder"),
    post("torrents/filePrio", hash=SHOW.infohash, id="0|2", priority="0").after(LATER_SECONDS),
    get("torrents/files", hash=SHOW.infohash).called("files of which one is wanted"),
    post("torrents/filePrio", hash=SHOW.infohash, id="0", priority="6").after(LATER_SECONDS),
    post("torrents/filePrio", hash=SHOW.infohash, id="2", priority="7").after(LATER_SECONDS),
    get("torrents/files", hash=SHOW.infohash).called("files with priorities"),
    post("torrents/filePrio", hash=SHOW.infohash, id="0|1|2", priority="1").after(LATER_SECONDS),
    post("torrents/filePrio", hash=SHOW.infohash, id="0", priority="3"),
    post("torrents/filePrio", hash=SHOW.infohash, id="0", priority="x"),
    post("torrents/filePrio", hash=SHOW.infohash, id="a", priority="1"),
    post("torrents/filePrio", hash=SHOW.infohash, id="99", priority="1"),
    post("torrents/filePrio", hash=MAGNET_HASH, id="0", priority="1"),
    post("torrents/filePrio", hash=UNKNOWN, id="0", priority="1"),
    post("torrents/filePrio", hash=SHOW.infohash).called("filePrio without id"),
)

PLACES: Final = (
    post("torrents/setLocation", hashes=MOVIE.infohash, location="{downloads}/moved").after(
        LATER_SECONDS
    ),
    get("torrents/info", hashes=MOVIE.infohash).called("a torrent that was moved"),
    post("torrents/setLocation", hashes=MOVIE.infohash, location=""),
    post("torrents/setLocation", hashes=MOVIE.infohash).called("setLocation without location"),
    post("torrents/setLocation", hashes=UNKNOWN, location="{downloads}/moved"),
    post("torrents/setLocation", hashes=MOVIE.infohash, location="/proc/nothing/x"),
    post("torrents/setSavePath", id=FOLDED.infohash, path="{downloads}/saved").after(LATER_SECONDS),
    get("torrents/info", hashes=FOLDED.infohash).called("a torrent with another save path"),
    post("torrents/setSavePath", id=FOLDED.infohash, path=""),
    post("torrents/setSavePath", path="{downloads}"),
    post("torrents/setDownloadPath", id=UNKNOWN, path="{downloads}/incomplete"),
    post("torrents/setDownloadPath").called("setDownloadPath without id"),
)

TRACKERS: Final = (
    post("torrents/addTrackers", hash=SHOW.infohash, urls=f"\n{THIRD_TRACKER}\n\n"),
    get("torrents/trackers", hash=SHOW.infohash).called("a third tracker"),
    post("torrents/removeTrackers", hash=SHOW.infohash, urls=THIRD_TRACKER),
    post("torrents/addTrackers", hash=SHOW.infohash, urls="not a url"),
    get("torrents/trackers", hash=SHOW.infohash).called("a tracker that is no URL"),
    post("torrents/removeTrackers", hash=SHOW.infohash, urls="not a url"),
    post("torrents/addTrackers", hash=UNKNOWN, urls=THIRD_TRACKER),
    post("torrents/addTrackers", hash=SHOW.infohash).called("addTrackers without urls"),
    post("torrents/editTracker", hash=SHOW.infohash, origUrl=TRACKER, newUrl=f"{TRACKER}/new"),
    post("torrents/editTracker", hash=SHOW.infohash, origUrl="http://z/", newUrl="http://y/"),
    post(
        "torrents/editTracker", hash=SHOW.infohash, origUrl=f"{TRACKER}/new", newUrl=SECOND_TRACKER
    ),
    post("torrents/editTracker", hash=UNKNOWN, origUrl="http://z/", newUrl="http://y/"),
    post("torrents/editTracker", hash=SHOW.infohash).called("editTracker without URLs"),
    post("torrents/removeTrackers", hash=SHOW.infohash, urls=SECOND_TRACKER),
    post("torrents/removeTrackers", hash=SHOW.infohash, urls="http://z/"),
    post("torrents/removeTrackers", hash=UNKNOWN, urls="http://z/"),
    get("torrents/trackers", hash=SHOW.infohash).called("trackers at the end"),
    post("torrents/addPeers", hashes=SHOW.infohash, peers="nonsense"),
    post("torrents/addPeers", hashes=SHOW.infohash).called("addPeers without peers"),
)

WRITING: Final = (*QUEUE, *RUNNING, *SWITCHES, *LIMITS, *NAMES, *PLACES, *TRACKERS)
