"""Simulated time."""

import pytest

from bridge.simulator.lifecycle import Clock
from tests.simulator.support import Tick


def test_time_runs_at_its_speed_and_never_jumps_when_that_changes() -> None:
    """Ten seconds at triple speed, then two at half: 31 in all."""
    real = Tick()
    clock = Clock(speed=3.0, real=real)
    began = clock()
    real.now += 10
    clock.speed = 0.5
    assert clock() - began == pytest.approx(30)
    real.now += 2
    assert clock() - began == pytest.approx(31)
    assert clock.speed == 0.5


def test_time_can_be_pushed() -> None:
    """A jump forward comes on top."""
    clock = Clock(real=Tick())
    began = clock()
    clock.advance(3600)
    assert clock() - began == pytest.approx(3600)
