"""Reads and saves the settings. A change is saved only if `config.load` accepts the new file."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog
from msgspec import structs

from bridge.config import ConfigError, load
from bridge.config.environment import PLAIN_KEYS, variable
from bridge.config.schema import FILE_SUFFIX
from bridge.setup.settings_form import KEY, Setting, blank_settings

if TYPE_CHECKING:
    from bridge.setup.settings_file import SettingsFile

log = structlog.get_logger(__name__)


class ArrEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An *arr of the settings. An empty `api_key` keeps the saved key of this name."""

    name: str
    kind: str
    url: str
    categories: tuple[str, ...] = ()
    api_key: str = ""
    key_is_set: bool = False


class NotifyEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver of notifications. An empty `url` or `token` keeps the saved value of this name."""

    name: str
    kind: str
    events: tuple[str, ...]
    url: str = ""
    token: str = ""
    url_is_set: bool = False
    token_is_set: bool = False


class SettingsPage(msgspec.Struct, frozen=True, kw_only=True):
    """All settings and their sources."""

    path: str
    """The YAML file."""
    writable: bool
    problem: str
    """Why the file cannot be read or written."""
    can_restart: bool
    settings: tuple[Setting, ...]
    arr: tuple[ArrEntry, ...]
    arr_source: str
    notify: tuple[NotifyEntry, ...]
    notify_source: str


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of the settings file."""

    set: dict[str, str] = {}
    """Values as text: a list has an item per line, `yaml` is YAML."""
    unset: tuple[str, ...] = ()
    """Keys to remove from the file: the default applies."""
    arr: tuple[ArrEntry, ...] | None = None
    notify: tuple[NotifyEntry, ...] | None = None


