"""Counts the creates of each hash, for pauses between them.

An *arr may grab a release, fail and grab it again for hours. TorBox answers such a series of adds with
a cooldown of a day for the whole account.
"""

from collections.abc import Mapping

REMEMBERED_SECONDS = 3600.0
FREE_CREATES = 2
"""So many creates of a hash within the hour cost no pause."""
LONGEST_SECONDS = 240.0


class CreatePauses:
    """When each hash was created. Times are unix seconds."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}

    def created(self, info_hash: str, now: float) -> None:
        """Note that a create of a hash was taken."""
        self._times.setdefault(info_hash, []).append(now)

    def used_up(self, info_hash: str, now: float) -> bool:
        """Return whether the next create of a hash has to wait."""
        self._forget(now)
        return len(self._times.get(info_hash, ())) >= FREE_CREATES

    def until(self, now: float, *, first: float) -> Mapping[str, float]:
        """Return before when a hash must not be created again, for those that have to wait.

        `first` is the first pause in seconds; each further one is twice as long.
        """
        self._forget(now)
        ends = {
            info_hash: times[-1] + _pause(len(times), first)
            for info_hash, times in self._times.items()
            if len(times) >= FREE_CREATES
        }
        return {info_hash: end for info_hash, end in ends.items() if end > now}

    def _forget(self, now: float) -> None:
        recent = {
            info_hash: [at for at in times if 0.0 <= now - at < REMEMBERED_SECONDS]
            for info_hash, times in self._times.items()
        }
        self._times = {info_hash: times for info_hash, times in recent.items() if times}


def _pause(creates: int, first: float) -> float:
    return min(first * 2.0 ** min(creates - FREE_CREATES, 20), LONGEST_SECONDS)
