"""The queue's endpoints, new and old."""

from bridge.simulator import refusals, render
from bridge.simulator.backend import Backend
from bridge.simulator.call import Call
from bridge.simulator.parameters import ControlQueued, Listing, Nothing
from bridge.simulator.replies import Reply, ok, refused

MAX_PAGE = 1000


def get_queued(backend: Backend, call: Call, asked: Listing) -> Reply:
    """queued/getqueued: an array, or one object if an id is given."""
    now = backend.clock()
    fresh = asked.bypass_cache == "true"
    stale = max(call.stale, 0.0 if fresh else backend.world.behaviour.list_stale_seconds)
    told = backend.copies.get("getqueued", now, stale, lambda: _all(backend))
    if asked.type != "torrent":
        return refused(refusals.NO_QUEUED)
    if asked.id is not None:
        return _answer(next((entry for entry in told if entry["id"] == asked.id), None))
    return _answer(told[asked.offset : asked.offset + min(asked.limit, MAX_PAGE)])


def get_queued_old(backend: Backend, _call: Call, _asked: Nothing) -> Reply:
    """torrents/getqueued: no parameters, never stale."""
    return _answer(_all(backend))


def control_queued(backend: Backend, _call: Call, asked: ControlQueued) -> Reply:
    """POST controlqueued: start or delete."""
    refusal = backend.world.control_queued(asked.queued_id, asked.operation, everything=asked.all)
    if refusal is not None:
        return refused(refusal)
    return ok(f"Queued download {asked.operation}d successfully.")


def _all(backend: Backend) -> list[render.Json]:
    return [render.queued_json(backend.world, entry) for entry in backend.world.queue()]


def _answer(told: object) -> Reply:
    return (
        ok("Queued downloads retrieved successfully.", told)
        if told
        else refused(refusals.NO_QUEUED)
    )
