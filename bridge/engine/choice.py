"""Which files of a download are wanted, and which of those TorBox does not list."""

import asyncio
from collections.abc import Collection, Sequence

from bridge.config import FilePolicy
from bridge.core.completeness import missing
from bridge.core.files import File, FileRules, NamedFile, NothingLeft, choose
from bridge.core.metainfo import Metainfo, parse_torrent
from bridge.core.model import Download, RemoteItem
from bridge.core.modes import deliverable
from bridge.core.video import is_video, without_extras
from bridge.engine.services import Services


def wanted_files(
    policy: FilePolicy, mode: str, files: tuple[File, ...], dropped: Collection[int]
) -> tuple[File, ...] | NothingLeft:
    """Choose by the category's rules; without any, leave out what no *arr imports."""
    possible = deliverable(mode, files)
    if isinstance(possible, NothingLeft):
        return possible
    if policy == FilePolicy():
        possible = without_extras(possible)
    rules = FileRules(min_size=policy.min_size, include=policy.include, exclude=policy.exclude)
    return choose(possible, rules, dropped)


async def metainfo_of(services: Services, info_hash: str) -> Metainfo | None:
    """Read what the .torrent says, if we were handed one."""
    torrent = await services.ledger.store.torrent(info_hash)
    metainfo = await asyncio.to_thread(parse_torrent, torrent) if torrent else None
    return metainfo if isinstance(metainfo, Metainfo) else None


async def lacking(services: Services, download: Download, item: RemoteItem) -> Sequence[str]:
    """Name the wanted files of the torrent that TorBox does not list, as far as that is known.

    Where there are videos only those count: nobody waits for hours for a text.
    """
    metainfo = await metainfo_of(services, download.hash)
    lost = missing(metainfo.files, item.files) if metainfo else ()
    if metainfo is None or not lost:
        return ()
    named = tuple(
        NamedFile(number, file.path, file.size) for number, file in enumerate(metainfo.files)
    )
    policy = services.settings.policy_for(download.category).files
    wanted = wanted_files(policy, services.mode(download), named, frozenset())
    if isinstance(wanted, NothingLeft):
        return ()
    names = {file.name for file in wanted}
    names = {name for name in names if is_video(name)} or names
    return [file.path for file in lost if file.path in names]
