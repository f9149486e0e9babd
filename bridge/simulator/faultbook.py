"""The faults in force: which of them strikes a call, and how often each has."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Unpack

from bridge.simulator.faults import ANY, CDN, AnyEffect, Conditions, Fault, Subject


@dataclass(slots=True)
class Armed:
    """A fault in force and what has become of it."""

    id: int
    fault: Fault
    seen: int = 0
    struck: int = 0

    @property
    def spent(self) -> bool:
        """Whether it will never strike again."""
        return self.fault.times is not None and self.struck >= self.fault.times


class FaultBook:
    """The faults in force, oldest first. At most one strikes a call."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a seeded die, so that a run can be repeated
        self._armed: list[Armed] = []
        self._next_id = 1

    def __iter__(self) -> Iterator[Armed]:
        return iter(self._armed)

    def add(self, endpoint: str, effect: AnyEffect, **conditions: Unpack[Conditions]) -> Armed:
        """Put a fault in force. Raises ValueError for an effect that the endpoint cannot have."""
        return self.put(Fault(endpoint, effect, **conditions))

    def put(self, fault: Fault) -> Armed:
        """Put a fault in force."""
        armed = Armed(self._next_id, fault)
        self._next_id += 1
        self._armed.append(armed)
        return armed

    def clear(self, fault_id: int | None = None) -> None:
        """Lift one fault, or all."""
        self._armed = [
            armed for armed in self._armed if fault_id is not None and armed.id != fault_id
        ]

    def take(self, subject: Subject) -> AnyEffect | None:
        """The effect that strikes this call, if any; counts it."""
        for armed in self._armed:
            if _matches(armed.fault, subject) and self._strikes(armed):
                return armed.fault.effect
        return None

    def _strikes(self, armed: Armed) -> bool:
        armed.seen += 1
        if armed.spent or armed.seen <= armed.fault.after:
            return False
        if self._random.random() >= armed.fault.probability:
            return False
        armed.struck += 1
        return True


def _matches(fault: Fault, subject: Subject) -> bool:
    endpoint = fault.endpoint == subject.endpoint or (
        fault.endpoint == ANY and subject.endpoint != CDN
    )
    return (
        endpoint
        and fault.hash in {None, subject.hash}
        and fault.id in {None, subject.id}
        and fault.operation in {None, subject.operation}
    )
