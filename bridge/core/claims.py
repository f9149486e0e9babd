"""One info-hash that several *arr asked for: how each sees it, and who goes on when one leaves.

The first one's wishes stand in the download's own row, those of the others in claims. What concerns
TorBox is the download's; a category, a path, tags, seed limits and files on disk are everybody's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from bridge.core.follow import anew
from bridge.core.model import (
    COMPLETE,
    Claim,
    DeliveredFile,
    Download,
    Phase,
)

OWN = frozenset(field.name for field in fields(Claim)) - {"hash", "number", "files"}
"""The fields of a claim that a download has, too."""

LAID_OUT = COMPLETE | {Phase.READY, Phase.DELIVERING}


def seen_by(claim: Claim, download: Download) -> Download:
    """Show the download as who made the claim sees it."""
    if claim.complete:
        return replace(
            download,
            **_own(claim),
            stopped=False,
            missing_files=False,
            moving_to="",
            failure_reason=None,
            failure_message="",
            note="",
            attempts=0,
            next_attempt_at=0.0,
        )
    waits = {
        "phase": Phase.DELIVERING if download.complete else download.phase,
        "phase_at": download.phase_at,
        "size": download.size,
        "content_name": "",
        "delivery_mode": "",
    }
    return replace(download, **_own(claim) | waits)


def claim_of(download: Download, files: Sequence[DeliveredFile] = ()) -> Claim:
    """Make a claim of a download's own row: it steps back behind another one.

    What is complete stays so, with its files; what is not waits for its files.
    """
    own = {name: getattr(download, name) for name in OWN}
    if download.complete:
        return Claim(hash=download.hash, **own, files=tuple(files))
    waiting = {"phase": Phase.ACCEPTED, "content_name": "", "delivery_mode": "", "size": 0}
    return Claim(hash=download.hash, **own | waiting)


def taken_over(download: Download, heir: Claim, now: float) -> Download:
    """Make the claim the download's own: who had it before leaves, or steps back.

    A claim that waits for its files gets them from TorBox, where they are laid out by the rules of
    its category. What has failed, or is not ready yet, stands where it stood.
    """
    after = seen_by(heir, download)
    if heir.complete or download.phase not in LAID_OUT:
        return replace(after, moving_to="")
    return replace(anew(after, now), moving_to="", phase_at=now)


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
    """Choose who takes over: who has the files, or when all has failed who still waits for them."""
    complete = download.phase is not Phase.FAILED
    return next((claim for claim in claims if claim.complete is complete), claims[0])


def _own(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in OWN}
