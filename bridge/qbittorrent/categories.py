"""Categories: each *arr has its own, and tests at set-up that it can make one."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from bridge.qbittorrent.category_rows import category_rows
from bridge.qbittorrent.face import Call
from bridge.qbittorrent.http import HttpError, done, json


async def categories(call: Call) -> web.Response:
    """Show each category with its directory."""
    return json(msgspec.json.encode(category_rows(call.downloads), order="sorted"))


async def create(call: Call) -> web.Response:
    """Create a category. An *arr may ask twice: the same again is no conflict, another path is."""
    name, save_path = _name(call), call.params.text("savePath").strip()
    if not _known(call, name, save_path):
        _refuse(await call.downloads.labels.create_category(name, save_path))
    return done()


async def edit(call: Call) -> web.Response:
    """Change where later downloads of a category go."""
    name, save_path = _name(call), call.params.require("savePath").strip()
    _refuse(await call.downloads.labels.edit_category(name, save_path))
    return done()


async def remove(call: Call) -> web.Response:
    """Drop categories, one a line; unknown ones are ignored."""
    names = call.params.require("categories").split("\n")
    await call.downloads.labels.remove_categories(tuple(name for name in names if name))
    return done()


async def assign(call: Call) -> web.Response:
    """Move downloads to a category that exists; an empty name takes them out of theirs."""
    name = call.params.require("category")
    _refuse(await call.downloads.labels.set_category(call.hashes(), name, call.caller))
    return done()


def _name(call: Call) -> str:
    name = call.params.require("category")
    if not name:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Category cannot be empty")
    return name


def _known(call: Call, name: str, save_path: str) -> bool:
    found = [category for category in call.downloads.labels.categories() if category.name == name]
    return any(save_path in {"", category.save_path} for category in found)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise HttpError(HTTPStatus.CONFLICT, reason)
