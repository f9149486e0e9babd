"""What the demo tells: a numbered line for each step, and progress in between."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class StepFailed(Exception):
    """A step did not hold; the text says what was expected and what came."""


class Script:
    """Prints the steps as they happen, and counts those that held."""

    def __init__(self) -> None:
        self.steps = 0

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)

    def failed(self, text: str) -> None:
        """Print why the demo ends here."""
        print(f"\nFAILED after {self.steps} steps: {text}", file=sys.stderr, flush=True)

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the step when it begins, and how long it took when it has held."""
        print(f"{self.steps + 1:3d}. {title}", flush=True)
        began = time.monotonic()
        yield
        self.steps += 1
        print(f"     held, {time.monotonic() - began:.2f} s", flush=True)


def expect(holds: bool, otherwise: str) -> None:
    """Raise StepFailed unless it holds."""
    if not holds:
        raise StepFailed(otherwise)
