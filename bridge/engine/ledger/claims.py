"""What further *arr asked for of a download, and who has its row."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from bridge.core.claims import apart, claim_of, numbered, on_disk, same, taken_over
from bridge.core.model import Claim, Download, Event, Failover, Failure, Phase, Removal
from bridge.engine.ledger.jobs import begin
from bridge.engine.ledger.memory import Change
from bridge.engine.ledger.rows import Rows
from bridge.store import Transaction


class Claims(Rows):
    """Rows may change hands while one waits to write: who asked is known by when (`same`)."""

    async def join(self, claim: Claim, why: str = "") -> bool:
        """Add a claim to a download, committed on return; False when there is none to join.

        What has failed is not joined, nor is what the category has already. A claim of it that was
        given up makes room, and nobody is told of that failure any more.
        """
        async with self._lock:
            download, claims = self._downloads.get(claim.hash), self.claims(claim.hash)
            if download is None or download.phase is Phase.FAILED:
                return False
            everyone: tuple[Download | Claim, ...] = (download, *claims)
            given_up = [one for one in claims if one.phase is Phase.FAILED]
            if claim.category in {one.category for one in everyone if one not in given_up}:
                return False
            others = (one for one in claims if one.category != claim.category)
            after = numbered((*others, apart(claim, everyone)))
            called_off = self._not_told(claim.hash, claim.category)
            async with self.store.transaction() as write:
                for failover in called_off:
                    await write.drop_failover(failover.id)
                await write.put_claims(claim.hash, after)
                event = Event(hash=claim.hash, at=self.clock(), kind="joined", why=why)
                await write.add_event(event)
            self._forget(called_off)
            self._set_claims(claim.hash, after)
            self.version += 1
        return True

    def _claim(self, asked: Download | Claim) -> Claim | None:
        """Find the claim of one who asked, whatever its number is by now."""
        return next((claim for claim in self.claims(asked.hash) if same(claim, asked)), None)

    async def change_claim(
        self, claim: Claim, change: Callable[[Claim], Claim], why: str = ""
    ) -> Claim | None:
        """Apply a change to a claim and commit it; None when it is none (any more)."""
        async with self._lock:
            before = self._claim(claim)
            if before is None:
                return None
            after = change(before)
            if after != before:
                claims = self.claims(claim.hash)
                changed = tuple(after if one is before else one for one in claims)
                async with self.store.transaction() as write:
                    await write.put_claims(claim.hash, changed)
                    if why:
                        event = Event(hash=claim.hash, at=self.clock(), kind="claim", why=why)
                        await write.add_event(event)
                self._set_claims(claim.hash, changed)
                self.version += 1
        return after

    async def change_own(self, seen: Download, why: str, **fields: Any) -> None:
        """Change what one who asked for a download has of its own.

        Whether that stands in the download's row or in a claim may change while one waits to write.
        """
        apply = partial(replace, **fields)
        row = self._downloads.get(seen.hash)
        while row is not None:
            if same(row, seen):
                done = await self.change(seen.hash, apply, of=seen, why=why) is not None
            elif (claim := self._claim(seen)) is not None:
                done = await self.change_claim(claim, apply, why) is not None
            else:
                return
            if done:
                return
            row = self._downloads.get(seen.hash)

    async def imported(self, seen: Download, why: str) -> None:
        """Note that one who asked for a download has it in its library now."""
        now = self.clock()
        await self.change_own(seen, "", imported_at=now)
        async with self.store.transaction() as write:
            await write.add_event(Event(hash=seen.hash, at=now, kind="arr", why=why))

    async def step_back(
        self,
        claim: Claim,
        why: str,
        *,
        of: Download,
        failure: Failure | None = None,
        change: Change = lambda latest: latest,
        failovers: Sequence[Failover] = (),
    ) -> bool:
        """Let a claim take the place of the download's own row, which becomes a claim itself.

        False when that is not the row `of` the one that was looked at any more, or the claim is
        gone. With a `failure` it has failed from then on. `change` is made to the download before.
        """
        async with self._lock:
            known, first = self._downloads.get(claim.hash), self._claim(claim)
            if known is None or first is None or not same(known, of):
                return False
            before, claims = change(known), self.claims(claim.hash)
            back = claim_of(before, self.files(claim.hash), failure=failure, now=self.clock())
            back = replace(back, number=first.number)
            others = tuple(back if one is first else one for one in claims)
            async with self.store.transaction() as write:
                event = Event(hash=claim.hash, at=self.clock(), kind="claim", why=why)
                await write.add_event(event)
                jobs = [await begin(write, job) for job in failovers]
                jobs += await self._pass_on(write, before, first, others)
            self._take_on(jobs)
            self._passed_on(first, others, change)
        return True

    async def _pass_on(
        self, write: Transaction, before: Download, to: Claim, others: tuple[Claim, ...]
    ) -> list[Removal | Failover]:
        """Write it down. What an interrupted sharing may have left of a claim is removed first."""
        after = taken_over(before, to, self.clock())
        await write.put_download(after)
        await write.put_files(before.hash, () if to.waits else to.files)
        await write.put_claims(before.hash, others)
        await self._tell(write, before, after, f"for {to.category!r}")
        left = on_disk(to, self.clock()) if to.waits else None
        return [await write.add_removal(left)] if left is not None else []

    def _passed_on(
        self, to: Claim, others: tuple[Claim, ...], change: Change = lambda latest: latest
    ) -> None:
        latest = change(self._downloads[to.hash])
        self._downloads[to.hash] = taken_over(latest, to, self.clock())
        self._files[to.hash] = () if to.waits else to.files
        self._set_claims(to.hash, others)
        self.version += 1