class SettingsEditor:
    """The settings of this bridge: its file and its environment variables."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        *,
        can_restart: bool,
        key_changed: Callable[[], object],
    ) -> None:
        self._path = path
        self._environ = environ
        self._can_restart = can_restart
        self._key_changed = key_changed
        self._lock = asyncio.Lock()

    async def page(self) -> SettingsPage:
        """Return every setting with its value and its source. Touches the disk."""
        return await asyncio.to_thread(self._page)

    def _page(self) -> SettingsPage:
        # Here and not above: ruamel.yaml takes 2 MiB, and the settings are seldom looked at.
        from bridge.setup.settings_file import SettingsFile, UnreadableFile  # noqa: PLC0415

        problem, file = "", None
        try:
            file = SettingsFile(self._path)
        except UnreadableFile as error:
            problem = str(error)
        writable = file is not None and _writable(self._path)
        if not writable and not problem:
            problem = (
                f"{self._path} cannot be written: mount /config writable to change settings here"
            )
        return SettingsPage(
            path=str(self._path),
            writable=writable,
            problem=problem,
            can_restart=self._can_restart,
            settings=tuple(self._filled(setting, file) for setting in blank_settings()),
            arr=tuple(_arr_entries(file)),
            arr_source=self._source("arr", file),
            notify=tuple(_notify_entries(file)),
            notify_source=self._source("notify", file),
        )

    def _given_by(self, key: str) -> str:
        """Return the environment variable that sets a setting; empty if none does."""
        plain = variable(*key.split("."))
        names = (plain, plain + FILE_SUFFIX.upper())
        return next((name for name in names if self._environ.get(name)), "")

    def _source(self, key: str, file: SettingsFile | None) -> str:
        if self._given_by(key):
            return "environment"
        given = file is not None and (file.has(key) or file.get(key + FILE_SUFFIX) is not None)
        return "file" if given else "default"

    def _filled(self, setting: Setting, file: SettingsFile | None) -> Setting:
        source, by = self._source(setting.key, file), self._given_by(setting.key)
        if source != "environment" and (file is None or _unset(file, setting.key)):
            plain = tuple(PLAIN_KEYS) if setting.key == KEY else ()
            by = next((name for name in plain if self._environ.get(name)), "")
            source = "environment" if by else source
        secret = setting.kind == "secret"
        value = ""
        if source == "environment":
            value = "" if secret else self._environ.get(by, "")
        elif source == "file" and file is not None and not secret:
            value = _shown(file, setting)
        is_set = secret and (bool(by) or (file is not None and not _unset(file, setting.key)))
        return structs.replace(setting, source=source, value=value, is_set=is_set, given_by=by)

    async def save(self, change: SettingsChange) -> list[str]:
        """Write a change. Return its problems; if there are any, nothing was written."""
        async with self._lock:
            problems = await asyncio.to_thread(self._save, change)
        if not problems and KEY in {*change.set, *change.unset}:
            self._key_changed()
        return problems

    def _save(self, change: SettingsChange) -> list[str]:
        problems = self._refused(change)
        if problems:
            return problems
        from bridge.setup.settings_file import (  # noqa: PLC0415
            SettingsFile,
            UnreadableFile,
            write_atomically,
        )

        try:
            file = SettingsFile(self._path)
            _apply(file, change)
            text = file.text
        except UnreadableFile as error:
            return [str(error)]
        problems = self._problems(text)
        if problems:
            return problems
        try:
            write_atomically(self._path, text)
        except OSError as error:
            return [f"{self._path} cannot be written: {error.strerror or error}"]
        log.info("settings_saved", keys=[*change.set, *change.unset], path=str(self._path))
        return []

    def _refused(self, change: SettingsChange) -> list[str]:
        """Return the problems of a change's keys: unknown, or set by the environment.

        The environment overrides the file, so saving such a key would have no effect.
        """
        known = {setting.key for setting in blank_settings()}
        single = (*change.set, *change.unset)
        lists = [key for key in ("arr", "notify") if getattr(change, key) is not None]
        unknown = [f"{key} is not a setting" for key in single if key not in known]
        return unknown or [
            f"{key} comes from the environment ({self._given_by(key)})"
            for key in (*single, *lists)
            if self._given_by(key)
        ]

    def _problems(self, text: str) -> list[str]:
        """Return the problems that the next start would find in the new text."""
        # In a directory of its own (mode 700): the text holds keys.
        with tempfile.TemporaryDirectory(prefix="torbox-bridge-settings-") as directory:
            path = Path(directory) / self._path.name
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)
            try:
                load(path, self._environ)
            except ConfigError as error:
                return [problem.replace(str(path), str(self._path)) for problem in error.problems]
        return []


def _apply(file: SettingsFile, change: SettingsChange) -> None:
    known = {setting.key: setting for setting in blank_settings()}
    for key in change.unset:
        file.drop(key)
        file.drop(key + FILE_SUFFIX)
    for key, text in change.set.items():
        file.put(key, _value(file, known[key], text))
        # A secret may be set as `key` or `key_file`; with both the start refuses the settings.
        if known[key].kind == "secret":
            file.drop(key + FILE_SUFFIX)
    if change.arr is not None:
        _put_arr(file, change.arr)
    if change.notify is not None:
        _put_notify(file, change.notify)


def _writable(path: Path) -> bool:
    """Return whether the file can be replaced."""
    # Saving renames a new file over the old one, so the directory must be writable.
    for place in (path.parent, *path.parent.parents):
        if place.exists():
            return os.access(place, os.W_OK | os.X_OK)
    return False


def _unset(file: SettingsFile, key: str) -> bool:
    return file.get(key) is None and file.get(key + FILE_SUFFIX) is None


def _shown(file: SettingsFile, setting: Setting) -> str:
    value = file.get(setting.key)
    if value is None:
        return "null" if file.has(setting.key) else ""
    if setting.kind == "yaml":
        return file.show(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(str(item) for item in value)
    return str(value)


def _value(file: SettingsFile, setting: Setting, text: str) -> object:
    if setting.kind == "yaml":
        return file.parse(text)
    if setting.kind == "list":
        return file.sequence([line.strip() for line in text.splitlines() if line.strip()])
    if setting.kind == "secret":
        return file.scalar(text, secret=True)
    if setting.nullable and text.strip().lower() in {"null", "~"}:
        return None
    return file.scalar(text)


def _entries(file: SettingsFile | None, key: str) -> list[Mapping[str, Any]]:
    listed = file.get(key) if file is not None else None
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        return []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(str(item) for item in value)


def _arr_entries(file: SettingsFile | None) -> list[ArrEntry]:
    return [
        ArrEntry(
            name=str(entry.get("name", "")),
            kind=str(entry.get("kind", "")),
            url=str(entry.get("url", "")),
            categories=_texts(entry.get("categories")),
            key_is_set=bool(entry.get("api_key") or entry.get("api_key_file")),
        )
        for entry in _entries(file, "arr")
    ]


def _notify_entries(file: SettingsFile | None) -> list[NotifyEntry]:
    return [
        NotifyEntry(
            name=str(entry.get("name", "")),
            kind=str(entry.get("kind", "")),
            events=_texts(entry["events"]) if "events" in entry else DEFAULT_EVENTS,
            url_is_set=bool(entry.get("url") or entry.get("url_file")),
            token_is_set=bool(entry.get("token") or entry.get("token_file")),
        )
        for entry in _entries(file, "notify")
    ]


DEFAULT_EVENTS: Final = ("failed", "attention", "blocked", "free", "disk_full")


def _put_arr(file: SettingsFile, wanted: Sequence[ArrEntry]) -> None:
    rows = [
        (
            entry.name,
            {"name": entry.name, "kind": entry.kind, "url": entry.url.rstrip("/")},
            {"api_key": entry.api_key},
            {"categories": entry.categories},
        )
        for entry in wanted
    ]
    file.put_entries("arr", rows)


def _put_notify(file: SettingsFile, wanted: Sequence[NotifyEntry]) -> None:
    rows = [
        (
            entry.name,
            {"name": entry.name, "kind": entry.kind},
            {"url": entry.url, "token": entry.token},
            {"events": entry.events},
        )
        for entry in wanted
    ]
    file.put_entries("notify", rows)
