"""Tests a TorBox key and an *arr, and makes the bridge a download client of the *arr."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import aiohttp
import msgspec
import structlog

from bridge.arr import (
    DIALECTS,
    Arr,
    ArrError,
    ArrKeyRejected,
    ArrNotFound,
    ArrServerError,
    ArrUnreachable,
)
from bridge.config import ArrSettings, Secret, Settings
from bridge.config.outbound_proxy import from_environment
from bridge.torbox import BadToken, Budgets, TorBox, TorBoxError

log = structlog.get_logger(__name__)

KINDS: Final = {dialect.app.lower(): kind for kind, dialect in DIALECTS.items()}
QBITTORRENT: Final = "QBittorrent"


class TorBoxTest(msgspec.Struct, frozen=True, kw_only=True):
    """TorBox's answer to an API key."""

    ok: bool
    text: str
    plan: str = ""
    slots: int | None = None


class ArrTest(msgspec.Struct, frozen=True, kw_only=True):
    """An *arr's answer to a URL and an API key."""

    ok: bool
    text: str
    kind: str = ""
    version: str = ""
    clients: tuple[str, ...] = ()
    """Names of its qBittorrent clients."""


class ClientRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The download client to create in an *arr."""

    kind: Literal["sonarr", "radarr", "lidarr", "readarr", "whisparr"]
    url: str
    api_key: str
    host: str
    """The host under which the *arr reaches the bridge."""
    port: int
    username: str
    password: str
    category: str
    use_ssl: bool = False
    url_base: str = ""
    name: str = "TorBox"
    tags: tuple[str, ...] = ()
    """Tags of the *arr: only releases with such a tag use this client."""


class ClientResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result. `complaints` are the messages of the *arr's own Test."""

    ok: bool
    text: str
    complaints: tuple[str, ...] = ()


