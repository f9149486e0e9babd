"""SQLite: what must survive. Rows in, rows out."""

from bridge.store.database import Contents, Store, StoreError, Transaction

__all__ = ["Contents", "Store", "StoreError", "Transaction"]
