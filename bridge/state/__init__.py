"""The bridge's data, in memory and in SQLite, and the unit of work that changes both."""

from bridge.state.database import Batch, Contents, Database, DatabaseError, WriteError
from bridge.state.state import FetchMeter, State, is_live
from bridge.state.unit_of_work import RemovedTraffic, UnitOfWork

__all__ = [
    "Batch",
    "Contents",
    "Database",
    "DatabaseError",
    "FetchMeter",
    "RemovedTraffic",
    "State",
    "UnitOfWork",
    "WriteError",
    "is_live",
]