class Setup:
    """Sends the user's input to TorBox and the *arr. Stores nothing."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def test_torbox(self, api_key: str) -> TorBoxTest:
        """Ask TorBox whether it accepts a key."""
        if not api_key or any(letter.isspace() for letter in api_key) or not api_key.isascii():
            return TorBoxTest(ok=False, text="A TorBox API key has no spaces and is not empty")
        torbox = TorBox(
            self._session,
            base_url=self._settings.torbox.base_url,
            api_key=api_key,
            timeout=self._settings.torbox.timeout_seconds,
            proxies=from_environment(self._settings.torbox.proxy),
            budgets=Budgets(),
        )
        try:
            account = await torbox.me()
        except BadToken:
            return TorBoxTest(ok=False, text="TorBox rejected this API key")
        except TorBoxError as error:
            return TorBoxTest(ok=False, text=f"TorBox could not be asked: {error}")
        plan = account.plan_name
        text = f"TorBox accepted the key: plan {plan}, {account.slots} slots"
        return TorBoxTest(ok=True, text=text, plan=plan, slots=account.slots)

    async def test_arr(self, url: str, api_key: str) -> ArrTest:
        """Return which *arr answers at a URL, and whether it accepts the key."""
        text = _url_problem(url) or ("" if api_key else "Enter its API key")
        if text:
            return ArrTest(ok=False, text=text)
        try:
            arr, version = await self._identify(url, api_key)
            clients = await arr.clients()
        except ArrKeyRejected:
            text = "It rejected the API key: copy it from its Settings > General"
            return ArrTest(ok=False, text=text)
        except ArrUnreachable as error:
            why = f"{error.detail[:1].upper()}{error.detail[1:]}"
            hint = "Between containers, use the name of its service instead of localhost"
            return ArrTest(ok=False, text=f"{why}. {hint}")
        except ArrError as error:
            return ArrTest(ok=False, text=f"{error.detail[:1].upper()}{error.detail[1:]}")
        names = tuple(one.name for one in clients if one.implementation == QBITTORRENT)
        app = DIALECTS[arr.kind].app
        return ArrTest(
            ok=True, text=f"{app} {version} answers", kind=arr.kind, version=version, clients=names
        )

    async def _identify(self, url: str, api_key: str) -> tuple[Arr, str]:
        """Return the *arr at a URL and its version: its status names the program.

        Raises:
            ArrError: no supported *arr answers there.
        """
        # Sonarr, Radarr and Whisparr serve /api/v3, Lidarr and Readarr /api/v1: try one of each.
        last: ArrError | None = None
        for kind in ("sonarr", "lidarr"):
            arr = self._arr(kind, url, api_key)
            try:
                status = await arr.status()
            except (ArrNotFound, ArrServerError) as error:
                last = error
                continue
            found = KINDS.get(status.app_name.lower())
            if found is None:
                raise ArrServerError(
                    "it", f"this is {status.app_name}, which is no *arr that grabs"
                )
            return self._arr(found, url, api_key), status.version
        raise last or ArrServerError("it", "it does not answer as an *arr does")

    def _arr(self, kind: Any, url: str, api_key: str) -> Arr:
        settings = ArrSettings(
            name="it", kind=kind, url=url.rstrip("/"), api_key=Secret(api_key), categories=()
        )
        return Arr(self._session, settings)

    async def create_client(self, wanted: ClientRequest) -> ClientResult:
        """Make the bridge a qBittorrent client of an *arr, or change its client of this name.

        The *arr runs its own Test first, and saves nothing if the Test fails.
        """
        if problem := _url_problem(wanted.url):
            return ClientResult(ok=False, text=problem)
        arr = self._arr(wanted.kind, wanted.url, wanted.api_key)
        app = DIALECTS[wanted.kind].app
        try:
            schemas = await arr.client_schemas()
            schema = next(
                (one for one in schemas if one.get("implementation") == QBITTORRENT), None
            )
            if schema is None:
                return ClientResult(ok=False, text=f"{app} knows no qBittorrent client")
            known = {one.name: one.id for one in await arr.clients()}
            tags = await arr.tag_ids(wanted.tags)
            body = client_body(schema, wanted, tags, known.get(wanted.name))
            complaints = await arr.save_client(body)
        except ArrError as error:
            return ClientResult(ok=False, text=str(error.detail))
        if complaints:
            told = tuple(one.error_message or "it did not say why" for one in complaints)
            text = f"{app} tried it and was not content; it kept nothing"
            return ClientResult(ok=False, text=text, complaints=told)
        done = "changed" if wanted.name in known else "made"
        text = f"{app} has tested and {done} the download client {wanted.name}"
        return ClientResult(ok=True, text=text)


def client_body(
    schema: Mapping[str, Any], wanted: ClientRequest, tags: list[int], known: int | None
) -> dict[str, Any]:
    """Fill in the *arr's own form for a qBittorrent client. Pure."""
    values: dict[str, object] = {
        "host": wanted.host,
        "port": wanted.port,
        "useSsl": wanted.use_ssl,
        "urlBase": wanted.url_base,
        "username": wanted.username,
        "password": wanted.password,
    }
    fields = []
    for field in schema.get("fields", ()):
        name = str(field.get("name", ""))
        if name in values:
            fields.append({**field, "value": values[name]})
        elif name.endswith("ImportedCategory"):
            # What it moves after the import it does not see any more, and never removes.
            fields.append({**field, "value": ""})
        elif name.endswith("Category"):
            fields.append({**field, "value": wanted.category})
        else:
            fields.append(field)
    body: dict[str, Any] = {
        **schema,
        "name": wanted.name,
        "enable": True,
        "removeCompletedDownloads": True,
        "removeFailedDownloads": True,
        "priority": 1,
        "tags": tags,
        "fields": fields,
    }
    body.pop("presets", None)
    body.pop("id", None)
    if known is not None:
        body["id"] = known
    return body


def _url_problem(url: str) -> str:
    if not url.startswith(("http://", "https://")) or any(letter.isspace() for letter in url):
        return "Enter its URL, such as http://sonarr:8989"
    return ""
