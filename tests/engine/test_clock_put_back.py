"""Times that a clock that was put back has left in the future."""

from msgspec.structs import fields

from bridge.engine.clock_put_back import LONGEST_WAIT
from bridge.engine.link_follow import PAUSES
from bridge.engine.retry_times import RetryTimes


def test_the_longest_wait() -> None:
    """No pause of the engine is taken for a wait that a wrong clock has stored."""
    retry = RetryTimes()
    pauses = [getattr(retry, field.name) for field in fields(retry)]
    assert max(*pauses, *PAUSES, *(retry.backoff(20) for _ in range(1000))) <= LONGEST_WAIT
