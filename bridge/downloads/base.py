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

    def _concerned(self, download: Download, caller: Caller | None) -> list[Download]:
        """Show a download as those see it whom a client means; None means everybody."""
        everyone = self._services.everyone(download)
        numbers = everyone if caller is None else self.callers.concerned(caller, everyone)
        return [everyone[number] for number in numbers]

    async def _change(self, download: Download, why: str, **fields: Any) -> None:
        """Change the row of a download, as long as it is whose it was when it was looked at."""
        change = partial(replace, **fields)
        await self._ledger.change(download.hash, change, of=download, why=why)
