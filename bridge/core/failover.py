"""When an *arr is told that a download failed.

It blocklists the release then and searches for another one. That cannot be taken back, so it is
done for one download at a time, and at most so many an hour.
"""

from collections.abc import Iterator

from bridge.core.actions import FailOver, Step, Wait
from bridge.core.model import Failover
from bridge.core.scene import Scene

HOUR = 3600.0


def failovers(scene: Scene) -> Iterator[Step]:
    """Take the one that is due first. The end of one that is under way wakes the plan."""
    waiting = [(_due_at(one, scene), one.id) for one in scene.failovers if one.ended_at is None]
    if scene.failing_over or not waiting:
        return
    at, failover_id = min(waiting)
    yield Wait(at) if at > scene.now else FailOver(failover_id)


def _due_at(failover: Failover, scene: Scene) -> float:
    """What was begun is brought to its end whatever the limit says: it has been counted."""
    if failover.sent_at is not None:
        return failover.next_attempt_at
    return max(failover.next_attempt_at, _free_at(scene))


def _free_at(scene: Scene) -> float:
    """Tell when the limit allows another one."""
    sent = sorted(one.sent_at for one in scene.failovers if one.sent_at is not None)
    if len(sent) < scene.failovers_per_hour:
        return 0.0
    return sent[-scene.failovers_per_hour] + HOUR
