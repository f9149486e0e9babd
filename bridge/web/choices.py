"""GET /api/bridge/choices and /clean-up: what a form offers, and what goes by itself."""

import msgspec
from aiohttp import web

from bridge.downloads import CleanupEntry
from bridge.web.guard import require_visitor
from bridge.web.web_context import CONTEXT, answer


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


class CleanUpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes without being asked for, and what is nobody's."""

    clean_up: list[CleanupEntry]
    """What is removed though no *arr asks for it; `at` is when, null in a dry run."""
    orphaned: list[CleanupEntry]
    """What is nobody's, on disk or at TorBox, and was left alone."""


async def clean_up(request: web.Request) -> web.Response:
    """Answer what is to be removed, and what was found and left alone."""
    require_visitor(request)
    downloads = request.app[CONTEXT].downloads
    return answer(
        CleanUpAnswer(
            clean_up=list(downloads.cleanup.scheduled()),
            orphaned=list(downloads.cleanup.left_alone()),
        )
    )


async def choices(request: web.Request) -> web.Response:
    """Answer the categories and tags."""
    require_visitor(request)
    labels = request.app[CONTEXT].downloads.labels
    paths = {}
    for category in labels.categories():
        try:
            paths[category.name] = str(labels.category_path(category))
        except ValueError:  # outside the roots since the settings changed
            paths[category.name] = ""
    return answer(
        Choices(
            categories=[CategoryChoice(name=name, path=path) for name, path in paths.items()],
            tags=list(labels.tags()),
            save_path=str(labels.default_save_path),
        )
    )
