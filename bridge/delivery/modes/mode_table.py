"""One delivery for each mode."""

from collections.abc import Mapping

from bridge.delivery.interface import Delivery

FALLBACK = "download"
"""For downloads that came to an end before a mode was decided: it cleans up after any."""


class Modes:
    """Finds the delivery of a download by the mode in its row."""

    def __init__(self, deliveries: Mapping[str, Delivery]) -> None:
        self._deliveries = deliveries

    def of(self, mode: str) -> Delivery:
        """Return the delivery of a mode; that of `download` for a mode that is not known."""
        return self._deliveries.get(mode) or self._deliveries[FALLBACK]
