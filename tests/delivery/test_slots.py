"""Slots are shared fairly between downloads."""

import asyncio

from bridge.delivery.fetch.slots import Slot, Slots
from tests.support.delivery import begin


class Line:
    """Downloads that stand in line, and in which order they were served."""

    def __init__(self, slots: int, length: float = 0.0) -> None:
        self.slots = Slots(slots, length=length)
        self.served: list[str] = []
        self.leave = asyncio.Event()

    async def stand(self, name: str) -> None:
        """Wait for a turn and keep it until everybody leaves."""
        async with self.slots.hold(name[0]):
            self.served.append(name)
            await self.leave.wait()


async def settle() -> None:
    """Let every task come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def over(turn: Slot) -> bool:
    """Whether the turn should end now."""
    return turn.over


async def test_downloads_take_turns() -> None:
    """Free slots go to the download that holds the fewest, its files in their order."""
    line = Line(1)
    line.leave.set()
    async with line.slots.hold("z"):
        tasks = [begin(line.stand(name)) for name in ("a1", "a2", "a3", "b1", "b2", "c1")]
        await settle()
        assert line.served == []
    await asyncio.gather(*tasks)
    assert line.served == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_slots_are_shared_evenly() -> None:
    """A latecomer gets the next free slot though others of the first wait longer."""
    line = Line(2)
    async with asyncio.TaskGroup() as group:
        for name in ("a1", "a2", "a3", "a4", "b1"):
            group.create_task(line.stand(name))
        await settle()
        assert line.served == ["a1", "a2"]
        line.leave.set()
    assert line.served == ["a1", "a2", "b1", "a3", "a4"]


async def test_a_turn_is_over_when_another_holds_less() -> None:
    """A turn ends early only for a download that has fewer slots, and not before its time."""
    line = Line(2)
    async with line.slots.hold("a") as first, line.slots.hold("a"):
        assert not over(first)
        waiting = begin(line.stand("a3"))
        await settle()
        assert not over(first)
        other = begin(line.stand("b1"))
        await settle()
        assert over(first)
    await settle()
    assert sorted(line.served) == ["a3", "b1"]
    line.leave.set()
    await asyncio.gather(waiting, other)
    long = Line(1, length=60.0)
    async with long.slots.hold("a") as patient:
        other = begin(long.stand("b1"))
        await settle()
        assert not patient.over
    long.leave.set()
    await other


async def test_cancelled_waiters_cost_no_slot() -> None:
    """Whoever is cancelled while waiting, or in the moment of the grant, gives nothing away."""
    line = Line(1)
    async with line.slots.hold("a") as turn:
        tasks = [begin(line.stand(name)) for name in ("b1", "b2", "c1", "d1")]
        await settle()
        tasks[0].cancel()
        await settle()
        tasks[1].cancel()
    tasks[2].cancel()
    await settle()
    assert not turn.over
    assert line.served == ["d1"]
    line.leave.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(1), line.slots.hold("e"):
        assert line.slots._waiting == {}
