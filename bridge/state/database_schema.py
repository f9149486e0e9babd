"""The tables of a new database, and the steps from one schema to the next.

`user_version` is the schema. A step is never changed once it is released: every later change is a new
schema, with a step of its own.
"""

from bridge.state.migration import CREATE_TABLES, SPLIT_DOWNLOADS_AND_GRABS

SCHEMA = 5
_LABELS_AND_EVENTS = """
CREATE TABLE categories (
    name TEXT PRIMARY KEY,
    save_path TEXT NOT NULL
) STRICT;
CREATE TABLE tags (name TEXT PRIMARY KEY) STRICT;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL,
    why TEXT NOT NULL,
    grab_id INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX events_by_hash ON events (hash, id);
"""
_HISTORY = """
CREATE TABLE history (                  -- what became of grabs, also of those that are gone
    grab_id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL,
    added_at REAL NOT NULL,
    name TEXT NOT NULL,
    category TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    size INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    completed_at REAL,
    imported_at REAL,
    failed_at REAL,
    reported_at REAL,
    removed_at REAL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    last_at REAL NOT NULL
) STRICT;
CREATE INDEX history_by_last ON history (last_at);
CREATE INDEX history_by_added ON history (added_at);
"""
_SEEDS = "ALTER TABLE downloads ADD COLUMN seeds INTEGER NOT NULL DEFAULT 0;"
NEW_DATABASE = f"{CREATE_TABLES}{_LABELS_AND_EVENTS}{_HISTORY}{_SEEDS}"
STEPS = {
    1: """
ALTER TABLE downloads ADD COLUMN reannounced_at REAL NOT NULL DEFAULT -1;
ALTER TABLE downloads ADD COLUMN active_at REAL;
ALTER TABLE downloads ADD COLUMN imported_at REAL;
ALTER TABLE downloads ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE removals ADD COLUMN files_only INTEGER NOT NULL DEFAULT 0;

CREATE TABLE claims (                   -- of a further *arr on a download
    hash TEXT NOT NULL REFERENCES downloads (hash) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    category TEXT NOT NULL,
    save_path TEXT NOT NULL,
    added_at REAL NOT NULL,
    asked_by TEXT NOT NULL,
    tags TEXT NOT NULL,                 -- JSON list
    ratio_limit REAL NOT NULL,
    seeding_time_limit INTEGER NOT NULL,
    inactive_seeding_time_limit INTEGER NOT NULL,
    phase TEXT NOT NULL,
    phase_at REAL NOT NULL,
    content_name TEXT NOT NULL,
    delivery_mode TEXT NOT NULL,
    size INTEGER NOT NULL,
    files TEXT NOT NULL,                -- JSON list
    completed_at REAL,
    imported_at REAL,
    failure_reason TEXT,
    failure_message TEXT NOT NULL,
    PRIMARY KEY (hash, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE traces (                   -- of downloads that are gone
    hash TEXT PRIMARY KEY,
    submitted_at REAL NOT NULL,
    removed_at REAL NOT NULL,
    left_at REAL NOT NULL,
    unclear INTEGER NOT NULL
) STRICT;
""",
    2: SPLIT_DOWNLOADS_AND_GRABS,
    3: _HISTORY,
    4: _SEEDS,
}
"""By the schema that each begins with."""
