"""The service that the APIs call, composed of its parts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.config import Policy
from bridge.core.model import Grab
from bridge.downloads.adds import Adds
from bridge.downloads.cleanup_report import CleanupReport
from bridge.downloads.client_preferences import ClientPreferences
from bridge.downloads.client_scopes import ClientScopes
from bridge.downloads.commands import Commands
from bridge.downloads.content_commands import ContentCommands
from bridge.downloads.labels import Labels
from bridge.downloads.queries import Queries
from bridge.downloads.unmanaged_items import UnmanagedItems
from bridge.engine import Blocker, Engine, EngineContext
from bridge.engine.search_jobs import SearchJobs
from bridge.engine.strm_links import StrmLinks
from bridge.state import RemovedTraffic


class DownloadService:
    """Downloads, grabs, categories and tags, for every API.

    Reads come from memory; writes are committed before they return. Answers are values: a rejection
    is not an error, and only defects raise.
    """

    def __init__(self, ctx: EngineContext, engine: Engine) -> None:
        self._ctx = ctx
        self._state = ctx.state
        self._engine = engine
        self._settings = ctx.settings
        self.scopes = ClientScopes(ctx.state, ctx.clock)
        """Which grab a client means by a hash."""
        self.queries = Queries(ctx, engine)
        """Views of entries, their files, trackers and timeline."""
        self.labels = Labels(ctx, engine, self.scopes)
        """Categories, tags and save paths."""
        self.adds = Adds(ctx, engine, self.labels, self.scopes)
        """Magnets, hashes, .torrent files and links."""
        self.commands = Commands(ctx, engine, self.queries, self.scopes)
        """Remove, stop, start, order, limit, recheck."""
        self.content = ContentCommands(ctx, engine, self.queries, self.scopes, self.labels)
        """Rename, choose and move files."""
        self.preferences = ClientPreferences(ctx, engine, self.labels)
        """Limits for everything, and the login."""
        self.account = UnmanagedItems(ctx, engine, self.adds, self.labels)
        """Items on the account that the bridge does not manage."""
        self.cleanup = CleanupReport(ctx, engine)
        """The automatic clean-up, and files and items that belong to no grab."""
        self.searches = SearchJobs(engine, ctx.torbox, ctx.clock)
        """Searches of TorBox's index."""
        self.strm = StrmLinks(ctx)
        """Plays files straight from TorBox."""

    async def resume(self) -> None:
        """Resume what a stop interrupted. Called once, at the start.

        Unfinished files that belong to no grab are searched for in the background.
        """
        paths = [self.labels.default_save_path, *self.labels.category_paths()]
        self._engine.background(self._engine.leftovers.look(paths), name="leftovers")
        self.preferences.apply_limits()

    @property
    def removed_traffic(self) -> RemovedTraffic:
        """The bytes that removed downloads had moved."""
        return self._state.removed_traffic

    @property
    def unreachable(self) -> bool:
        """Whether TorBox does not answer, or rejects the key."""
        return self._engine.unreachable

    @property
    def incomplete_directory(self) -> Path:
        """The directory of incomplete downloads, each in a folder of its own."""
        return self._settings.paths.incomplete_directory

    @property
    def troubles(self) -> Sequence[str]:
        """The blockers in words; empty when nothing is blocked."""
        return self._engine.troubles

    @property
    def blockers(self) -> Sequence[Blocker]:
        """Every reason why work waits, with the time of the next attempt."""
        return self._engine.all_blockers

    @property
    def violations(self) -> Sequence[str]:
        """Sentences about violated invariants; normally empty."""
        return self._engine.violations

    @property
    def unknown_states(self) -> Mapping[str, int]:
        """How often TorBox showed a state that the bridge does not know, since the start."""
        return self._state.unknown_states

    def policy(self, category: str) -> Policy:
        """Return what the settings say of a category."""
        return self._settings.policy_for(category)

    @property
    def parallel_files(self) -> int:
        """How many files are fetched at one time."""
        return self._settings.delivery.parallel_files

    def mode_of(self, grab: Grab) -> str:
        """Return how a grab is delivered: as was decided for it, or as the settings say now."""
        return self._ctx.mode_of(grab)

    async def free_space(self) -> int:
        """Return the free bytes on the download disk, some seconds old."""
        return await self._engine.outside.space.bytes()
