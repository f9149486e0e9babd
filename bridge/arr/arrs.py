"""Which *arr has which category."""

from collections.abc import Sequence

from bridge.arr.client import Arr


class Arrs:
    """The *arr of the settings, in their order."""

    def __init__(self, arrs: Sequence[Arr] = ()) -> None:
        self._arrs = tuple(arrs)

    def of(self, category: str) -> tuple[Arr, ...]:
        """Find those that grab into a category; none for no category."""
        return tuple(arr for arr in self._arrs if category and category in arr.categories)
