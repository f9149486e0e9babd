"""The errors of calls to TorBox."""

import re

import pytest

from bridge.torbox import errors
from bridge.torbox.errors import ServerError, TorBoxError


def every_kind() -> list[type[TorBoxError]]:
    """Collect the whole tree."""
    found, todo = [], [TorBoxError]
    while todo:
        kind = todo.pop()
        found.append(kind)
        todo += kind.__subclasses__()
    return found


def test_the_drawing_shows_the_tree() -> None:
    """Every kind of error stands in the docstring, one level deeper than its parent."""
    drawn = {
        found[2]: len(found[1])
        for found in re.finditer(r"^([│├└─ ]*)([A-Z]\w+)  +\w", errors.__doc__ or "", re.MULTILINE)
    }
    assert set(drawn) == {kind.__name__ for kind in every_kind()}
    for kind in every_kind()[1:]:
        parent = kind.__mro__[1].__name__
        assert drawn[kind.__name__] == drawn[parent] + 4


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (TorBoxError("", "no answer"), "no answer"),
        (ServerError("", "a page", 502), "a page (HTTP 502)"),
        (
            ServerError("DATABASE_ERROR", "Try again.", 500),
            "DATABASE_ERROR: Try again. (HTTP 500)",
        ),
    ],
)
def test_an_error_reads_as_a_sentence(error: TorBoxError, shown: str) -> None:
    """The text has the code and the status when there are any."""
    assert str(error) == shown
