"""What all parts of the door share."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from bridge.core.model import Download
from bridge.core.roots import Roots
from bridge.downloads.callers import Caller, Callers
from bridge.engine.engine import Engine
from bridge.engine.services import Services


class Base:
    """The ledger to read and write, and the engine to wake."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services = services
        self._ledger = services.ledger
        self._engine = engine
        self.callers = Callers()
        """Tells clients apart that have one download."""

    @property
    def _roots(self) -> Roots:
        """Where downloads may go; a client may have moved the default, within what was allowed."""
        settings = self._services.settings
        given = (category.save_path for category in settings.categories.values())
        default = str(settings.paths.downloads)
        return Roots(
            default=self._ledger.preferences.save_path or default,
            others=(default, *(path for path in given if path)),
            reserved=(str(settings.paths.incomplete_directory),),
        )

    def _known(self, hashes: Iterable[str]) -> list[Download]:
        wanted = dict.fromkeys(info_hash.lower() for info_hash in hashes)
        downloads = self._ledger.downloads
        return [downloads[info_hash] for info_hash in wanted if info_hash in downloads]

    def _concerned(self, download: Download, caller: Caller) -> list[tuple[int, Download]]:
        """Show a download as those see it whom a client means, with their numbers."""
        everyone = self._services.everyone(download)
        return [(number, everyone[number]) for number in self.callers.concerned(caller, everyone)]

    async def _change_own(self, info_hash: str, number: int, why: str, **fields: Any) -> None:
        """Change what each who asked for a download has of its own; 0 is the first."""
        if number == 0:
            change = partial(replace, **fields)
            await self._ledger.change(info_hash, change, why=why)
        else:
            await self._ledger.change_claim(info_hash, number, partial(replace, **fields), why)

    async def _change(self, download: Download, why: str, **fields: Any) -> None:
        await self._ledger.change(download.hash, lambda latest: replace(latest, **fields), why=why)
