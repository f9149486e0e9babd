"""Sonarr, Radarr, Lidarr, Readarr and Prowlarr, as qBittorrent sees them.

Each method is one thing their user does, in the requests that they make of it and in their order.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from tests.arr_emulator.arr_queue import (
    Preferences,
    QueueItem,
    QueueStatus,
    Torrent,
    queue_item,
    ratio_reached,
    stopped_after_seeding,
    time_limit,
)
from tests.arr_emulator.arr_wire import ArrError, Ask, Pairs, Wire
from tests.arr_emulator.arr_words import (
    CONTENT_PATHS,
    LIMITS_WITH_ADD,
    NO_LIMITS,
    STOPPED_WORDS,
    ArrSettings,
    File,
    InitialState,
    Properties,
    SeedLimits,
    Version,
    decode,
    info_hash_of,
    limit_fields,
    number,
    parse_version,
    speaks_v2,
)
from tests.arr_emulator.dialects import DIALECTS, App, Dialect

VERSION_SECONDS: Final = 600.0
"""How long the API version is believed."""
WAIT_TRIES: Final = 10
WAIT_SECONDS: Final = 0.1


class Arr:
    """One *arr with one qBittorrent configured. Use it in an `async with`.

    Every method raises ArrError where the *arr would show an error.
    """

    def __init__(
        self,
        app: App | str,
        url: str,
        username: str = "",
        password: str = "",
        api_key: str | None = None,
        *,
        settings: ArrSettings | None = None,
        foreign_cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.app = App(app)
        self.dialect: Dialect = DIALECTS[self.app]
        self.settings = settings or ArrSettings()
        self.wire = Wire(
            self.dialect,
            url,
            username=username,
            password=password,
            api_key=api_key,
            foreign_cookies=foreign_cookies or {},
        )
        self._version: tuple[float, Version] | None = None

    async def __aenter__(self) -> Self:
        await self.wire.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.wire.__aexit__(kind, error, trace)

    @property
    def category(self) -> str:
        """The category it grabs into."""
        chosen = self.settings.category
        return self.dialect.category if chosen is None else chosen

    async def test(self) -> list[str]:
        """Press the "Test" button; answers what it complains of, nothing when all is well."""
        try:
            return [problem async for problem in self._test()]
        except ArrError as error:
            return [str(error)]

    async def _test(self) -> AsyncIterator[str]:
        await self._choose_api(fresh=True)
        if await self._api_version() < (1, 5):
            yield "Unsupported client version"
        prowlarr = self.app is App.PROWLARR
        if self.category and not prowlarr and (await self.preferences()).removes_by_itself:
            yield "qBittorrent is configured to remove torrents at their Share Ratio Limit"
        await self._choose_api(fresh=True)
        for name in filter(None, (self.category, self.settings.post_import_category)):
            if not await self._ensure_category(name):
                yield "Configuration of label failed"
        if (self.settings.first_priority or prowlarr) and not (
            await self.preferences()
        ).queueing_enabled:
            yield "Queueing is not enabled"
        await self._torrents()

    async def add_magnet(self, magnet: str, limits: SeedLimits = NO_LIMITS) -> str:
        """Grab a magnet; answers the download id, which the *arr computes itself."""
        version = await self._choose_api()
        if not (await self.preferences()).dht and "&tr=" not in magnet:
            raise ArrError("Magnet links without trackers not supported if DHT is disabled")
        form = (("urls", magnet), *await self._add_fields(version, limits))
        return await self._add(form, (), info_hash_of(magnet), version, limits)

    async def add_torrent(
        self, data: bytes, title: str, info_hash: str, limits: SeedLimits = NO_LIMITS
    ) -> str:
        """Grab a .torrent, which the *arr has fetched and hashed; answers the download id."""
        version = await self._choose_api()
        form = await self._add_fields(version, limits)
        files = ((f"{title}.torrent", data),)
        return await self._add(form, files, info_hash.lower(), version, limits)

    async def poll(self) -> list[QueueItem]:
        """Refresh the queue, as it happens every minute. Prowlarr never does."""
        version = await self._api_version()
        preferences = await self.preferences()
        torrents = [await self._timed(torrent, preferences) for torrent in await self._torrents()]
        items = []
        for torrent in torrents:
            item = queue_item(
                self.dialect,
                torrent,
                preferences,
                now=time.time(),
                remove_completed=self.settings.remove_completed,
            )
            items.append(await self._located(item, version))
        return items

    async def remove(self, download_id: str, *, delete_data: bool = True) -> None:
        """Remove a download, with its data as every *arr does."""
        form = [("hashes", download_id.lower())]
        if delete_data:
            form.append(("deleteFiles", "true"))
        await self._post("torrents/delete", form)

    async def mark_imported(self, download_id: str) -> None:
        """After an import: move to the post-import category, if there is one."""
        name = self.settings.post_import_category
        if name and name != self.category:
            form = (("hashes", download_id.lower()), ("category", name))
            await self._post("torrents/setCategory", form)

    async def directory(self) -> str:
        """Ask, for the health check, which directory must exist on the *arr's side."""
        await self._api_version()
        preferences = await self.preferences()
        if not self.category:
            return preferences.save_path
        known = (await self.categories()).get(self.category, {})
        path = known.get("savePath", "")
        if path and not path.startswith("/"):
            return f"{preferences.save_path.rstrip('/')}/{path}"
        return path or preferences.save_path

    async def preferences(self) -> Preferences:
        """Read app/preferences."""
        return decode(await self._get("app/preferences"), Preferences)

    async def categories(self) -> dict[str, dict[str, str]]:
        """Read torrents/categories."""
        return decode(await self._get("torrents/categories"), dict[str, dict[str, str]])

    async def _add(
        self,
        form: Pairs,
        files: Sequence[tuple[str, bytes]],
        info_hash: str,
        version: Version,
        limits: SeedLimits,
    ) -> str:
        ask = Ask(method="POST", path="torrents/add", form=form, files=files)
        if await self.wire.call(ask) == "Fails.":
            raise ArrError("Download client failed to add torrent")
        if self._has_extras(version, limits) and await self._loaded(info_hash):
            await self._extras(info_hash, version, limits)
        return info_hash.upper()

    async def _add_fields(self, version: Version, limits: SeedLimits) -> Pairs:
        settings = self.settings
        fields = [("category", self.category)] if self.category else []
        if settings.initial_state is not InitialState.FORCE_START:
            word = "paused"
            if self.dialect.knows_stopped and await self._api_version() >= STOPPED_WORDS:
                word = "stopped"
            fields.append((word, str(settings.initial_state is InitialState.STOP)))
        if settings.sequential:
            fields.append(("sequentialDownload", "True"))
        if settings.first_and_last:
            fields.append(("firstLastPiecePrio", "True"))
        if settings.content_layout:
            fields.append(("contentLayout", settings.content_layout))
        if version >= LIMITS_WITH_ADD:
            fields += limit_fields(limits)
        return fields

    def _has_extras(self, version: Version, limits: SeedLimits) -> bool:
        settings = self.settings
        return (
            (version < LIMITS_WITH_ADD and limits != NO_LIMITS)
            or settings.first_priority
            or settings.initial_state is InitialState.FORCE_START
            or bool(self.app is App.SONARR and settings.tags)
        )

    async def _loaded(self, info_hash: str) -> bool:
        """Wait about a second for the torrent to be there."""
        ask = Ask(method="GET", path="torrents/properties", query=(("hash", info_hash),))
        for _ in range(WAIT_TRIES):
            try:
                await self.wire.call(ask)
            except ArrError:
                await asyncio.sleep(WAIT_SECONDS)
            else:
                return True
        return False

    async def _extras(self, info_hash: str, version: Version, limits: SeedLimits) -> None:
        """Do the rest; what fails here is only logged by an *arr, and passed over here."""
        hashes = ("hashes", info_hash)
        calls: list[tuple[str, Pairs]] = []
        if version < LIMITS_WITH_ADD:
            ratio = "-2" if limits.ratio is None else number(limits.ratio)
            minutes = "-2" if limits.minutes is None else str(limits.minutes)
            limits_form = (hashes, ("ratioLimit", ratio), ("seedingTimeLimit", minutes))
            calls.append(("torrents/setShareLimits", limits_form))
        if self.settings.first_priority:
            calls.append(("torrents/topPrio", (hashes,)))
        if self.settings.initial_state is InitialState.FORCE_START:
            calls.append(("torrents/setForceStart", (hashes, ("value", "true"))))
        if self.app is App.SONARR and self.settings.tags:
            calls.append(("torrents/addTags", (hashes, ("tags", ",".join(self.settings.tags)))))
        for path, form in calls:
            with contextlib.suppress(ArrError):
                await self._post(path, form)

    async def _choose_api(self, *, fresh: bool = False) -> Version:
        """Find out which API is spoken, unless it was asked within ten minutes."""
        now = asyncio.get_running_loop().time()
        if self._version is not None and not fresh and now - self._version[0] < VERSION_SECONDS:
            return self._version[1]
        reply = await self.wire.send(Ask(method="GET", path="app/webapiVersion"))
        if not speaks_v2(reply):
            legacy = await self.wire.send(Ask(method="GET", path="/version/api"))
            words = "Unable to determine API" if legacy.failed else "API v1 is not for us"
            raise ArrError(words, legacy.status)
        version = await self._api_version()
        self._version = (now, version)
        return version

    async def _api_version(self) -> Version:
        return parse_version(await self._get("app/webapiVersion"))

    async def _ensure_category(self, name: str) -> bool:
        if name in await self.categories():
            return True
        await self._post("torrents/createCategory", (("category", name),))
        return name in await self.categories()

    async def _torrents(self) -> list[Torrent]:
        query = (("category", self.category),) if self.category else ()
        return decode(await self._get("torrents/info", query), list[Torrent])

    async def _timed(self, torrent: Torrent, preferences: Preferences) -> Torrent:
        """Ask for the seeding time where the list leaves it out and a limit needs it."""
        needed = (
            torrent.seeding_time is None
            and stopped_after_seeding(self.dialect, torrent.state)
            and not ratio_reached(self.dialect, torrent, preferences)
            and time_limit(torrent, preferences) >= 0
        )
        if not needed:
            return torrent
        found = await self._properties(torrent.hash)
        return msgspec.structs.replace(torrent, seeding_time=found.seeding_time)

    async def _located(self, item: QueueItem, version: Version) -> QueueItem:
        """Find the path by the files where content_path is missing."""
        if item.status is not QueueStatus.COMPLETED or (
            item.output_path and version >= CONTENT_PATHS
        ):
            return item
        info_hash = item.download_id.lower()
        files = decode(await self._get("torrents/files", (("hash", info_hash),)), list[File])
        if not files:
            return item
        save_path = (await self._properties(info_hash)).save_path.rstrip("/")
        return replace(item, output_path=f"{save_path}/{files[0].name.partition('/')[0]}")

    async def _properties(self, info_hash: str) -> Properties:
        return decode(await self._get("torrents/properties", (("hash", info_hash),)), Properties)

    async def _get(self, path: str, query: Pairs = ()) -> str:
        return await self.wire.call(Ask(method="GET", path=path, query=query))

    async def _post(self, path: str, form: Pairs) -> str:
        return await self.wire.call(Ask(method="POST", path=path, form=form))
