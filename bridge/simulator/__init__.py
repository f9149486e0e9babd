"""A TorBox that runs on this machine: the same HTTP API, with faults on demand."""

from bridge.simulator.content import Content, ContentFile, generated_bytes
from bridge.simulator.faults import Fault, FaultBook
from bridge.simulator.releases import magnet_of, make_torrent
from bridge.simulator.scenario import (
    Account,
    Behaviour,
    Cdn,
    Limits,
    Scenario,
    ScenarioError,
    Tricks,
    load,
)
from bridge.simulator.simulator import Simulator

__all__ = [
    "Account",
    "Behaviour",
    "Cdn",
    "Content",
    "ContentFile",
    "Fault",
    "FaultBook",
    "Limits",
    "Scenario",
    "ScenarioError",
    "Simulator",
    "Tricks",
    "generated_bytes",
    "load",
    "magnet_of",
    "make_torrent",
]
