"""The ledger, where several *arr have one download: what is between a look at it and the write."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.core.claims import claim_of, seen_by
from bridge.core.model import (
    Claim,
    DeliveredFile,
    Download,
    Failover,
    Failure,
    Phase,
    Reason,
    Removal,
)
from bridge.engine import Ledger
from bridge.store import Store
from tests.support.scenes import NOW, H, delivered, download, remote

FILE = DeliveredFile(hash=H, file_id=1, remote_name="x", size=9, path="Show/x", done=True)
STALLED = Failure(Reason.STALLED, "no progress")


@pytest.fixture(name="ledger")
async def _ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty ledger on a store of its own."""
    async with Store(tmp_path / "bridge.db") as store:
        ledger = Ledger(store, lambda: NOW)
        await ledger.load()
        yield ledger


def wanted(category: str, at: float = NOW, **fields: Any) -> Claim:
    """Make the claim of a further category."""
    return replace(claim_of(download(category=category, added_at=at)), **fields)


def cleanup(first: Download, claim: Claim | None, _needed: bool) -> Removal:
    """Make a removal that tells by its path who left."""
    return Removal(hash=first.hash, save_path=(claim or first).category, files_only=True)


async def joined(ledger: Ledger, category: str, at: float = NOW) -> Claim:
    """Let a category join, and answer its claim as it stands."""
    assert await ledger.join(wanted(category, at), "wants it")
    return next(claim for claim in ledger.claims(H) if claim.category == category)


def categories(ledger: Ledger) -> list[str]:
    """Tell who has the download, the owner of the row first."""
    return [ledger.downloads[H].category, *(claim.category for claim in ledger.claims(H))]


async def test_who_came_again_is_not_taken_for_who_left(ledger: Ledger) -> None:
    """What was done for a claim is nothing for the next one of its category, whatever its number."""
    await ledger.insert(delivered(category="tv"))
    before = await joined(ledger, "films")
    assert not await ledger.remove(seen_by(before, ledger.downloads[H]), cleanup)
    again = await joined(ledger, "films", NOW + 1)
    assert again.number == before.number
    done = await ledger.change_claim(before, lambda one: replace(one, phase=Phase.DELIVERED))
    assert done is None
    assert ledger.claims(H) == (again,)


async def test_no_two_are_of_one_moment(ledger: Ledger) -> None:
    """A clock that stands still, or is set back, makes nobody another's double."""
    await ledger.insert(remote(category="tv", added_at=NOW))
    claims = [await joined(ledger, category) for category in ("films", "music")]
    moments = {ledger.downloads[H].added_at, *(claim.added_at for claim in claims)}
    assert len(moments) == 3
    await ledger.load()
    assert ledger.claims(H) == tuple(claims)


async def test_rows_that_changed_hands_meanwhile(ledger: Ledger) -> None:
    """Who leaves is who asked to, though another one has his number by now."""
    await ledger.insert(delivered(category="tv"))
    films = await joined(ledger, "films")
    seen = seen_by(films, ledger.downloads[H])
    assert await ledger.step_back(films, "needs its own", of=ledger.downloads[H])
    assert categories(ledger) == ["films", "tv"]
    assert await ledger.remove(seen, cleanup), "it has the row now"
    assert categories(ledger) == ["tv"]
    assert [job.save_path for job in ledger.removals.values()] == ["films"]
    assert not await ledger.remove(seen, cleanup), "it has left"


async def test_what_is_ones_own_is_changed_where_it_stands(ledger: Ledger) -> None:
    """Tags and limits reach who is meant, whoever has the row when it is their turn."""
    await ledger.insert(delivered(category="tv"))
    films = await joined(ledger, "films")
    seen = seen_by(films, ledger.downloads[H])
    first = ledger.downloads[H]
    async with asyncio.TaskGroup() as group, ledger.store.transaction():
        group.create_task(ledger.step_back(films, "needs its own", of=first))
        await asyncio.sleep(0.01)
        group.create_task(ledger.change_own(seen, "tags", tags=("film",)))
        await asyncio.sleep(0.01)
    assert (ledger.downloads[H].category, ledger.downloads[H].tags) == ("films", ("film",))
    assert ledger.claims(H)[0].tags == ()


