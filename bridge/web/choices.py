"""GET /api/bridge/choices and /clean-up: the choices of a form, and the automatic clean-up."""

import msgspec
from aiohttp import web

from bridge.downloads import CleanupEntry
from bridge.web.guard import require_visitor
from bridge.web.web_context import CONTEXT, answer


class CategoryChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A category and the directory of its downloads."""

    name: str
    path: str


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """Categories and tags."""

    categories: list[CategoryChoice]
    tags: list[str]
    save_path: str
    """The directory of downloads without a category."""


class CleanUpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The automatic clean-up."""

    clean_up: list[CleanupEntry]
    """Scheduled removals that no *arr asked for; `at` is when, null in a dry run."""
    orphaned: list[CleanupEntry]
    """Files on disk and items at TorBox that belong to no download and are left alone."""


async def clean_up(request: web.Request) -> web.Response:
    """Answer the scheduled removals, and the files and items that are left alone."""
    require_visitor(request)
    downloads = request.app[CONTEXT].downloads
    return answer(
        CleanUpAnswer(
            clean_up=list(downloads.cleanup.scheduled()),
            orphaned=list(downloads.cleanup.left_alone()),
        )
    )


async def choices(request: web.Request) -> web.Response:
    """Answer the categories, their directories and the tags."""
    require_visitor(request)
    labels = request.app[CONTEXT].downloads.labels
    paths = {}
    for category in labels.categories():
        try:
            paths[category.name] = str(labels.category_path(category))
        except ValueError:  # the settings changed, and its path is now outside the roots
            paths[category.name] = ""
    return answer(
        Choices(
            categories=[CategoryChoice(name=name, path=path) for name, path in paths.items()],
            tags=list(labels.tags()),
            save_path=str(labels.default_save_path),
        )
    )
