"""Allowed differences: adding, sorting and changing torrents."""

from typing import Final

from tests.differential.allowed import Allowed, Why
from tests.differential.compare import NOTHING

ADDING: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="A known torrent counts as added, since the *arr that asks again has its download.",
        endpoints=("torrents/add",),
        requests=("add the show again", "add the magnet again"),
        fields=("text",),
        theirs="Fails.",
        ours="Ok.",
    ),
    Allowed(
        why=Why.CHOICE,
        reason="`stopped` of 5.x means the same as `paused`.",
        endpoints=("torrents/info",),
        requests=("added with the word of 5.x",),
        fields=("[].state",),
        ours="pausedDL",
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Tags are trimmed, as 5.x does.",
        endpoints=("torrents/info", "torrents/tags"),
        requests=("added with a padded tag", "a padded tag"),
        fields=("[].tags", "[]*"),
    ),
    Allowed(
        why=Why.CHOICE,
        reason="The hash of a hybrid torrent is its v1 hash, by which an *arr asks for it.",
        endpoints=("torrents/info", "torrents/properties"),
        requests=("a hybrid*",),
        fields=("[]", "status"),
    ),
)

CATEGORIES: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="Each category has a directory of its own. Its absolute path is shown, because an *arr checks it.",
        endpoints=("torrents/categories", "sync/maindata"),
        fields=("*.savePath",),
        theirs="",
    ),
    Allowed(
        why=Why.TORBOX,
        reason="All unfinished files are in one directory; a category has none of its own.",
        endpoints=("torrents/categories", "sync/maindata"),
        fields=("*.download_path",),
        ours=NOTHING,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="A relative path is shown as an absolute one.",
        endpoints=("torrents/categories", "sync/maindata"),
        fields=("*.savePath",),
        theirs="sub",
        ours="{downloads}/sub",
    ),
    Allowed(
        why=Why.TORBOX,
        reason="TorBox asks all trackers at once. An added tracker is shown with a tier of its own.",
        endpoints=("torrents/trackers",),
        requests=("a third tracker", "trackers at the end"),
        fields=("[].tier",),
    ),
    Allowed(
        why=Why.CHOICE,
        reason="The same category again is not a conflict: two *arr may share it.",
        endpoints=("torrents/createCategory",),
        requests=("the same category again",),
        fields=("status",),
        theirs=409,
        ours=200,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Downloads of a category go to its directory, also in manual mode.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata"),
        fields=("[].save_path", "save_path", "torrents.<hash>.save_path"),
        theirs="{downloads}",
    ),
)

ACTIONS: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="The endpoints of 5.x work as well.",
        endpoints=("torrents/stop", "torrents/start", "torrents/count"),
        fields=("status",),
        theirs=404,
        ours=200,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="An *arr leaves out what it does not change.",
        endpoints=("torrents/setShareLimits", "torrents/delete"),
        requests=("setShareLimits without limits", "delete without deleteFiles"),
        fields=("status",),
        theirs=400,
        ours=200,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="A value that is not a number is refused. qBittorrent reads it as 0 and would stop seeding at once.",
        endpoints=("torrents/setShareLimits",),
        requests=("*ratioLimit=x*",),
        fields=("status",),
        theirs=200,
        ours=400,
    ),
)

EDITS: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="No file can leave the directory of its download.",
        endpoints=("torrents/renameFile",),
        requests=("rename a file out of its folder",),
        fields=("status",),
        theirs=200,
        ours=409,
    ),
    Allowed(
        why=Why.LATER,
        reason="The words of 5.x.",
        endpoints=("torrents/renameFile",),
        requests=("POST torrents/renameFile *newPath=",),
        fields=("text",),
        theirs="The new path is invalid: ''.",
        ours="File name has invalid characters",
    ),
)
