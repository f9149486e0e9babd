"""TorBox: does it take the key, what does the plan allow, do the clocks agree?"""

import time
from collections.abc import Iterator
from typing import Final

import aiohttp

from bridge.config import Settings
from bridge.doctor.findings import Finding, ok, problem, warning
from bridge.torbox import Account, BadToken, Budgets, TorBox, TorBoxError
from bridge.torbox.errors import NoEndpoint

SUBJECT = "torbox"
PLANS: Final = {0: "Free", 1: "Essential", 2: "Pro", 3: "Standard"}
FREE = 0
MOST_SKEW = 60.0
"""Seconds between TorBox's clock and ours; what is ours there is told by its date."""


async def look_at_torbox(settings: Settings, session: aiohttp.ClientSession) -> list[Finding]:
    """Ask TorBox who we are. One call."""
    key = settings.torbox.api_key
    if key is None:
        fix = (
            "Set TORBOX_API_KEY, or torbox.api_key in the configuration file."
            " The key stands on https://torbox.app/settings"
        )
        return [problem(SUBJECT, "there is no API key", fix)]
    torbox = TorBox(
        session,
        base_url=settings.torbox.base_url,
        api_key=key.reveal(),
        timeout=settings.torbox.timeout_seconds,
        budgets=Budgets(),
    )
    try:
        account = await torbox.me()
    except TorBoxError as error:
        return [_trouble(error, settings.torbox.base_url)]
    return [*_account(account, time.time()), _clock(torbox.offset_seconds)]


def _trouble(error: TorBoxError, url: str) -> Finding:
    match error:
        case BadToken():
            fix = "Copy the key from https://torbox.app/settings into torbox.api_key"
            return problem(SUBJECT, f"the key is not taken ({error})", fix)
        case NoEndpoint():
            fix = "Set torbox.base_url to https://api.torbox.app, or leave it out"
            return problem(SUBJECT, f"{url} is not TorBox's API ({error})", fix)
        case _:
            fix = f"Can {url} be reached from here? Is TorBox itself up?"
            return problem(SUBJECT, str(error), fix)


def _account(account: Account, now: float) -> Iterator[Finding]:
    plan = PLANS.get(account.plan, f"number {account.plan}")
    yield ok(SUBJECT, f"the key is taken; plan {plan}, {account.slots} downloads at a time")
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
