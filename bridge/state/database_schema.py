"""The tables, as a list of migration steps. `user_version` counts the steps that were applied.

A step is never changed once it is released: every later change is a new step.
"""

from bridge.state.migration import SPLIT_DOWNLOADS_AND_GRABS

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE downloads (
        hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        save_path TEXT NOT NULL,
        added_at REAL NOT NULL,
        infohash_v1 TEXT NOT NULL,
        infohash_v2 TEXT NOT NULL,
        category TEXT NOT NULL,
        tags TEXT NOT NULL,                 -- JSON list
        magnet TEXT NOT NULL,
        has_torrent INTEGER NOT NULL,
        private INTEGER NOT NULL,
        size INTEGER NOT NULL,
        phase TEXT NOT NULL,
        phase_at REAL NOT NULL,
        stopped INTEGER NOT NULL,
        force_start INTEGER NOT NULL,
        sequential INTEGER NOT NULL,
        first_last_first INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        content_layout TEXT NOT NULL,
        super_seeding INTEGER NOT NULL,
        auto_tmm INTEGER NOT NULL,
        comment TEXT NOT NULL,
        download_limit INTEGER NOT NULL,
        upload_limit INTEGER NOT NULL,
        file_edits TEXT NOT NULL,           -- JSON list
        moving_to TEXT NOT NULL,
        missing_files INTEGER NOT NULL,
        ratio_limit REAL NOT NULL,
        seeding_time_limit INTEGER NOT NULL,
        inactive_seeding_time_limit INTEGER NOT NULL,
        torrent_id INTEGER,
        queued_id INTEGER,
        ours INTEGER NOT NULL,
        submitted_at REAL,
        lookup_until REAL NOT NULL,
        remote_at REAL,
        attempts INTEGER NOT NULL,
        next_attempt_at REAL NOT NULL,
        note TEXT NOT NULL,
        seen_at REAL,
        failing_since REAL,
        misses INTEGER NOT NULL,
        idle_seconds REAL NOT NULL,
        observed_seconds REAL NOT NULL,
        remote_progress REAL NOT NULL,
        progress REAL NOT NULL,
        ratio REAL NOT NULL,
        uploaded INTEGER NOT NULL,
        lacking_at INTEGER NOT NULL,
        content_name TEXT NOT NULL,
        delivery_mode TEXT NOT NULL,
        completed_at REAL,
        failure_reason TEXT,
        failure_message TEXT NOT NULL
    ) STRICT;

    CREATE TABLE torrents (                 -- the .torrent files we were handed
        hash TEXT PRIMARY KEY REFERENCES downloads (hash) ON DELETE CASCADE,
        data BLOB NOT NULL
    ) STRICT;

    CREATE TABLE files (
        hash TEXT NOT NULL REFERENCES downloads (hash) ON DELETE CASCADE,
        file_id INTEGER NOT NULL,
        remote_name TEXT NOT NULL,
        size INTEGER NOT NULL,
        path TEXT NOT NULL,
        chosen INTEGER NOT NULL,
        done INTEGER NOT NULL,
        priority INTEGER NOT NULL,
        PRIMARY KEY (hash, file_id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE removals (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL,
        save_path TEXT NOT NULL,
        content_name TEXT NOT NULL,
        files TEXT NOT NULL,                -- JSON list of paths below save_path
        delivery_mode TEXT NOT NULL,
        delete_remote INTEGER NOT NULL,
        torrent_id INTEGER,
        queued_id INTEGER,
        unclear INTEGER NOT NULL,
        submitted_at REAL,
        created_at REAL NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt_at REAL NOT NULL
    ) STRICT;

    CREATE TABLE failovers (
        id INTEGER PRIMARY KEY,
        hash TEXT NOT NULL,
        category TEXT NOT NULL,
        created_at REAL NOT NULL,
        sent_at REAL,
        ended_at REAL,
        looks INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        next_attempt_at REAL NOT NULL
    ) STRICT;

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
        why TEXT NOT NULL
    ) STRICT;
    CREATE INDEX events_by_hash ON events (hash, id);

    CREATE TABLE facts (                    -- budgets, the hashed password: small JSON by name
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    """,
    """
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
    SPLIT_DOWNLOADS_AND_GRABS,
    """
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
    """,
    "ALTER TABLE downloads ADD COLUMN seeds INTEGER NOT NULL DEFAULT 0;",
)
