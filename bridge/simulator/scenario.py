"""A scenario: the account, what TorBox has, and what goes wrong, in one YAML or JSON file."""

from pathlib import Path

import msgspec
import yaml

from bridge.simulator.content import Content
from bridge.simulator.faults import Fault
from bridge.simulator.settings import Account, Behaviour, Cdn, Limits, Tricks

DEFAULT_KEY = "simulator-key"


class ScenarioError(ValueError):
    """The file cannot be read or holds something it should not; the text says where."""


class Scenario(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """All of it has defaults: an empty scenario is an ordinary Pro account."""

    key: str = DEFAULT_KEY
    speed: float = 1.0
    """Simulated seconds per real second."""
    seed: int = 0
    """Of probabilities and link tokens."""
    account: Account = msgspec.field(default_factory=Account)
    behaviour: Behaviour = msgspec.field(default_factory=Behaviour)
    limits: Limits = msgspec.field(default_factory=Limits)
    cdn: Cdn = msgspec.field(default_factory=Cdn)
    contents: list[Content] = msgspec.field(default_factory=list)
    items: list[str] = msgspec.field(default_factory=list)
    """Hashes among `contents` that are on the account from the start."""
    tricks: dict[str, Tricks] = msgspec.field(default_factory=dict)
    """By hash."""
    faults: list[Fault] = msgspec.field(default_factory=list)

    def __post_init__(self) -> None:
        known = {content.hash for content in self.contents}
        if unknown := [info_hash for info_hash in self.items if info_hash not in known]:
            raise ValueError(f"items names {unknown[0]}, which contents does not have")


def load(path: Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return msgspec.convert(raw or {}, Scenario)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
