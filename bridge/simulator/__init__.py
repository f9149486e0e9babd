"""A TorBox that runs on this machine: the same HTTP API, with faults on demand."""

from bridge.simulator.content import Content, ContentFile, generated_bytes
from bridge.simulator.faultbook import FaultBook
from bridge.simulator.faults import Fault
from bridge.simulator.metainfo import magnet_of, make_torrent
from bridge.simulator.scenario import Scenario, ScenarioError, load
from bridge.simulator.settings import Account, Behaviour, Cdn, Limits, Tricks
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
