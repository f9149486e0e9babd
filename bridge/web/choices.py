"""GET /api/bridge/choices: what a form of the page lets one choose from."""

import msgspec
from aiohttp import web

from bridge.web.context import CONTEXT, answer
from bridge.web.guard import require_visitor


class CategoryChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A category, and where its downloads go."""

    name: str
    path: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Categories and tags."""

    categories: list[CategoryChoice]
    tags: list[str]
    save_path: str
    """Where downloads without a category go."""


async def choices(request: web.Request) -> web.Response:
    """Answer the categories and tags."""
    require_visitor(request)
    downloads = request.app[CONTEXT].downloads
    paths = {}
    for category in downloads.categories():
        try:
            paths[category.name] = str(downloads.category_path(category))
        except ValueError:  # outside the roots since the settings changed
            paths[category.name] = ""
    return answer(
        Choices(
            categories=[CategoryChoice(name=name, path=path) for name, path in paths.items()],
            tags=list(downloads.tags()),
            save_path=str(downloads.default_save_path),
        )
    )
