"""What is wrong with the settings."""

from collections.abc import Sequence


class ConfigError(Exception):
    """The settings cannot be used. Each problem says where it is and what is allowed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)
