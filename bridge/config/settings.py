"""The settings: one tree of types, named as in the YAML file.

A new key needs a line here, one in `config/bridge.example.yaml` and one in
`docs/configuration.md`; the rest follows from its type.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import UNSET, Struct, UnsetType, field, structs

from bridge.config.kinds import (
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
    Word,
)


class ServerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the bridge listens, and who may come in."""

    host: Word = "0.0.0.0"
    port: Port = 8080
    url_base: UrlBase = ""
    """Either empty or with a leading and no trailing slash."""
    username: Text = "admin"
    password: Password | None = None
    """None: one is made at the first start."""
    api_key: LongKey | None = None
    trusted_proxies: tuple[NetworkText, ...] = ()
    fetch_allowed_hosts: tuple[Text, ...] = ()
    """Private hosts, addresses or networks that links in `torrents/add` may lead to."""

    @property
    def local_url(self) -> str:
        """How this machine reaches the bridge, `url_base` included, without a trailing slash."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        named = f"[{host}]" if ":" in host else host
        return f"http://{named}:{self.port}{self.url_base}"


class PollSeconds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pauses between two shared lists, in seconds."""

    active: Pause = 5.0
    idle: Pause = 60.0


class Limits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What TorBox lets us do; a 429 is believed over it."""

    calls_per_minute: UpTo1000 = 300
    """Of each class: adds, lists, links, control."""
    uncached_per_hour: UpTo1000 = 60
    adds_at_once: UpTo16 = 3


class TorBoxSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How TorBox is reached."""

    api_key: ApiKey | None = None
    base_url: Url = "https://api.torbox.app"
    """Without a trailing slash."""
    poll_seconds: PollSeconds = field(default_factory=PollSeconds)
    timeout_seconds: Timeout = 30.0
    limits: Limits = field(default_factory=Limits)


class PathSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where things lie on disk."""

    database: FilePath = Path("/config/bridge.db")
    downloads: Directory = Path("/downloads")
    incomplete: Directory | None = None

    @property
    def incomplete_directory(self) -> Path:
        """Where unfinished files lie: `incomplete`, or `.incomplete` below `downloads`."""
        return self.incomplete or self.downloads / ".incomplete"


class WebdavSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """TorBox's WebDAV server, as the user's mount uses it."""

    url: Url = "https://webdav.torbox.app"
    """Without a trailing slash."""
    username: Text | None = None
    """None: it is not asked."""
    password: Password | None = None


class Aria2Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The aria2 daemon that fetches in mode `aria2`."""

    url: Url | None = None
    """Of its JSON-RPC, such as `http://nas:6800/jsonrpc`."""
    secret: ApiKey | None = None
    directory: Directory | None = None
    """How aria2 sees the directory for unfinished downloads; None: at the same path."""


class DeliverySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How finished remote items appear on disk."""

    mode: Mode = "download"
    mount: Directory | None = None
    mount_timeout: Seconds = 1800.0
    """In seconds: how long files may be missing from a mount that works."""
    link_style: LinkStyle = "absolute"
    webdav: WebdavSettings = field(default_factory=WebdavSettings)
    public_url: Url | None = None
    parallel_files: UpTo64 = 4
    connections_per_file: UpTo16 = 4
    limit_bytes_per_second: Rate | None = None
    """None: as fast as it goes."""
    min_free_bytes: Size = 1024**3
    verify: Verify = "size"
    aria2: Aria2Options = field(default_factory=Aria2Options)


class FilePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which files of a remote item are wanted."""

    min_size: Size = 0
    include: tuple[Text, ...] = ()
    exclude: tuple[Text, ...] = ()


class CleanUpPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When finished downloads are removed though no *arr asks for it. Seconds, None is never."""

    after_import: Seconds | None = None
    after: Seconds | None = None
    dry_run: Switch = False
    """Only list what would be removed."""


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done with the downloads of a category. Times in seconds, None is never."""

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
    """Look first whether it is on the account already, and take it over."""
    clean_up: CleanUpPolicy = field(default_factory=CleanUpPolicy)
    files: FilePolicy = field(default_factory=FilePolicy)


class FilePolicyChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a category says itself about files; UNSET is as in the default policy."""

    min_size: Size | UnsetType = UNSET
    include: tuple[Text, ...] | UnsetType = UNSET
    exclude: tuple[Text, ...] | UnsetType = UNSET

    def over(self, base: FilePolicy) -> FilePolicy:
        """Put these on top of another policy."""
        return structs.replace(base, **dict(_given(self)))


class CleanUpPolicyChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a category says itself about cleaning up; UNSET is as in the default policy."""

    after_import: Seconds | UnsetType | None = UNSET
    after: Seconds | UnsetType | None = UNSET
    dry_run: Switch | UnsetType = UNSET

    def over(self, base: CleanUpPolicy) -> CleanUpPolicy:
        """Put these on top of another policy."""
        return structs.replace(base, **dict(_given(self)))


class PolicyChanges(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a category says itself; UNSET is as in the default policy."""

    cached: Cached | UnsetType = UNSET
    refuse: Refuse | UnsetType = UNSET
    seed: Seed | UnsetType = UNSET
    when_full: WhenFull | UnsetType = UNSET
    stalled_after: Seconds | UnsetType | None = UNSET
    metadata_after: Seconds | UnsetType | None = UNSET
    stored_after: Seconds | UnsetType | None = UNSET
    give_up_after: Seconds | UnsetType | None = UNSET
    delivery: Mode | UnsetType | None = UNSET
    remove_from_torbox: RemoveFromTorBox | UnsetType = UNSET
    adopt: Switch | UnsetType = UNSET
    clean_up: CleanUpPolicyChanges = field(default_factory=CleanUpPolicyChanges)
    files: FilePolicyChanges = field(default_factory=FilePolicyChanges)

    def over(self, base: Policy) -> Policy:
        """Put these on top of another policy."""
        own = dict(_given(self)) | {
            "files": self.files.over(base.files),
            "clean_up": self.clean_up.over(base.clean_up),
        }
        return structs.replace(base, **own)


def _given(changes: Struct) -> Iterator[tuple[str, object]]:
    for name in changes.__struct_fields__:
        value = getattr(changes, name)
        if value is not UNSET:
            yield name, value


class CategorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A category that is made at start, and what differs in it."""

    save_path: SavePath | None = None
    """None: the category's name below `paths.downloads`."""
    policy: PolicyChanges = field(default_factory=PolicyChanges)


class ArrSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An *arr whose own API the bridge may use."""

    name: Text
    kind: ArrKind
    url: Url
    api_key: ApiKey
    categories: tuple[Text, ...] = ()


class FailoverSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an *arr is told that a download failed."""

    dry_run: Switch = False
    """Only say what would be done."""
    per_hour: UpTo1000 = 10


class QBittorrentSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which qBittorrent the bridge looks like."""

    profile: Profile = "4.6"


class WebSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What browsers get."""

    alternative_ui: Directory | None = None
    """A folder with `public/` and perhaps `private/`, as qBittorrent's alternative web UIs have."""
    csrf_protection: Switch = True


class HistorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of downloads."""

    keep_for: Seconds | None = 90 * 86400.0
    """In seconds, after a download was removed; None is for ever."""


class NotifySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is told what happened."""

    name: Text
    kind: NotifyKind
    url: ApiKey
    """Secret: a webhook's URL lets anybody write there."""
    token: ApiKey | None = None
    events: tuple[NotifyEvent, ...] = ("failed", "attention", "blocked", "free", "disk_full")


class LogSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is logged, and how it looks."""

    level: LogLevel = "info"
    format: LogFormat = "auto"


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. The names are public: they stand in users' files and environments."""

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
        """Return the default policy with the category's own on top."""
        own = self.categories.get(category)
        return own.policy.over(self.policy) if own else self.policy

    def delivery_mode(self, category: str) -> Mode:
        """Tell how the downloads of a category appear on disk."""
        return self.policy_for(category).delivery or self.delivery.mode

    @property
    def public_root(self) -> str | None:
        """Where media servers reach the bridge, `url_base` included; None if it is not told."""
        public, base = self.delivery.public_url, self.server.url_base
        if public is None or (base and public.endswith(base)):
            return public
        return public + base

    def secrets(self) -> tuple[str, ...]:
        """Return the texts that must not show up anywhere, for the log to mask."""
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
