"""How many connections a file gets: more while that makes it faster, fewer when it does not.

Some of TorBox's CDN nodes limit each connection, others the client as a whole. So it is tried out.
Pure: no sockets and no clock.
"""

from typing import Literal

_GAIN = 1.25
"""Twice the connections have to bring so much more; less could be chance."""
_LOSS = 0.9
"""Half the connections may bring so much less."""
_REST = 20
"""Measurements before the next trial: a node may get busy, or a neighbour's download end."""


class ConnectionTuner:
    """Finds the number of connections by doubling and halving. Reports speeds, reads `target`."""

    def __init__(self, start: int, most: int) -> None:
        self._most = most
        self.target = max(1, min(start, most))
        """How many connections there should be now."""
        self._settled_at = self.target
        self._speed = 0.0
        """Speed with `_settled_at` connections; 0 until it is measured."""
        self._trial: Literal["more", "fewer"] | None = None
        self._rest = 0
        self._next: Literal["more", "fewer"] = "more"

    def measured(self, speed: float) -> None:
        """Take the speed of exactly `target` connections together, in any unit, and set `target`."""
        if self._trial is None:
            self._speed = speed
            self._rest -= 1
            if self._rest <= 0:
                self._try(self._next)
            return
        factor = _GAIN if self._trial == "more" else _LOSS
        if speed >= self._speed * factor:
            self._settled_at, self._speed = self.target, speed
            self._try(self._trial)
        else:
            # The trial did not pay. After more, fewer are tried once; then it rests.
            after = self._trial
            self._settle()
            if after == "more":
                self._try("fewer")
                return
            self._rest = _REST

    def _try(self, direction: Literal["more", "fewer"]) -> None:
        count = self._settled_at * 2 if direction == "more" else self._settled_at // 2
        count = max(1, min(count, self._most))
        if count == self._settled_at:
            self._settle()
            self._rest = _REST
            self._next = "fewer" if direction == "more" else "more"
            return
        self.target, self._trial = count, direction

    def _settle(self) -> None:
        self.target, self._trial = self._settled_at, None
        self._next = "more"
