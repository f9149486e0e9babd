"""TorBox: does it accept the API key, what does the plan allow, and does its CDN serve files?"""

import time
from collections.abc import Iterator, Sequence
from math import inf
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from bridge import USER_AGENT
from bridge.config import Settings
from bridge.core.model import RemoteFile, RemoteItem
from bridge.delivery import FetchSettings, make_session
from bridge.delivery.delivery_errors import FetchTrouble, Interrupted
from bridge.delivery.fetch.cdn_connection import RangeRequest, check_response, open_response
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.torbox import (
    CALLS_PER_MINUTE,
    FREE_PLAN,
    UNCACHED_PER_HOUR,
    Account,
    BadToken,
    Budgets,
    NeedsUser,
    NoEndpoint,
    NoToken,
    PlanRestricted,
    RateLimited,
    TorBox,
    TorBoxError,
)

SUBJECT: Final = "torbox"
MAX_SKEW: Final = 60.0
"""Seconds by which the clocks may differ: items are recognised by TorBox's creation times."""
CONNECTIONS: Final = 8
"""Connections that TorBox allows for one download."""
MODES_WITH_LINKS: Final = frozenset({"download", "strm"})
"""Modes that use CDN links from this machine, or from near it."""
CDN_TIMEOUTS: Final = FetchSettings(connect_timeout=10.0, answer_timeout=20.0)
TRY_LATER: Final = "Check again in some minutes; if it stays so, ask TorBox's support"


async def check_torbox(
    settings: Settings, session: aiohttp.ClientSession, torbox: TorBox | None = None
) -> list[Finding]:
    """Check the account, and fetch one byte from the CDN. Makes at most three API calls.

    `torbox` is the client of a running bridge: it has the key and the limits of this moment.
    """
    torbox = torbox or _client(settings, session)
    found: list[Finding] = []
    try:
        account = await torbox.me()
        # The first answer has also brought TorBox's clock, in its Date header.
        found += [*_account(account, time.time()), _clock(torbox.offset_seconds)]
        found += _limits(settings)
        items = await torbox.list_items()
    except TorBoxError as error:
        return [*found, _failed(error, settings.torbox.base_url)]
    return [*found, _slots(account, items), *await _check_cdn(settings, torbox, items)]


def _client(settings: Settings, session: aiohttp.ClientSession) -> TorBox:
    key = settings.torbox.api_key
    return TorBox.of(session, settings.torbox, key.reveal() if key else "", Budgets())


def _failed(error: TorBoxError, url: str) -> Finding:
    match error:
        case NoToken():
            fix = (
                "Enter it on the bridge's page, or set TORBOX_API_KEY, or torbox.api_key in the"
                " configuration file. You find the key on https://torbox.app/settings"
            )
            return problem(SUBJECT, "there is no API key yet", fix)
        case BadToken():
            fix = "Copy the key from https://torbox.app/settings into torbox.api_key"
            return problem(SUBJECT, f"TorBox rejected the API key ({error})", fix)
        case NoEndpoint():
            fix = "Set torbox.base_url to https://api.torbox.app, or leave it out"
            return problem(SUBJECT, f"{url} is not TorBox's API ({error})", fix)
        case RateLimited():
            fix = "Nothing to do: it continues automatically. Check again in some minutes"
            return warning(SUBJECT, f"TorBox allows no more calls at the moment ({error})", fix)
        case _:
            fix = f"Can this machine reach {url}? Is TorBox up?"
            return problem(SUBJECT, str(error), fix)


def _account(account: Account, now: float) -> Iterator[Finding]:
    extra = f" ({account.extra_slots} of them additional)" if account.extra_slots else ""
    slots = f"{account.slots} downloads at a time{extra}"
    yield ok(SUBJECT, f"TorBox accepted the API key; plan {account.plan_name}, {slots}")
    if account.plan == FREE_PLAN:
        fix = "Choose another plan at TorBox"
        yield warning(SUBJECT, "the free plan allows a few downloads a month", fix)
    if account.has_expired(now):
        yield problem(SUBJECT, "the plan has expired", "Renew it at TorBox")
    if account.cooldown_until is not None and account.cooldown_until > now:
        minutes = (account.cooldown_until - now) / 60
        fix = "Nothing to do: new downloads wait"
        yield warning(SUBJECT, f"TorBox accepts nothing new for {minutes:.0f} minutes", fix)


