"""Allowed differences: torrents as they are shown."""

from typing import Final

from tests.differential.allowed import Allowed, Why
from tests.differential.compare import NOTHING
from tests.differential.scenario.material import FOLDED, V2

LISTS: Final = (
    Allowed(
        why=Why.LATER,
        reason="Fields of 4.6.",
        endpoints=("torrents/info", "sync/maindata"),
        fields=("*.inactive_seeding_time_limit", "*.max_inactive_seeding_time"),
        theirs=NOTHING,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="TorBox keeps what is finished, and 0 seeds mark a dead torrent to cleaners.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata"),
        fields=("[].num_complete", "seeds_total", "torrents.<hash>.num_complete"),
        theirs=0,
        ours=1,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Unless TorBox itself is stalled a download that runs has at least one copy: cleaners"
        " remove what has less.",
        endpoints=("torrents/*",),
        fields=("[].availability",),
        theirs=0,
        ours=1,
    ),
    Allowed(
        why=Why.SETUP,
        reason="Both count seconds by themselves.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata"),
        fields=(
            "*.added_on",
            "*.last_activity",
            "*.seeding_time",
            "*.time_active",
            "addition_date",
            "dl_speed_avg",
            "seeding_time",
            "time_elapsed",
        ),
    ),
    Allowed(
        why=Why.TORBOX,
        reason="Told once it is known where on disk it is: *arr import from there.",
        endpoints=("torrents/info", "sync/maindata"),
        fields=("*.content_path",),
        ours="",
    ),
    Allowed(
        why=Why.ODDITY,
        reason="4.5.2 counts the last piece of a v2 torrent as a whole one.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata"),
        fields=("[].total_size", "total_size", "torrents.<hash>.total_size"),
        theirs=49152,
        ours=40000,
    ),
    Allowed(
        why=Why.TORBOX,
        reason="The first tracker, though it is TorBox that asks it.",
        endpoints=("torrents/info", "sync/maindata"),
        fields=("*.tracker",),
        theirs="",
    ),
    Allowed(
        why=Why.SETUP,
        reason="The files of one request are added in any order.",
        endpoints=("torrents/info",),
        requests=("two files at once",),
        fields=("[].priority",),
    ),
    Allowed(
        why=Why.ODDITY,
        reason="With a subfolder qBittorrent takes the extension off the name as well.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata"),
        fields=("[].name", "name", "torrents.<hash>.name"),
        theirs="bare",
        ours="bare.bin",
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Several files always have a folder: without one the content path would be the save"
        " path, which *arr refuse.",
        endpoints=("torrents/files",),
        requests=(f"GET torrents/files hash={FOLDED.infohash}",),
        fields=("[].name",),
    ),
    Allowed(
        why=Why.TORBOX,
        reason="Pieces are TorBox's; their hashes are not kept.",
        endpoints=("torrents/pieceHashes",),
        fields=("[] count",),
        ours=0,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="A v2 torrent is found by its whole hash too.",
        endpoints=("torrents/info",),
        requests=(f"GET torrents/info hashes={V2.infohash_v2}",),
        fields=("[]",),
    ),
    Allowed(
        why=Why.LATER,
        reason="`addToTopOfQueue` came with 4.6.",
        endpoints=("torrents/info",),
        requests=("a magnet at the top of the queue",),
        fields=("[].priority",),
        ours=1,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Filters of 5.x are understood; qBittorrent takes one that it does not know for all.",
        endpoints=("torrents/info",),
        requests=("GET torrents/info filter=running",),
        fields=("[]",),
    ),
    Allowed(
        why=Why.ODDITY,
        reason="qBittorrent writes the .torrent anew, and with a date; the bridge gives the one that"
        " it was handed.",
        endpoints=("torrents/export",),
        fields=("text",),
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Tools send `1` for true.",
        endpoints=("torrents/info",),
        requests=("reverse=1",),
        fields=("[].*",),
    ),
    Allowed(
        why=Why.SETUP,
        reason="qBittorrent is started without DHT, PeX and LSD, and says so in the first rows.",
        endpoints=("torrents/trackers",),
        fields=("[].status",),
        theirs=0,
        ours=2,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Trackers that are no URL are not taken.",
        endpoints=("torrents/trackers",),
        requests=("a tracker that is no URL",),
        fields=("[]*",),
    ),
)

FINISHED: Final = (
    Allowed(
        why=Why.SETUP,
        reason="qBittorrent found the files on disk, the bridge has fetched them.",
        endpoints=("torrents/info", "torrents/properties", "sync/maindata", "transfer/info"),
        requests=("two that *", "finished ones *", "properties of what is finished", "speeds *"),
        fields=(
            "*.completion_on",
            "*.downloaded",
            "*.downloaded_session",
            "*.seen_complete",
            "completion_date",
            "last_seen",
            "reannounce",
            "total_downloaded",
            "total_downloaded_session",
            "server_state.alltime_dl",
            "server_state.dl_info_data",
            "dl_info_data",
        ),
    ),
    Allowed(
        why=Why.CHOICE,
        reason="A download that is done seeding shows a limit that it has reached, so that the *arr remove it.",
        endpoints=("torrents/info", "sync/maindata"),
        requests=("two that are finished", "finished ones *"),
        fields=("*.max_ratio", "*.ratio_limit"),
        ours=0,
    ),
    Allowed(
        why=Why.TORBOX,
        reason="Without a wish to seed there is nothing to wait for: it is finished and paused, and"
        " no longer seeding.",
        endpoints=("torrents/info", "sync/maindata"),
        requests=("two that are finished", "finished ones *"),
        fields=("*.state", "[]"),
    ),
    Allowed(
        why=Why.SETUP,
        reason="qBittorrent cannot reach the tracker; here it is TorBox that asks.",
        endpoints=("torrents/trackers",),
        requests=("trackers of what is finished",),
        fields=("[].msg", "[].num_leeches", "[].num_peers", "[].num_seeds", "[].status"),
    ),
)
