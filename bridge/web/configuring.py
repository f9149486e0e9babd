"""Settings, set-up and notifications: /api/bridge/settings, /setup/*, /notify/test, /restart."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.notify import NotSent, Receiver
from bridge.notify.messages import KINDS
from bridge.setup import ClientRequest, SettingsChange
from bridge.web.web_context import CONTEXT, answer, read_body, refusal, require_visitor


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


async def show_settings(request: web.Request) -> web.Response:
    """Answer every setting with its help, default, value and source. Secrets are left out."""
    require_visitor(request)
    return answer(await request.app[CONTEXT].settings.page())


async def save_settings(request: web.Request) -> web.Response:
    """Write settings to the YAML file, if they are valid."""
    require_visitor(request)
    change = await read_body(request, SettingsChange)
    problems = await request.app[CONTEXT].settings.save(change)
    status = HTTPStatus.BAD_REQUEST if problems else HTTPStatus.OK
    return answer(Saved(saved=not problems, problems=tuple(problems)), status)


async def restart(request: web.Request) -> web.Response:
    """Restart with the current settings; answer 202. The restart takes some seconds."""
    require_visitor(request)
    if not request.app[CONTEXT].restart():
        return refusal("restart it where it was started", HTTPStatus.CONFLICT)
    return answer(Outcome(ok=True, text="It restarts now"), HTTPStatus.ACCEPTED)


async def test_torbox(request: web.Request) -> web.Response:
    """Ask TorBox whether it accepts a key."""
    require_visitor(request)
    wanted = await read_body(request, TorBoxKey)
    return answer(await request.app[CONTEXT].setup.test_torbox(wanted.api_key.strip()))


async def test_arr(request: web.Request) -> web.Response:
    """Ask an *arr whether it accepts a key."""
    require_visitor(request)
    wanted = await read_body(request, ArrAddress)
    setup = request.app[CONTEXT].setup
    return answer(await setup.test_arr(wanted.url.strip(), wanted.api_key.strip()))


async def create_client(request: web.Request) -> web.Response:
    """Make the bridge a download client of an *arr, which runs its Test."""
    require_visitor(request)
    wanted = await read_body(request, ClientRequest)
    return answer(await request.app[CONTEXT].setup.create_client(wanted))


async def test_notify(request: web.Request) -> web.Response:
    """Send a test message to a receiver."""
    require_visitor(request)
    wanted = await read_body(request, NotifyTest)
    notifier = request.app[CONTEXT].notifier
    if wanted.url:
        if wanted.kind not in KINDS:
            return refusal(f"kind is one of {', '.join(KINDS)}")
        receiver = Receiver(name="test", kind=wanted.kind, url=wanted.url, token=wanted.token)
    else:
        known = [one for one in notifier.receivers if one.name == wanted.name]
        if not known:
            return refusal("enter its URL, or restart first so that the saved one is in use")
        receiver = known[0]
    try:
        await notifier.try_out(receiver)
    except NotSent as error:
        return answer(Outcome(ok=False, text=f"Not sent: {error}"))
    return answer(Outcome(ok=True, text="Sent. Has it arrived?"))