def _clock(offset: float) -> Finding:
    text = f"the clocks differ by {abs(offset):.0f} s"
    if abs(offset) > MAX_SKEW:
        fix = "Set this machine's clock: turn on NTP (timedatectl set-ntp true)"
        return problem(SUBJECT, text, fix)
    return ok(SUBJECT, text)


def _slots(account: Account, items: Sequence[RemoteItem]) -> Finding:
    """Count the items that take a slot: unfinished ones, and finished ones that still seed."""
    active = [item for item in items if item.active]
    text = f"{len(active)} of {account.slots} slots are in use"
    if len(active) < account.slots:
        return ok(SUBJECT, text)
    seeding = sum(item.finished for item in active)
    if seeding:
        fix = "Stop seeding them at TorBox; with policy.seed: never the bridge does not ask for it"
        return warning(SUBJECT, f"{text}, {seeding} of them only for seeding", fix)
    fix = "Nothing to do: uncached downloads wait until a slot is free"
    return warning(SUBJECT, text, fix)


def _limits(settings: Settings) -> Iterator[Finding]:
    limits = settings.torbox.limits
    documented = (
        ("torbox.limits.calls_per_minute", limits.calls_per_minute, CALLS_PER_MINUTE),
        ("torbox.limits.uncached_per_hour", limits.uncached_per_hour, UNCACHED_PER_HOUR),
        ("delivery.connections_per_file", settings.delivery.connections_per_file, CONNECTIONS),
    )
    above = [limit for limit in documented if limit[1] > limit[2]]
    for key, given, most in above:
        fix = f"Set it to {most} or leave it out: TorBox refuses what is above"
        yield warning(SUBJECT, f"{key} is {given}, but TorBox allows {most}", fix)
    if not above:
        rate = f"{limits.calls_per_minute} calls a minute, {limits.uncached_per_hour} adds an hour"
        yield ok(SUBJECT, f"torbox.limits are within what TorBox allows: {rate}")


async def _check_cdn(
    settings: Settings, torbox: TorBox, items: Sequence[RemoteItem]
) -> list[Finding]:
    """Fetch one byte of one file, if a delivery mode needs the CDN.

    TorBox counts links, and many links for one file as abuse; so this asks for a single link. The
    link itself is never shown.
    """
    if not settings.modes & MODES_WITH_LINKS:
        return []
    sample = _sample(items)
    if sample is None:
        return [ok(SUBJECT, "the CDN was not checked: the account has no finished file")]
    item, file = sample
    try:
        link = await torbox.link(item.id, file.id)
    except TorBoxError as error:
        level = problem if isinstance(error, NeedsUser | PlanRestricted) else warning
        return [level(SUBJECT, f"TorBox gives no link to a finished file ({error})", TRY_LATER)]
    return [await _fetched(link, file)]


def _sample(items: Sequence[RemoteItem]) -> tuple[RemoteItem, RemoteFile] | None:
    """Return a file of the oldest item: not every node of the CDN has a new one yet."""
    ready = [item for item in items if item.ready]
    for item in sorted(ready, key=lambda item: item.created_at or inf):
        for file in item.files:
            # TorBox may refuse links to infected files, and a zip says nothing about single files.
            if file.size > 1 and not file.infected and not file.zipped:
                return item, file
    return None


async def _fetched(link: str, file: RemoteFile) -> Finding:
    request = RangeRequest(name=file.name, size=file.size, start=0, end=1)
    host = urlsplit(link).hostname or "its host"
    try:
        async with (
            make_session(USER_AGENT) as session,
            open_response(session, link, request.headers, CDN_TIMEOUTS) as response,
        ):
            check_response(request, response.status, response.headers, now=time.time())
            await response.content.readexactly(1)
    except Interrupted as error:
        fix = f"Can this machine reach {host}? Check the firewall, the DNS filter and the VPN"
        return problem(SUBJECT, f"TorBox's CDN does not answer: {error}", fix)
    except FetchTrouble as error:
        return warning(SUBJECT, f"TorBox's CDN did not serve a file: {error}", TRY_LATER)
    return ok(SUBJECT, f"the CDN serves files ({host})")
