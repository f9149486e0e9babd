"""What is remembered for a while is forgotten afterwards, and takes no memory then."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ttl_map import TtlMap

NOW = 1_000_000.0


def test_a_value_lasts_its_time() -> None:
    """The end is exact, and a value may have a time of its own."""
    known: TtlMap[str, int] = TtlMap(60.0)
    known.put("a", 1, NOW)
    known.put("b", 2, NOW, keep_seconds=10.0)
    assert known.items(NOW + 9.9) == {"a": 1, "b": 2}
    assert known.get("b", NOW + 10.0) is None
    assert known.items(NOW + 59.9) == {"a": 1}
    assert known.get("a", NOW + 60.0) is None


def test_a_clock_that_is_put_back_forgets() -> None:
    """The age of an entry in the future is unknown."""
    known: TtlMap[str, int] = TtlMap(60.0)
    known.put("a", 1, NOW)
    assert known.get("a", NOW - 1.0) is None
    assert known.items(NOW - 1.0) == {}


def test_a_value_can_be_forgotten_and_replaced() -> None:
    """The latest value counts, and its time."""
    known: TtlMap[str, int] = TtlMap(60.0)
    known.put("a", 1, NOW)
    known.put("a", 2, NOW + 50.0)
    assert known.get("a", NOW + 100.0) == 2
    known.pop("a")
    known.pop("never there")
    assert known.get("a", NOW + 100.0) is None


@given(st.lists(st.integers(0, 10_000), max_size=300))
def test_memory_is_bounded_by_what_lasts(keys: list[int]) -> None:
    """One put a second: a minute's worth is kept, and at most as much again until it is swept."""
    known: TtlMap[int, int] = TtlMap(60.0)
    for second, key in enumerate(keys):
        known.put(key, second, NOW + second)
        assert known.get(key, NOW + second) == second
        assert len(known._entries) <= 128
