"""Every category as the face shows it."""

import structlog

from bridge.core.model import Category
from bridge.downloads import DownloadService

log = structlog.get_logger()


def category_rows(downloads: DownloadService) -> dict[str, dict[str, object]]:
    """Describe each by its name and the directory its downloads really go to, as *arr check it."""
    return {
        category.name: {"name": category.name, "savePath": _directory(downloads, category)}
        for category in downloads.labels.categories()
    }


def _directory(downloads: DownloadService, category: Category) -> str:
    try:
        return str(downloads.labels.category_path(category))
    except ValueError as error:
        # The settings have changed since: one such category must not hide the others.
        log.warning("category_path", category=category.name, error=str(error))
        return category.save_path
