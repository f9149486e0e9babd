"""Saves the rate budgets: a restart must not send us against the same limit again."""

from math import inf

from bridge.state import Database
from bridge.torbox import Budgets

BUDGETS = "budgets"
SAVE_EVERY = 1.0
"""Seconds. A crash makes the bridge forget the calls of so long."""


class StoredBudgets:
    """The budgets, and when they were last saved."""

    def __init__(self, budgets: Budgets, database: Database) -> None:
        self._budgets = budgets
        self._database = database
        self._due_at = -inf

    async def save(self) -> None:
        """Save them now if they have changed.

        Raises:
            WriteError: the database cannot be written; they are saved with the next call.
        """
        if not self._budgets.dirty:
            return
        try:
            await self._database.put_value(BUDGETS, self._budgets.rows())
        except BaseException:
            # `rows` has cleared the flag.
            self._budgets.dirty = True
            raise

    async def save_sometimes(self, now: float) -> float:
        """Save them if the last time is long ago; return the seconds until the next call.

        `now` is the event loop's time.
        """
        if now >= self._due_at:
            self._due_at = now + SAVE_EVERY
            await self.save()
        return self._due_at - now if self._budgets.dirty else inf
