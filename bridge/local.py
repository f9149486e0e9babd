"""The commands that ask the running bridge, at the address of its own settings: health, adopt."""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from getpass import getpass
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import msgspec

from bridge.config import Settings, find_config, load

FAILED: Final = 1
HEALTH_SECONDS: Final = 8.0
ASK_SECONDS: Final = 60.0
ROUTE: Final = "/api/bridge/account"


class NoWay(Exception):
    """The running bridge cannot be asked; the text says what to do."""


async def health(args: argparse.Namespace) -> int:
    """Ask /healthz of the bridge that these settings describe."""
    url = f"{_settings(args).server.local_url}/healthz"
    try:
        timeout = aiohttp.ClientTimeout(total=HEALTH_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            _say((await answer.text()).strip())
            return 0 if answer.ok else FAILED
    except (aiohttp.ClientError, TimeoutError) as error:
        _say(f"no answer from {url}: {str(error) or 'timeout'}")
        return FAILED


def add_adopt_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `adopt` understands beside `--config`."""
    parser.add_argument("hashes", nargs="*", metavar="HASH", help="what to take over")
    parser.add_argument("--all", action="store_true", help="take over all that is listed")
    parser.add_argument("--category", default="", metavar="NAME", help="into this category")
    parser.add_argument("--json", action="store_true", help="write JSON for scripts")


async def adopt(args: argparse.Namespace) -> int:
    """List what is on the account and not here; with hashes or --all, take it over."""
    try:
        async with _logged_in(_settings(args)) as session:
            if not args.hashes and not args.all:
                return _list(await _asked(session, "GET"), as_json=args.json)
            wish = {"category": args.category, "hashes": None if args.all else args.hashes}
            return _tell(await _asked(session, "POST", wish), as_json=args.json)
    except NoWay as error:
        sys.stderr.write(f"torbox-bridge: {error}\n")
        return FAILED


def _settings(args: argparse.Namespace) -> Settings:
    return load(find_config(args.config, os.environ), os.environ)


@asynccontextmanager
async def _logged_in(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Reach the running bridge with the key or the password of its settings, or one that is typed."""
    server, key = settings.server, settings.server.api_key
    headers = {"Authorization": f"Bearer {key.reveal()}"} if key else {}
    timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address that is a number
    base = f"{server.local_url}/"
    async with aiohttp.ClientSession(
        base, headers=headers, timeout=timeout, cookie_jar=jar
    ) as session:
        try:
            if key is None:
                await _log_in(session, settings)
            yield session
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or "timeout"
            raise NoWay(
                f"no answer from {base} ({why}). Is the bridge running, with these settings?"
            ) from error


async def _log_in(session: aiohttp.ClientSession, settings: Settings) -> None:
    server = settings.server
    if server.password is not None:
        password = server.password.reveal()
    elif sys.stdin.isatty():
        password = getpass(f"Password of {server.username} (printed at the first start): ")
    else:
        raise NoWay(
            "the password is not in the settings: set server.password or server.api_key,"
            " or run this on a terminal"
        )
    form = {"username": server.username, "password": password}
    async with session.post("api/v2/auth/login", data=form) as answer:
        if await answer.text() != "Ok.":
            raise NoWay("the bridge does not take this name and password")


async def _asked(session: aiohttp.ClientSession, method: str, wish: object = None) -> Any:
    body = None if wish is None else msgspec.json.encode(wish)
    async with session.request(method, ROUTE.lstrip("/"), data=body) as answer:
        text = await answer.read()
        if answer.status == HTTPStatus.FORBIDDEN:
            raise NoWay("the bridge does not take the API key of these settings: was it restarted?")
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise NoWay(
            f"what answers there is not this version of the bridge: {answer.status}"
        ) from None
    if answer.status != HTTPStatus.OK:
        raise NoWay(told.get("error", f"status {answer.status}"))
    return told


def _list(strangers: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        _say(msgspec.json.encode(strangers).decode())
        return 0
    for one in strangers:
        state = "ready" if one["ready"] else f"{one['state']}, {one['progress']:.0%}"
        _say(f"{one['hash']}  {_size(one['size']):>10}  {one['name']}  ({state})")
    if strangers:
        _say("\nTo take some over: torbox-bridge adopt --category NAME HASH … (or --all)")
    else:
        _say("Nothing is on the account that is not here.")
    return 0


def _tell(results: dict[str, dict[str, str]], *, as_json: bool) -> int:
    if as_json:
        _say(msgspec.json.encode(results).decode())
    else:
        for info_hash, result in results.items():
            why = f": {result['why']}" if "why" in result else ""
            _say(f"{info_hash}  {result['result']}{why}")
    return FAILED if any(one["result"] == "refused" for one in results.values()) else 0


def _size(amount: int) -> str:
    return f"{amount / 1024**3:.2f} GiB" if amount else "unknown"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
