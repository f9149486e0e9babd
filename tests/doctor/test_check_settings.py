"""Settings that cannot do what they say."""

import json

import pytest

from bridge.config import load
from bridge.doctor.check_settings import check_settings
from bridge.doctor.findings import Level

ARR = [{"name": "s", "kind": "sonarr", "url": "http://s", "api_key": "x", "categories": ["tv"]}]
AFTER = {"BRIDGE_POLICY__CLEAN_UP__AFTER_IMPORT": "1h"}
ONE_ARR = {"BRIDGE_ARR": json.dumps(ARR)}


def category(name: str, **clean_up: str) -> dict[str, str]:
    """Make a category with rules of its own, or without."""
    return {"BRIDGE_CATEGORIES": json.dumps({name: {"policy": {"clean_up": clean_up}}})}


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({}, []),
        (AFTER, ["all categories"]),
        (AFTER | ONE_ARR, []),
        (AFTER | ONE_ARR | category("films"), ["films"]),
        (ONE_ARR | category("tv", after_import="1h"), []),
        (ONE_ARR | category("films", after_import="1h"), ["films"]),
        ({"BRIDGE_POLICY__CLEAN_UP__AFTER": "1h"}, []),
    ],
)
def test_imports_that_nobody_can_tell(environ: dict[str, str], warned: list[str]) -> None:
    """Where downloads are to go after an import, an *arr has to be there to be asked."""
    found = check_settings(load(None, environ))
    warnings = [finding for finding in found if finding.level is Level.WARNING]
    assert len(warnings) == len(warned)
    for finding, words in zip(warnings, warned, strict=True):
        assert words in finding.text
