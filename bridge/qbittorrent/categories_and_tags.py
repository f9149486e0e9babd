"""Endpoints for categories and tags. Each *arr has a category of its own, and creates it at set-up."""

from http import HTTPStatus
from typing import Final

import msgspec

from bridge.qbittorrent.api_context import ApiRequest
from bridge.qbittorrent.responses import HttpError, raise_conflict
from bridge.qbittorrent.sync_sessions import category_rows

MAX_NAMES: Final = 1000
"""Tags or categories in one request: each is a write to the database."""


async def categories(request: ApiRequest) -> bytes:
    """Show each category with its directory."""
    return msgspec.json.encode(category_rows(request.downloads), order="sorted")


async def create_category(request: ApiRequest) -> None:
    """Create a category.

    An *arr may ask twice: the same category again is not a conflict, another path is.
    """
    name, save_path = _category_name(request), request.params.text("savePath").strip()
    # qBittorrent answers 409, and a Sonarr that is set up a second time would show an error.
    if not _exists(request, name, save_path):
        raise_conflict(await request.downloads.labels.create_category(name, save_path))


async def edit_category(request: ApiRequest) -> None:
    """Change where later downloads of a category go."""
    name, save_path = _category_name(request), request.params.require("savePath").strip()
    raise_conflict(await request.downloads.labels.edit_category(name, save_path))


async def remove_categories(request: ApiRequest) -> None:
    """Remove categories, one a line; unknown ones are ignored."""
    request.params.require("categories")
    # Names are not trimmed: a category may have been created with blanks around it.
    request.params.items("categories", "\n", at_most=MAX_NAMES)
    names = request.params.text("categories").split("\n")
    await request.downloads.labels.remove_categories(tuple(name for name in names if name))


async def set_category(request: ApiRequest) -> None:
    """Move downloads to a category that exists; an empty name takes them out of theirs."""
    name = request.params.require("category")
    raise_conflict(
        await request.downloads.labels.set_category(request.hashes(), name, request.caller)
    )


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


async def tags(request: ApiRequest) -> object:
    """List the tags."""
    return list(request.downloads.labels.tags())


async def create_tags(request: ApiRequest) -> None:
    """Create tags; existing ones stay as they are."""
    await request.downloads.labels.create_tags(_tag_names(request))


async def delete_tags(request: ApiRequest) -> None:
    """Delete tags from the list and from every download."""
    await request.downloads.labels.delete_tags(_tag_names(request))


async def add_tags(request: ApiRequest) -> None:
    """Tag downloads. Sonarr does so with the tags of the series."""
    await request.downloads.labels.add_tags(request.hashes(), _tag_names(request), request.caller)


async def set_tags(request: ApiRequest) -> None:
    """Give downloads these tags and no others."""
    await request.downloads.labels.set_tags(request.hashes(), _tag_names(request), request.caller)


async def remove_tags(request: ApiRequest) -> None:
    """Remove tags from downloads; all of their tags when `tags` was not sent."""
    names = request.params.items("tags", ",", at_most=MAX_NAMES)
    await request.downloads.labels.remove_tags(request.hashes(), names, request.caller)


def _tag_names(request: ApiRequest) -> tuple[str, ...]:
    request.params.require("tags")
    return request.params.items("tags", ",", at_most=MAX_NAMES)
