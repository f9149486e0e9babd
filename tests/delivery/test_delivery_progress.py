"""Counters of one delivery."""

from bridge.delivery.delivery_progress import Progress


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_counts_bytes_by_file() -> None:
    """What was found on disk and what was fetched add up; a file may start anew."""
    progress = Progress()
    progress.at(1, 100)
    progress.fetched(1, 50)
    progress.fetched(2, 7)
    assert (progress.done(1), progress.done(2), progress.done(3)) == (150, 7, 0)
    assert progress.bytes_done == 157
    progress.at(1, 0)
    assert progress.bytes_done == 7


def test_speed_is_smoothed_and_fades() -> None:
    """A steady stream shows its speed; when it stops, the speed falls to 0 by itself."""
    clock = Clock()
    progress = Progress(clock)
    progress.at(1, 1 << 30)
    assert progress.speed == 0
    for _ in range(300):
        clock.now += 0.1
        progress.fetched(1, 100_000)
    assert 950_000 < progress.speed < 1_050_000
    clock.now += 5
    assert 300_000 < progress.speed < 450_000
    clock.now += 14
    assert progress.speed > 0
    clock.now += 1
    assert progress.speed == 0
    progress.fetched(1, 100_000)
    assert progress.speed == 20_000
