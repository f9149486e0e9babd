"""A TorBox that runs on this machine: the same HTTP API, with faults on demand."""

from bridge.simulator.content import Content, ContentFile
from bridge.simulator.releases import magnet_of, make_torrent
from bridge.simulator.scenario import Behaviour, Cdn, RateLimits, Scenario, SimulatedAccount, Tricks
from bridge.simulator.simulator import Simulator

__all__ = [
    "Behaviour",
    "Cdn",
    "Content",
    "ContentFile",
    "RateLimits",
    "Scenario",
    "SimulatedAccount",
    "Simulator",
    "Tricks",
    "magnet_of",
    "make_torrent",
]
