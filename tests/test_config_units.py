"""Durations and sizes, as people write them."""

import pytest

from bridge.config import value_types


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("30m", 1800),
        ("6h", 21600),
        ("1d", 86400),
        ("1w", 604800),
        ("1h30m", 5400),
        ("90", 90),
        ("0.5", 0.5),
        ("1.5h", 5400),
        (" 6 H ", 21600),
        ("1h 30m", 5400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """Durations become seconds."""
    assert value_types.parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GiB", 1024**3),
        ("500MB", 500_000_000),
        ("10KiB", 10240),
        ("1k", 1024),
        ("1.5KB", 1500),
        ("0", 0),
        ("7 B", 7),
        ("9007199254740993", 9007199254740993),
        ("2T", 2 * 1024**4),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """Sizes become bytes, whole ones exactly."""
    assert value_types.parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "-1", "h", "1:30", "1e3", "inf", "nan", "6 hours", "1h-2m", "1h2", "1" * 60 + "!"]
)
def test_what_is_no_duration_or_size(text: str) -> None:
    """Anything else is refused, not guessed."""
    with pytest.raises(ValueError, match=r"not a|no unit"):
        value_types.parse_duration(text)
    with pytest.raises(ValueError, match=r"not a|no unit"):
        value_types.parse_size(text)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False), (" TRUE ", True)])
def test_switches(text: str, *, value: bool) -> None:
    """Only the words of YAML 1.2 are taken, in any case."""
    assert value_types.parse_bool(text) is value


@pytest.mark.parametrize("text", ["", "1", "yes", "on", "null", "truee"])
def test_what_is_no_switch(text: str) -> None:
    """`off` could be meant or not: it is refused, not guessed."""
    with pytest.raises(ValueError, match="neither"):
        value_types.parse_bool(text)
