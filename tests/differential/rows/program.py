"""Allowed differences: the program itself, RSS and search."""

from typing import Final

from tests.differential.allowed import Allowed, Why
from tests.differential.compare import NOTHING

PROGRAM: Final = (
    Allowed(
        why=Why.LATER,
        reason="The bridge calls itself 4.6.7.",
        endpoints=("app/version", "/api/v2/app/version?", "/api/v2/app%2Fversion"),
        fields=("text",),
        theirs="v4.5.2",
        ours="v4.6.7",
    ),
    Allowed(
        why=Why.LATER,
        reason="The Web API of 4.6.7.",
        endpoints=("app/webapiVersion",),
        fields=("text",),
        theirs="2.8.19",
        ours="2.9.3",
    ),
    Allowed(
        why=Why.LATER,
        reason="The libraries of the official 4.6.7.",
        endpoints=("app/buildInfo",),
        fields=("boost", "libtorrent", "openssl", "qt", "zlib"),
    ),
    Allowed(
        why=Why.LATER,
        reason="Preferences that came with 4.6.",
        endpoints=("app/preferences",),
        fields=(
            "add_to_top_of_queue",
            "bdecode_depth_limit",
            "bdecode_token_limit",
            "current_interface_name",
            "file_log_*",
            "i2p_*",
            "max_inactive_seeding_time",
            "max_inactive_seeding_time_enabled",
            "merge_trackers",
            "proxy_bittorrent",
            "proxy_misc",
            "proxy_rss",
            "socket_receive_buffer_size",
            "socket_send_buffer_size",
            "torrent_file_size_limit",
        ),
        theirs=NOTHING,
    ),
    Allowed(
        why=Why.LATER,
        reason="4.6 split it into proxy_bittorrent, proxy_misc and proxy_rss.",
        endpoints=("app/preferences",),
        fields=("proxy_torrents_only",),
        ours=NOTHING,
    ),
    Allowed(
        why=Why.LATER,
        reason="A word since 4.6, a number before.",
        endpoints=("app/preferences",),
        fields=("proxy_type",),
        theirs=0,
        ours="None",
    ),
    Allowed(
        why=Why.LATER,
        reason="No proxy is an empty address in 4.6.",
        endpoints=("app/preferences",),
        fields=("proxy_ip",),
        theirs="0.0.0.0",
        ours="",
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Passwords are not shown.",
        endpoints=("app/preferences",),
        fields=("dyndns_password", "mail_notification_password", "proxy_password"),
        theirs="",
        ours=NOTHING,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Host names are not checked: a port that is mapped, or a proxy, would be refused.",
        endpoints=("app/preferences",),
        fields=("web_ui_host_header_validation_enabled", "web_ui_secure_cookie_enabled"),
        theirs=True,
        ours=False,
    ),
    Allowed(
        why=Why.TORBOX,
        reason="What is not finished lies here, below the downloads, and never where it is imported"
        " from.",
        endpoints=("app/preferences",),
        fields=("temp_path",),
        theirs="{downloads}/temp",
        ours="{downloads}/.incomplete",
    ),
    Allowed(
        why=Why.SETUP,
        reason="qBittorrent is kept to the loopback interface, without the ways to find peers; the"
        " bridge shows what a fresh qBittorrent has. Sonarr refuses some magnets without `dht`.",
        endpoints=("app/preferences",),
        fields=(
            "current_interface_address",
            "current_network_interface",
            "dht",
            "listen_port",
            "lsd",
            "pex",
            "refresh_interval",
            "resolve_peer_countries",
            "upnp",
            "web_ui_port",
        ),
    ),
    Allowed(
        why=Why.SETUP,
        reason="qBittorrent is told to look after its torrents more often; free space changes.",
        endpoints=("sync/maindata",),
        fields=("server_state.refresh_interval", "server_state.free_space_on_disk"),
    ),
    Allowed(
        why=Why.LATER,
        reason="4.6 tells whether `a/b` is below `a`.",
        endpoints=("sync/maindata",),
        fields=("server_state.use_subcategories",),
        theirs=NOTHING,
        ours=False,
    ),
    Allowed(
        why=Why.LATER,
        reason="Endpoints of 5.x, answered since they are harmless.",
        endpoints=(
            "app/cookies",
            "app/getFreeSpaceAtPath",
            "app/processInfo",
            "app/sendTestEmail",
            "app/setCookies",
            "rss/setFeed*",
            "torrents/setComment",
            "torrents/setTags",
        ),
        fields=("status",),
        theirs=404,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="The machine's network interfaces are nobody's business: peers never meet them.",
        endpoints=("app/networkInterfaceList", "app/networkInterfaceAddressList"),
        fields=("[] count",),
        ours=0,
    ),
    Allowed(
        why=Why.SETUP,
        reason="Each has its own log.",
        endpoints=("log/main",),
        fields=("[]*",),
    ),
    Allowed(
        why=Why.TORBOX,
        reason="There are no ports of ours that peers would have to reach.",
        endpoints=("transfer/info", "sync/maindata"),
        fields=("connection_status", "server_state.connection_status"),
        theirs="firewalled",
        ours="connected",
    ),
)

RSS: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="RSS is left to the *arr: there are no feeds and rules, and what is written is"
        " forgotten.",
        endpoints=("rss/items", "rss/rules"),
        fields=("Folder", "rule"),
        ours=NOTHING,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="What is forgotten cannot be in conflict.",
        endpoints=("rss/*",),
        fields=("status",),
        theirs=409,
        ours=200,
    ),
)

SEARCH: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="TorBox's search is there as a plugin; a fresh qBittorrent has none.",
        endpoints=("search/plugins",),
        fields=("[] count",),
        theirs=0,
        ours=1,
    ),
    Allowed(
        why=Why.SETUP,
        reason="Numbers of searches are random.",
        endpoints=("search/start",),
        fields=("id",),
    ),
)
