"""What all who take part in the soak, or watch it, have seen."""

from collections import Counter


class Notes:
    """Counts, and what should not be."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.accepted = 0
        self.shared = 0
        """Of the accepted: of releases that several *arr want."""
        self.lost_answers = 0
        """Adds whose answer did not arrive; they are sent again."""
        self.imported: Counter[str] = Counter()
        """By manner."""
        self.failed: Counter[str] = Counter()
        """By reason."""
        self.taken_back: Counter[str] = Counter()
        """By the moment at which the user removed it."""
        self.told = 0
        """Failures that an *arr was told of by its API."""
        self.taken_seconds: list[float] = []
        """From the add to the import."""

    def problem(self, text: str) -> None:
        """Write down, once, what should not be."""
        if text not in self.problems:
            self.problems.append(text)
