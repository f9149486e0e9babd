"""When the rate budgets reach the database."""

from math import inf
from pathlib import Path

from bridge.engine.stored_budgets import BUDGETS, SAVE_EVERY, StoredBudgets
from bridge.state import Database
from bridge.torbox import BudgetRow, Budgets, CallClass


async def calls_on_disk(database: Database) -> int:
    """Return how many creates a restart would know of."""
    rows = await database.value(BUDGETS, list[BudgetRow]) or []
    return sum(len(row.calls) for row in rows if row.kind == CallClass.CREATE.value)


async def test_a_burst_of_calls_is_saved_once_a_second(tmp_path: Path) -> None:
    """The first call is saved at once, those that follow together, and none is forgotten."""
    budgets = Budgets()
    async with Database(tmp_path / "bridge.db") as database:
        stored = StoredBudgets(budgets, database)
        budgets.spend(CallClass.CREATE, 1.0, cached=True)
        assert await stored.save_sometimes(100.0) == inf
        assert await calls_on_disk(database) == 1
        for number in range(5):
            budgets.spend(CallClass.CREATE, 2.0 + number, cached=True)
            assert await stored.save_sometimes(100.0 + SAVE_EVERY / 4) == 0.75 * SAVE_EVERY
        assert await calls_on_disk(database) == 1
        assert await stored.save_sometimes(100.0 + SAVE_EVERY) == inf
        assert await calls_on_disk(database) == 6


async def test_what_matters_can_be_saved_at_once(tmp_path: Path) -> None:
    """A refusal of TorBox does not wait for its second."""
    budgets = Budgets()
    async with Database(tmp_path / "bridge.db") as database:
        stored = StoredBudgets(budgets, database)
        await stored.save_sometimes(100.0)
        budgets.spend(CallClass.CREATE, 1.0, cached=True)
        await stored.save()
        assert await calls_on_disk(database) == 1
        assert await stored.save_sometimes(100.1) == inf