async def test_a_verdict_on_one_is_none_on_its_heir(ledger: Ledger) -> None:
    """What was found of a download is not written to the row of who has it next."""
    await ledger.insert(remote(category="tv"))
    await joined(ledger, "films")
    looked_at = ledger.downloads[H]
    await ledger.remove(looked_at, cleanup)
    failed = await ledger.change(H, lambda one: replace(one, phase=Phase.FAILED), of=looked_at)
    assert failed is None
    assert (ledger.downloads[H].category, ledger.downloads[H].phase) == ("films", Phase.REMOTE)


async def test_who_joins_during_a_verdict_is_asked_for(ledger: Ledger) -> None:
    """A failure for all is only written while all are those who were looked at."""
    await ledger.insert(remote(category="tv"))
    among = ledger.claims(H)
    await joined(ledger, "films")
    failed = await ledger.change(H, lambda one: replace(one, phase=Phase.FAILED), among=among)
    assert failed is None
    assert ledger.downloads[H].phase is Phase.REMOTE


@pytest.mark.parametrize("category", ["tv", "films"])
async def test_a_category_has_it_once(ledger: Ledger, category: str) -> None:
    """Two adds of one category at the same moment are one."""
    await ledger.insert(remote(category="tv"))
    await joined(ledger, "films")
    assert not await ledger.join(wanted(category, NOW + 1), "wants it, too")
    assert categories(ledger) == ["tv", "films"]


async def test_what_has_failed_is_not_joined(ledger: Ledger) -> None:
    """It is added anew instead: nobody waits for what nobody works on."""
    await ledger.insert(download(phase=Phase.FAILED, failure_reason=Reason.STALLED))
    assert not await ledger.join(wanted("films"), "wants it")


async def test_who_asks_again_is_not_told_of_the_failure(ledger: Ledger) -> None:
    """The *arr has grabbed it anew: told now, it would give up that grab."""
    await ledger.insert(remote(category="tv"))
    films = await joined(ledger, "films")
    first = ledger.downloads[H]
    jobs = [Failover(hash=H, category="tv", created_at=NOW)]
    assert await ledger.step_back(films, "given up", of=first, failure=STALLED, failovers=jobs)
    assert [job.category for job in ledger.failovers.values()] == ["tv"]
    await joined(ledger, "tv", NOW + 1)
    assert not ledger.failovers
    assert [claim.phase for claim in ledger.claims(H)] == [Phase.ACCEPTED]
    await ledger.load()
    assert not ledger.failovers


async def test_who_stays_failed_is_told_all_the_same(ledger: Ledger) -> None:
    """Another one's new try is none for a category whose rules have given it up."""
    await ledger.insert(remote(category="tv"))
    films = await joined(ledger, "films")
    first = ledger.downloads[H]
    jobs = [Failover(hash=H, category=name, created_at=NOW) for name in ("tv", "films")]
    await ledger.step_back(films, "given up", of=first, failure=STALLED, failovers=jobs)
    failed = await ledger.change(
        H, lambda one: replace(one, phase=Phase.FAILED, failure_reason=Reason.GONE)
    )
    await ledger.insert(download(category="films", added_at=NOW + 1), replacing=failed)
    assert [claim.category for claim in ledger.claims(H)] == ["tv"]
    assert [job.category for job in ledger.failovers.values()] == ["tv"]


async def test_what_a_broken_sharing_left_is_cleared(ledger: Ledger) -> None:
    """Who takes over before its files were surely there begins with a clean place, and no files."""
    await ledger.insert(delivered(category="tv"))
    films = await joined(ledger, "films")
    await ledger.change_claim(
        films, lambda one: replace(one, save_path="/f", content_name="Show", files=(FILE,))
    )
    await ledger.remove(ledger.downloads[H], cleanup)
    assert (ledger.downloads[H].category, ledger.downloads[H].content_name) == ("films", "")
    assert ledger.files(H) == ()
    left = {job.save_path: job.files for job in ledger.removals.values()}
    assert left == {"tv": (), "/f": ("Show/x",)}
