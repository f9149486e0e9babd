"""The settings: one tree of types, named as in the YAML file.

A new key needs a line here, one in `config/bridge.example.yaml` and one in
`docs/configuration.md`. Its variable, its checks and its messages follow from its type.
Durations are in seconds, sizes in bytes; None means never, or no limit.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct, field, structs

from bridge.config.value_types import (
    Addresses,
    ApiKey,
    ArrKind,
    Cached,
    CategoryName,
    Directory,
    FilePath,
    LinkStyle,
    LogFormat,
    LogLevel,
    LongKey,
    Mode,
    NetworkText,
    NotifyEvent,
    NotifyKind,
    Password,
    Pause,
    Port,
    Profile,
    ProxyUrl,
    Rate,
    Refuse,
    RemoveFromTorBox,
    SavePath,
    Seconds,
    Seed,
    Size,
    Switch,
    Text,
    Timeout,
    UpTo16,
    UpTo64,
    UpTo1000,
    Url,
    UrlBase,
    Verify,
    WhenFull,
)
from bridge.core.paths import safe_path

RELOADED_SECTIONS: Final = ("policy", "categories", "failover", "log")
"""Sections that are taken over without a restart, as is `torbox.api_key`."""


DEFAULT_EVENTS: Final = ("failed", "attention", "blocked", "free", "disk_full")
"""What a receiver of notifications gets unless it names its events."""


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the bridge listens, and who may log in."""

    host: Addresses = ("0.0.0.0",)
    """An address or several. `::` listens on IPv4 too, where the system has both."""
    port: Port = 8080
    url_base: UrlBase = ""
    """Either empty or with a leading and no trailing slash."""
    username: Text = "admin"
    password: Password | None = None
    """None: one is created at the first start."""
    api_key: LongKey | None = None
    trusted_proxies: tuple[NetworkText, ...] = ()
    auth_exempt: tuple[NetworkText, ...] = ()
    """Networks whose clients need no login."""
    fetch_allowed_hosts: tuple[Text, ...] = ()
    """Private hosts, addresses or networks that links in `torrents/add` may lead to."""

    @property
    def local_host(self) -> str:
        """An address of the bridge on this machine: the loopback if it listens on all addresses."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return next((loopback[host] for host in self.host if host in loopback), self.host[0])

    @property
    def local_url(self) -> str:
        """How this machine reaches the bridge, `url_base` included, without a trailing slash."""
        host = self.local_host
        named = f"[{host}]" if ":" in host else host
        return f"http://{named}:{self.port}{self.url_base}"


class PollSeconds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Seconds between two reads of TorBox's list."""

    active: Pause = 5.0
    idle: Pause = 60.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TorBox's limits. When TorBox answers 429, its answer wins."""

    calls_per_minute: UpTo1000 = 300
    """For each class of calls: adds, lists, links, control."""
    uncached_per_hour: UpTo1000 = 60
    adds_at_once: UpTo16 = 3


class TorBoxSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the bridge calls TorBox."""

    api_key: ApiKey | None = None
    base_url: Url = "https://api.torbox.app"
    """Without a trailing slash."""
    poll_seconds: PollSeconds = field(default_factory=PollSeconds)
    timeout_seconds: Timeout = 30.0
    proxy: ProxyUrl | None = None
    """For API and CDN; None: what HTTP_PROXY, HTTPS_PROXY and NO_PROXY say."""
    limits: Limits = field(default_factory=Limits)


class PathSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where files are kept."""

    database: FilePath = Path("/config/bridge.db")
    downloads: Directory = Path("/downloads")
    incomplete: Directory | None = None

    @property
    def incomplete_directory(self) -> Path:
        """The directory for unfinished files: `incomplete`, or `.incomplete` below `downloads`."""
        return self.incomplete or self.downloads / ".incomplete"


class WebdavSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TorBox's WebDAV server, as the user's mount uses it."""

    url: Url = "https://webdav.torbox.app"
    """Without a trailing slash."""
    username: Text | None = None
    """None: WebDAV is not used."""
    password: Password | None = None


class Aria2Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The aria2 daemon that fetches in mode `aria2`."""

    url: Url | None = None
    """The URL of its JSON-RPC, such as `http://nas:6800/jsonrpc`."""
    secret: ApiKey | None = None
    directory: Directory | None = None
    """How aria2 sees the directory for unfinished downloads; None: at the same path."""


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How finished remote items appear on disk."""

    mode: Mode = "download"
    mount: Directory | None = None
    mount_timeout: Seconds = 4 * 3600.0
    """How long files may be missing from a mount that works."""
    link_style: LinkStyle = "absolute"
    webdav: WebdavSettings = field(default_factory=WebdavSettings)
    public_url: Url | None = None
    parallel_files: UpTo64 = 4
    connections_per_file: UpTo16 = 8
    limit_bytes_per_second: Rate | None = None
    """None: no limit."""
    min_free_bytes: Size = 1024**3
    verify: Verify = "size"
    windows_safe_names: Switch = False
    aria2: Aria2Options = field(default_factory=Aria2Options)


class FilePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files of a remote item are wanted."""

    min_size: Size = 0
    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()


class CleanUpPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Automatic clean-up: when finished downloads are removed without a request of an *arr."""

    after_import: Seconds | None = None
    after: Seconds | None = None
    dry_run: Switch = False
    """Only list what would be removed."""


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the downloads of a category are treated."""

    cached: Cached = "any"
    refuse: Refuse = "auto"
    seed: Seed = "auto"
    when_full: WhenFull = "wait"
    stalled_after: Seconds | None = 6 * 3600.0
    metadata_after: Seconds | None = 3600.0
    stored_after: Seconds | None = 2 * 3600.0
    give_up_after: Seconds | None = None
    delivery: Mode | None = None
    """None: as `delivery.mode` says."""
    remove_from_torbox: RemoveFromTorBox = "own"
    adopt: Switch = False
    """Use an item that is on the account already, instead of adding the torrent again."""
    clean_up: CleanUpPolicy = field(default_factory=CleanUpPolicy)
    files: FilePolicy = field(default_factory=FilePolicy)


class CategorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category that is created at the start, and its policy."""

    save_path: SavePath | None = None
    """None: the category's name below `paths.downloads`."""
    policy: Policy | None = None
    """The whole policy of the category: its own keys over those of the default. None: the default."""


class ArrSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An *arr whose own API the bridge may use."""

    name: Text
    kind: ArrKind
    url: Url
    api_key: ApiKey
    categories: tuple[Text, ...] = ()


class FailoverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How failures are reported to the *arr."""

    dry_run: Switch = False
    """Only log what would be done."""
    per_hour: UpTo1000 = 10


class QBittorrentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The qBittorrent version that the bridge presents."""

    profile: Profile = "4.6"


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pages for browsers."""

    alternative_ui: Directory | None = None
    """A folder with `public/` and perhaps `private/`, as qBittorrent's alternative web UIs have."""
    csrf_protection: Switch = True


class HistorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The history of downloads."""

    keep_for: Seconds | None = 90 * 86400.0
    """Seconds after a download was removed; None keeps its history for ever."""


class NotifySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver of notifications."""

    name: Text
    kind: NotifyKind
    url: ApiKey
    """Secret: a webhook's URL lets anybody write there."""
    token: ApiKey | None = None
    events: tuple[NotifyEvent, ...] = DEFAULT_EVENTS


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log level and format."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    """All settings. The names are public: users have them in their files and environments.

    The sections are immutable. A running bridge shares one object of this class, and only
    `reload_from` replaces its sections.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    torbox: TorBoxSettings = field(default_factory=TorBoxSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    policy: Policy = field(default_factory=Policy)
    categories: Mapping[CategoryName, CategorySettings] = field(default_factory=dict)
    arr: tuple[ArrSettings, ...] = ()
    failover: FailoverSettings = field(default_factory=FailoverSettings)
    qbittorrent: QBittorrentSettings = field(default_factory=QBittorrentSettings)
    web: WebSettings = field(default_factory=WebSettings)
    history: HistorySettings = field(default_factory=HistorySettings)
    notify: tuple[NotifySettings, ...] = ()
    log: LogSettings = field(default_factory=LogSettings)

    def policy_for(self, category: str) -> Policy:
        """Return the policy of a category."""
        own = self.categories.get(category)
        return (own.policy if own else None) or self.policy

    def delivery_mode(self, category: str) -> Mode:
        """Return how the downloads of a category appear on disk."""
        return self.policy_for(category).delivery or self.delivery.mode

    @property
    def modes(self) -> frozenset[Mode]:
        """The delivery modes in use: the default, and those of the categories."""
        return frozenset(self.delivery_mode(name) for name in ("", *self.categories))

    def category_directory(self, name: str) -> Path:
        """Return the directory of a category's downloads."""
        own = self.categories.get(name)
        return Path((own.save_path if own else None) or self.paths.downloads / safe_path(name))

    @property
    def public_root(self) -> str | None:
        """The URL at which media servers reach the bridge, `url_base` included; None if not set."""
        public, base = self.delivery.public_url, self.server.url_base
        if public is None or (base and public.endswith(base)):
            return public
        return public + base

    def reload_from(self, new: "Settings") -> tuple[list[str], list[str]]:
        """Take over what can change while the bridge runs.

        Return the keys that were taken over, and those that need a restart.
        """
        torbox = structs.replace(self.torbox, api_key=new.torbox.api_key)
        changed = changed_keys(self, new)
        self.torbox = torbox
        for section in RELOADED_SECTIONS:
            setattr(self, section, getattr(new, section))
        restart = changed_keys(self, new)
        return [key for key in changed if key not in restart], restart

    def secrets(self) -> tuple[str, ...]:
        """Return the texts of all secrets, for the log to mask."""
        known = (
            self.server.password,
            self.server.api_key,
            self.torbox.api_key,
            self.delivery.webdav.password,
            self.delivery.aria2.secret,
            *(arr.api_key for arr in self.arr),
            *(one.url for one in self.notify),
            *(one.token for one in self.notify),
        )
        return tuple(secret.reveal() for secret in known if secret is not None)


def changed_keys(old: Struct, new: Struct, above: str = "") -> list[str]:
    """Return the dotted keys in which two structs of one kind differ."""
    found = []
    for name in old.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        key = f"{above}{name}"
        if isinstance(before, Struct) and isinstance(after, Struct):
            found += changed_keys(before, after, f"{key}.")
        elif before != after:
            found.append(key)
    return found
