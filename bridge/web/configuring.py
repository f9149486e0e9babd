"""Settings, set-up and notifications: /api/bridge/settings, /setup/*, /notify/test, /restart."""

from http import HTTPStatus
from typing import cast

import msgspec
from aiohttp import web

from bridge.config import NotifyKind, NotifySettings, Secret
from bridge.notify import NotSent
from bridge.notify.messages import KINDS
from bridge.setup import (
    ArrTest,
    ClientRequest,
    ClientResult,
    SettingsChange,
    SettingsPage,
    TorBoxTest,
)
from bridge.web.web_context import CONTEXT, private_json, refusal


class TorBoxKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A TorBox API key."""

    api_key: str


class ArrAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An *arr's address and key."""

    url: str
    api_key: str


class NotifyTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receiver to test. Without `url`, the receiver in use under this name is tested."""

    name: str = ""
    kind: str = ""
    url: str = ""
    token: str = ""


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a change of settings."""

    saved: bool
    problems: tuple[str, ...] = ()
    """Why nothing was written."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it worked, with a sentence for the user."""

    ok: bool
    text: str


async def show_settings(request: web.Request) -> SettingsPage:
    """Answer every setting with its help, default, value and source. Secrets are left out."""
    return await request.app[CONTEXT].settings.page()


async def save_settings(request: web.Request, wanted: SettingsChange) -> web.Response:
    """Write settings to the YAML file, if they are valid."""
    problems = await request.app[CONTEXT].settings.save(wanted)
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    return private_json(Saved(saved=not problems, problems=tuple(problems)), status)


async def restart(request: web.Request) -> Outcome:
    """Restart with the current settings; answer 202. The restart takes some seconds."""
    if not request.app[CONTEXT].restart():
        raise refusal("restart it where it was started", web.HTTPConflict)
    return Outcome(ok=True, text="It restarts now")


async def test_torbox(request: web.Request, wanted: TorBoxKey) -> TorBoxTest:
    """Ask TorBox whether it accepts a key."""
    return await request.app[CONTEXT].setup.test_torbox(wanted.api_key.strip())


async def test_arr(request: web.Request, wanted: ArrAddress) -> ArrTest:
    """Ask an *arr whether it accepts a key."""
    setup = request.app[CONTEXT].setup
    return await setup.test_arr(wanted.url.strip(), wanted.api_key.strip())


async def create_client(request: web.Request, wanted: ClientRequest) -> ClientResult:
    """Make the bridge a download client of an *arr, which runs its Test."""
    return await request.app[CONTEXT].setup.create_client(wanted)


async def test_notify(request: web.Request, wanted: NotifyTest) -> Outcome:
    """Send a test message to a receiver."""
    notifier = request.app[CONTEXT].notifier
    if wanted.url:
        if wanted.kind not in KINDS:
            raise refusal(f"kind is one of {', '.join(KINDS)}")
        receiver = NotifySettings(
            name="test",
            kind=cast(NotifyKind, wanted.kind),
            url=Secret(wanted.url),
            token=Secret(wanted.token) if wanted.token else None,
        )
    else:
        known = [one for one in notifier.receivers if one.name == wanted.name]
        if not known:
            raise refusal("enter its URL, or restart first so that the saved one is in use")
        receiver = known[0]
    try:
        await notifier.try_out(receiver)
    except NotSent as error:
        return Outcome(ok=False, text=f"Not sent: {error}")
    return Outcome(ok=True, text="Sent. Has it arrived?")
