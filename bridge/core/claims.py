"""One info-hash that several *arr asked for: how each sees it, and who goes on when one leaves.

The first one's wishes stand in the download's own row, those of the others in claims. What concerns
TorBox is the download's; a category, a path, tags, seed limits and files on disk are everybody's own.

Who asked is known by when: rows change hands and numbers are given anew, but of one hash no two are
of the same moment (`apart`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from math import inf, nextafter
from typing import Any, TypeVar

from bridge.core.follow import anew
from bridge.core.model import (
    COMPLETE,
    Claim,
    DeliveredFile,
    Download,
    Failure,
    Phase,
    Reason,
    Removal,
    Trace,
)
from bridge.core.modes import LIVES_ON_TORBOX

Asked = TypeVar("Asked", Download, Claim)

OWN = frozenset(field.name for field in fields(Claim)) - {"hash", "number", "files"}
"""The fields of a claim that a download has, too."""

LAID_OUT = COMPLETE | {Phase.READY, Phase.DELIVERING}

BY_OWN_RULES = frozenset(
    {
        Reason.NOT_CACHED,
        Reason.STALLED,
        Reason.NO_METADATA,
        Reason.NOT_PRESENT,
        Reason.GAVE_UP,
        Reason.NOTHING_CHOSEN,
    }
)
"""Reasons that the policy of a category makes: another category may bear with the same."""


def same(one: Download | Claim, other: Download | Claim) -> bool:
    """Tell whether two of one hash are what one *arr asked for at one time."""
    return one.added_at == other.added_at


def apart(asked: Asked, others: Iterable[Download | Claim]) -> Asked:
    """Make sure that it can be told from those that are there already."""
    taken = {other.added_at for other in others}
    at = asked.added_at
    while at in taken:
        at = nextafter(at, inf)
    return replace(asked, added_at=at)


def seen_by(claim: Claim, download: Download) -> Download:
    """Show the download as who made the claim sees it."""
    if not claim.waits:
        return replace(
            download,
            **_own(claim),
            stopped=False,
            missing_files=False,
            moving_to="",
            note="",
            attempts=0,
            next_attempt_at=0.0,
        )
    shared = {
        "phase": Phase.DELIVERING if download.complete else download.phase,
        "phase_at": download.phase_at,
        "size": download.size,
        "content_name": "",
        "delivery_mode": "",
        "failure_reason": download.failure_reason,
        "failure_message": download.failure_message,
    }
    return replace(download, **_own(claim) | shared)


def claim_of(
    download: Download,
    files: Sequence[DeliveredFile] = (),
    *,
    failure: Failure | None = None,
    now: float = 0.0,
) -> Claim:
    """Make a claim of a download's own row: it steps back behind another one.

    What is complete stays so, with its files; what is not waits for its files, unless it is given
    up with a `failure` of its own.
    """
    own = {name: getattr(download, name) for name in OWN}
    if download.complete:
        return Claim(hash=download.hash, **own, files=tuple(files))
    own |= {"content_name": "", "delivery_mode": "", "failure_reason": None, "failure_message": ""}
    waits = Claim(hash=download.hash, **own | {"phase": Phase.ACCEPTED})
    if failure is None:
        return waits
    return replace(
        waits,
        phase=Phase.FAILED,
        phase_at=now,
        failure_reason=failure.reason,
        failure_message=failure.message,
    )


def taken_over(download: Download, to: Claim, now: float) -> Download:
    """Make the claim the download's own: who had it before leaves, or steps back.

    A claim that waits for its files gets them from TorBox, where they are laid out by the rules of
    its category. What has failed, or is not ready yet, stands where it stood. After the last one
    but for failed claims nothing is left at TorBox.
    """
    after = replace(seen_by(to, download), moving_to="")
    if to.phase is Phase.FAILED:
        return replace(after, torrent_id=None, queued_id=None, ours=False, lookup_until=0.0)
    if to.complete or download.phase not in LAID_OUT:
        return after
    return replace(anew(after, now), phase_at=now)


def left_behind(download: Download, leaver: Download | Claim) -> Download:
    """Show what the others have of a download when one leaves.

    Where the item at TorBox is what the leaver plays, it is nobody's to be deleted any more.
    """
    if leaver.complete and leaver.delivery_mode in LIVES_ON_TORBOX:
        return replace(download, ours=False)
    return download


def on_disk(claim: Claim, now: float) -> Removal | None:
    """Write down what is on disk of a claim, or may be; None when nothing was ever planned."""
    if not claim.content_name:
        return None
    return Removal(
        hash=claim.hash,
        save_path=claim.save_path,
        content_name=claim.content_name,
        files=tuple(file.path for file in claim.files if file.chosen),
        delivery_mode=claim.delivery_mode,
        files_only=True,
        created_at=now,
    )


def going_on(made: Download, failed: Download | None, claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """List who goes on with a download that takes the place of one that has failed.

    Who failed with that one waits again; who was given up by the rules of its category stays so.
    """
    before = (claim_of(failed),) if failed else ()
    return tuple(one for one in (*claims, *before) if one.category != made.category)


def taken_up(made: Download, before: Download | Trace | None) -> Download:
    """Make a download know of the item that an earlier one of its hash has left at TorBox.

    That is one that has failed while others have it still, or was removed before it was clear what
    became of its create. TorBox will say that it has it already: a create of ours made it all the
    same, or else its date will tell.
    """
    match before:
        case Download(ours=True) | Trace(unclear=True):
            return replace(made, submitted_at=before.submitted_at, lookup_until=made.added_at)
        case _:
            return made


def numbered(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Give those a number that have none yet."""
    known = tuple(claims)
    following = max((claim.number for claim in known), default=0) + 1
    result = []
    for claim in known:
        if claim.number:
            result.append(claim)
        else:
            result.append(replace(claim, number=following))
            following += 1
    return tuple(result)


def heir(claims: Sequence[Claim], download: Download) -> Claim:
    """Choose who takes over: who has the files, else who waits for them.

    Of a download that has failed it is who failed with it.
    """
    complete, waiting, failed = (
        [claim for claim in claims if claim.complete],
        [claim for claim in claims if claim.waits],
        [claim for claim in claims if claim.phase is Phase.FAILED],
    )
    if download.phase is Phase.FAILED:
        return (waiting + failed + complete)[0]
    return (complete + waiting + failed)[0]


def _own(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in OWN}
