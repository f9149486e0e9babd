"""A TorBox that runs on this machine: the same HTTP API, with faults on demand."""

from bridge.simulator.content import Content, ContentFile, generated_bytes
from bridge.simulator.faults import Fault, FaultBook
from bridge.simulator.releases import magnet_of, make_torrent
from bridge.simulator.scenario import (
    Behaviour,
    Cdn,
    RateLimits,
    Scenario,
    ScenarioError,
    SimulatedAccount,
    Tricks,
    load,
)
from bridge.simulator.simulator import Simulator

__all__ = [
    "Behaviour",
    "Cdn",
    "Content",
    "ContentFile",
    "Fault",
    "FaultBook",
    "RateLimits",
    "Scenario",
    "ScenarioError",
    "SimulatedAccount",
    "Simulator",
    "Tricks",
    "generated_bytes",
    "load",
    "magnet_of",
    "make_torrent",
]
