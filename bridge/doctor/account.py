"""TorBox: does it take the key, what does the plan allow, do the clocks agree?"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import aiohttp

from bridge.config import Settings
from bridge.config.outbound_proxy import from_environment
from bridge.core.model import RemoteItem
from bridge.doctor.cdn import look_at_cdn
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.torbox import (
    CALLS_PER_MINUTE,
    UNCACHED_PER_HOUR,
    Account,
    BadToken,
    Budgets,
    NoEndpoint,
    RateLimited,
    TorBox,
    TorBoxError,
)

SUBJECT = "torbox"
PLANS: Final = {0: "Free", 1: "Essential", 2: "Pro", 3: "Standard"}
FREE = 0
MOST_SKEW = 60.0
"""Seconds between TorBox's clock and ours; what is ours there is told by its date."""
CONNECTIONS: Final = 8
"""What TorBox allows for one download."""


async def look_at_torbox(
    settings: Settings, session: aiohttp.ClientSession, torbox: TorBox | None = None
) -> list[Finding]:
    """Ask TorBox who we are and what we have there, and its CDN for a byte. Three calls at most.

    `torbox` is the client of a bridge that runs: it knows the key and the limits of this moment.
    """
    if torbox is None and settings.torbox.api_key is None:
        fix = (
            "Set TORBOX_API_KEY, or torbox.api_key in the configuration file."
            " The key stands on https://torbox.app/settings"
        )
        return [problem(SUBJECT, "there is no API key", fix)]
    torbox = torbox or _client(settings, session)
    found: list[Finding] = []
    try:
        account = await torbox.me()
        found += [*_account(account, time.time()), _clock(torbox.offset_seconds)]
        found += _limits(settings)
        items = await torbox.list_items()
    except TorBoxError as error:
        return [*found, _trouble(error, settings.torbox.base_url)]
    return [*found, _slots(account, items), *await look_at_cdn(settings, torbox, items)]


def _client(settings: Settings, session: aiohttp.ClientSession) -> TorBox:
    key = settings.torbox.api_key
    return TorBox(
        session,
        base_url=settings.torbox.base_url,
        api_key=key.reveal() if key else "",
        timeout=settings.torbox.timeout_seconds,
        proxies=from_environment(settings.torbox.proxy),
        budgets=Budgets(),
    )


def _trouble(error: TorBoxError, url: str) -> Finding:
    match error:
        case BadToken():
            fix = "Copy the key from https://torbox.app/settings into torbox.api_key"
            return problem(SUBJECT, f"the key is not taken ({error})", fix)
        case NoEndpoint():
            fix = "Set torbox.base_url to https://api.torbox.app, or leave it out"
            return problem(SUBJECT, f"{url} is not TorBox's API ({error})", fix)
        case RateLimited():
            fix = "Nothing to do: it goes on by itself. Look again in some minutes"
            return warning(SUBJECT, f"TorBox allows no more calls just now ({error})", fix)
        case _:
            fix = f"Can {url} be reached from here? Is TorBox itself up?"
            return problem(SUBJECT, str(error), fix)


def _account(account: Account, now: float) -> Iterator[Finding]:
    plan = PLANS.get(account.plan, f"number {account.plan}")
    extra = f" ({account.extra_slots} of them additional)" if account.extra_slots else ""
    at_a_time = f"{account.slots} downloads at a time{extra}"
    yield ok(SUBJECT, f"the key is taken; plan {plan}, {at_a_time}")
    if account.plan == FREE:
        fix = "Choose another plan at TorBox"
        yield warning(SUBJECT, "the free plan allows a few downloads a month", fix)
    expires = account.premium_expires_at
    if account.plan != FREE and expires is not None and expires < now:
        fix = "Renew it at TorBox"
        yield problem(SUBJECT, "the plan has expired", fix)
    if account.cooldown_until is not None and account.cooldown_until > now:
        minutes = (account.cooldown_until - now) / 60
        fix = "Nothing to do: what is added waits"
        yield warning(SUBJECT, f"TorBox takes nothing new for {minutes:.0f} minutes", fix)


def _clock(offset: float) -> Finding:
    told = f"the clocks differ by {abs(offset):.0f} s"
    if abs(offset) > MOST_SKEW:
        return problem(
            SUBJECT, told, "Set this machine's clock: turn on NTP (timedatectl set-ntp true)"
        )
    return ok(SUBJECT, told)


def _slots(account: Account, items: Sequence[RemoteItem]) -> Finding:
    """Count what holds a slot: what TorBox works on, and what is done and still seeds."""
    active = [item for item in items if item.active]
    told = f"{len(active)} of {account.slots} slots are in use"
    if len(active) < account.slots:
        return ok(SUBJECT, told)
    seeding = sum(item.finished for item in active)
    if seeding:
        fix = (
            "Stop seeding them at TorBox; with policy.seed at never the bridge does not ask for it"
        )
        return warning(SUBJECT, f"{told}, {seeding} of them only to seed", fix)
    fix = "Nothing to do: what TorBox has not cached waits until one is free"
    return warning(SUBJECT, told, fix)


def _limits(settings: Settings) -> Iterator[Finding]:
    limits = settings.torbox.limits
    documented = (
        ("torbox.limits.calls_per_minute", limits.calls_per_minute, CALLS_PER_MINUTE),
        ("torbox.limits.uncached_per_hour", limits.uncached_per_hour, UNCACHED_PER_HOUR),
        ("delivery.connections_per_file", settings.delivery.connections_per_file, CONNECTIONS),
    )
    above = [limit for limit in documented if limit[1] > limit[2]]
    for key, given, most in above:
        fix = f"Set it to {most} or leave it out: what is beyond, TorBox refuses"
        yield warning(SUBJECT, f"{key} is {given}, and TorBox allows {most}", fix)
    if not above:
        told = f"{limits.calls_per_minute} calls a minute, {limits.uncached_per_hour} adds an hour"
        yield ok(SUBJECT, f"torbox.limits keep to what TorBox allows: {told}")
