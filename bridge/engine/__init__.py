"""Carries out what core.plan decides. The only place with tasks and timers."""

from bridge.engine.engine import Engine
from bridge.engine.ledger import Ledger
from bridge.engine.links import Links
from bridge.engine.services import Pace, Services

__all__ = ["Engine", "Ledger", "Links", "Pace", "Services"]
