"""Endpoints for categories and tags. Each *arr has a category of its own, and creates it at set-up."""

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError, done, json_response
from bridge.qbittorrent.sync_sessions import category_rows

MAX_NAMES: Final = 1000
"""Tags or categories in one request: each is a write to the database."""


async def categories(request: ApiRequest) -> web.Response:
    """Show each category with its directory."""
    return json_response(msgspec.json.encode(category_rows(request.downloads), order="sorted"))


async def create_category(request: ApiRequest) -> web.Response:
    """Create a category.

    An *arr may ask twice: the same category again is not a conflict, another path is.
    """
    name, save_path = _category_name(request), request.params.text("savePath").strip()
    # qBittorrent answers 409, and a Sonarr that is set up a second time would show an error.
    if not _exists(request, name, save_path):
        _raise_conflict(await request.downloads.labels.create_category(name, save_path))
    return done()


async def edit_category(request: ApiRequest) -> web.Response:
    """Change where later downloads of a category go."""
    name, save_path = _category_name(request), request.params.require("savePath").strip()
    _raise_conflict(await request.downloads.labels.edit_category(name, save_path))
    return done()


async def remove_categories(request: ApiRequest) -> web.Response:
    """Remove categories, one a line; unknown ones are ignored."""
    request.params.require("categories")
    # Names are not trimmed: a category may have been created with blanks around it.
    request.params.items("categories", "\n", at_most=MAX_NAMES)
    names = request.params.text("categories").split("\n")
    await request.downloads.labels.remove_categories(tuple(name for name in names if name))
    return done()


async def set_category(request: ApiRequest) -> web.Response:
    """Move downloads to a category that exists; an empty name takes them out of theirs."""
    name = request.params.require("category")
    _raise_conflict(
        await request.downloads.labels.set_category(request.hashes(), name, request.caller)
    )
    return done()


def _category_name(request: ApiRequest) -> str:
    name = request.params.require("category")
    if not name:
        raise HttpError(HTTPStatus.BAD_REQUEST, "Category cannot be empty")
    return name


def _exists(request: ApiRequest, name: str, save_path: str) -> bool:
    found = [
        category for category in request.downloads.labels.categories() if category.name == name
    ]
    return any(save_path in {"", category.save_path} for category in found)


def _raise_conflict(reason: str | None) -> None:
    if reason is not None:
        raise HttpError(HTTPStatus.CONFLICT, reason)


async def tags(request: ApiRequest) -> web.Response:
    """List the tags."""
    return json_response(msgspec.json.encode(list(request.downloads.labels.tags())))


async def create_tags(request: ApiRequest) -> web.Response:
    """Create tags; existing ones stay as they are."""
    await request.downloads.labels.create_tags(_tag_names(request))
    return done()


async def delete_tags(request: ApiRequest) -> web.Response:
    """Delete tags from the list and from every download."""
    await request.downloads.labels.delete_tags(_tag_names(request))
    return done()


async def add_tags(request: ApiRequest) -> web.Response:
    """Tag downloads. Sonarr does so with the tags of the series."""
    await request.downloads.labels.add_tags(request.hashes(), _tag_names(request), request.caller)
    return done()


async def set_tags(request: ApiRequest) -> web.Response:
    """Give downloads these tags and no others."""
    await request.downloads.labels.set_tags(request.hashes(), _tag_names(request), request.caller)
    return done()


async def remove_tags(request: ApiRequest) -> web.Response:
    """Remove tags from downloads; all of their tags when `tags` was not sent."""
    names = request.params.items("tags", ",", at_most=MAX_NAMES)
    await request.downloads.labels.remove_tags(request.hashes(), names, request.caller)
    return done()


def _tag_names(request: ApiRequest) -> tuple[str, ...]:
    request.params.require("tags")
    return request.params.items("tags", ",", at_most=MAX_NAMES)
