"""Settings that can be read, and that cannot do what they say."""

from collections.abc import Iterator

from bridge.config import Settings
from bridge.doctor.findings import Finding, ok, warning

SUBJECT = "settings"


def look_at_settings(settings: Settings) -> list[Finding]:
    """Look for wishes that need something else to be set."""
    return [ok(SUBJECT, "can be read"), *_unasked(settings)]


def _unasked(settings: Settings) -> Iterator[Finding]:
    """Find the categories whose imports nobody can tell."""
    known = {category for arr in settings.arr for category in arr.categories}
    for category in dict.fromkeys((*settings.categories, *known, "")):
        wish = settings.policy_for(category).clean_up.after_import
        if wish is None or category in known or (not category and known):
            continue
        whose = f"of the category {category}" if category else "of all"
        text = f"policy.clean_up.after_import {whose}: no *arr can be asked what it has imported"
        yield warning(SUBJECT, text, "Add the *arr under arr, with this category, or use after")
