"""Commands that call the running bridge, at the address of its own settings: `adopt`."""

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
from bridge.logs import for_terminal

FAILED: Final = 1
CALL_SECONDS: Final = 60.0
ROUTE: Final = "api/bridge/account"


class BridgeUnreachable(Exception):
    """The running bridge cannot be asked; the text says what to do."""


def add_adopt_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `adopt`, in addition to `--config`."""
    parser.add_argument("hashes", nargs="*", metavar="HASH", help="the items to take over")
    parser.add_argument("--all", action="store_true", help="take over everything that is listed")
    parser.add_argument("--category", default="", metavar="NAME", help="their category")
    parser.add_argument("--json", action="store_true", help="print JSON for scripts")
    parser.add_argument("--yes", action="store_true", help="do not ask before --all")


async def adopt(args: argparse.Namespace) -> int:
    """List the items that only TorBox knows; with hashes or --all, take them over."""
    settings = load(find_config(args.config, os.environ), os.environ)
    try:
        async with _logged_in(settings) as session:
            return await _adopt(args, session, settings)
    except BridgeUnreachable as error:
        _say(f"torbox-bridge: {error}", error=True)
        return FAILED


async def _adopt(
    args: argparse.Namespace, session: aiohttp.ClientSession, settings: Settings
) -> int:
    if not args.hashes and not args.all:
        return _list(await _call(session, "GET"), as_json=args.json)
    hashes = args.hashes
    if args.all:
        items = await _call(session, "GET")
        if not items:
            return _report({}, as_json=args.json)
        if not args.yes and not _confirmed(items, args.category, settings):
            return FAILED
        # Exactly what was listed: an item that appears meanwhile was not agreed to.
        hashes = [item["hash"] for item in items]
    wish = {"category": args.category, "hashes": hashes}
    return _report(await _call(session, "POST", wish), as_json=args.json)


def _confirmed(items: Sequence[dict[str, Any]], category: str, settings: Settings) -> bool:
    """Ask on the terminal whether to take over all of this. Without a terminal: no."""
    _say(f"{_total(items)} in all.")
    if category:
        _say(f"They go into the category {category}.")
    else:
        _say(
            f"They get no category: the files go to {settings.paths.downloads}, unseen by any *arr."
        )
        _say("To let an *arr import them, stop here and give its category with --category.")
    if not sys.stdin.isatty():
        _say("There is no terminal to ask on: repeat the command with --yes.", error=True)
        return False
    return input("Take them over? [y/N] ").strip().lower() in {"y", "yes"}


@asynccontextmanager
async def _logged_in(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session with the key or password of the settings, or with a typed password."""
    server, key = settings.server, settings.server.api_key
    headers = {"Authorization": f"Bearer {key.reveal()}"} if key else {}
    base = f"{server.local_url}/"
    async with aiohttp.ClientSession(
        base,
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=CALL_SECONDS),
        # Without unsafe=True aiohttp drops the cookies of a host that is an IP address.
        cookie_jar=aiohttp.CookieJar(unsafe=True),
    ) as session:
        try:
            if key is None:
                await _log_in(session, settings)
            yield session
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or "timeout"
            raise BridgeUnreachable(
                f"no answer from {base} ({why}). Is the bridge running, with these settings?"
            ) from error


async def _log_in(session: aiohttp.ClientSession, settings: Settings) -> None:
    server = settings.server
    if server.password is not None:
        password = server.password.reveal()
    elif sys.stdin.isatty():
        password = getpass(f"Password of {server.username} (printed at the first start): ")
    else:
        raise BridgeUnreachable(
            "the password is not in the settings: set server.password or server.api_key,"
            " or run this on a terminal"
        )
    form = {"username": server.username, "password": password}
    async with session.post("api/v2/auth/login", data=form) as answer:
        if await answer.text() != "Ok.":
            raise BridgeUnreachable("the bridge rejected this user name and password")


async def _call(session: aiohttp.ClientSession, method: str, wish: object = None) -> Any:
    body = None if wish is None else msgspec.json.encode(wish)
    async with session.request(method, ROUTE, data=body) as answer:
        text = await answer.read()
        if answer.status == HTTPStatus.FORBIDDEN:
            raise BridgeUnreachable(
                "the bridge rejected the API key of these settings: was it restarted since?"
            )
    try:
        decoded = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise BridgeUnreachable(
            f"the server at this address is not this version of the bridge ({answer.status})"
        ) from None
    if answer.status != HTTPStatus.OK:
        raise BridgeUnreachable(decoded.get("error", f"status {answer.status}"))
    return decoded


def _list(items: Sequence[dict[str, Any]], *, as_json: bool) -> int:
    if as_json:
        _say(msgspec.json.encode(items).decode())
        return 0
    for item in items:
        state = "ready" if item["ready"] else f"{item['state']}, {item['progress']:.0%}"
        _say(f"{item['hash']}  {_size(item['size']):>10}  {item['name']}  ({state})")
    if items:
        _say(f"\n{_total(items)}. To take some over:")
        _say("torbox-bridge adopt --category NAME HASH … (or --all)")
    else:
        _say("The bridge knows everything that is on the account.")
    return 0


def _report(results: dict[str, dict[str, str]], *, as_json: bool) -> int:
    if as_json:
        _say(msgspec.json.encode(results).decode())
    else:
        for info_hash, result in results.items():
            why = f": {result['why']}" if "why" in result else ""
            _say(f"{info_hash}  {result['result']}{why}")
        if not results:
            _say("There is nothing to take over.")
    return FAILED if any(one["result"] == "refused" for one in results.values()) else 0


def _total(items: Sequence[dict[str, Any]]) -> str:
    count = "1 item" if len(items) == 1 else f"{len(items)} items"
    return f"{count}, {_size(sum(item['size'] for item in items))}"


def _size(amount: int) -> str:
    return f"{amount / 1024**3:.2f} GiB" if amount else "unknown"


def _say(text: str, *, error: bool = False) -> None:
    """Print lines. Names come from torrents, so control characters are escaped."""
    shown = "\n".join(map(for_terminal, text.split("\n")))
    stream = sys.stderr if error else sys.stdout
    stream.write(f"{shown}\n")
    stream.flush()
