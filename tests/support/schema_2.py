"""A database as the version before downloads and grabs wrote it: schema 2, filled by hand.

The rows are those of that version's own code: one download per hash, the wishes of its first client
in its row, and those of every further client in `claims`.
"""

import json
import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from bridge.state.database_schema import STEPS

OLD = 1_700_000_000.0

SCHEMA_1 = """
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
"""

PHASES = (
    "accepted",
    "submitting",
    "queued",
    "remote",
    "ready",
    "delivering",
    "delivered",
    "finished",
    "failed",
)
COMPLETE = ("delivered", "finished")

BUDGETS = {"calls": [1.5, 2.5]}
DEPARTED = {"deleted": {"7": OLD}, "deleted_queued": {}, "kept": {"8": ["ab", OLD]}}
LINK_OPTIONS = {
    "category": "tv",
    "tags": ["a"],
    "save_path": "",
    "name": "",
    "stopped": False,
    "force_start": False,
    "sequential": False,
    "first_last_first": False,
    "to_top": True,
    "content_layout": "Original",
    "ratio_limit": 1.5,
    "seeding_time_limit": 60,
    "inactive_seeding_time_limit": -2,
    "download_limit": 0,
    "upload_limit": 0,
    "auto_tmm": False,
    "asked_by": "Sonarr/4.0",
    "cookie": "uid=1",
}
PENDING_LINKS = [{"id": "x1", "url": "https://indexer/1?key=s", "options": LINK_OPTIONS}]


def hash_of(number: int) -> str:
    """Return the info-hash of a download number."""
    return f"{number:040x}"


@cache
def download_row(number: int, phase: str) -> dict[str, Any]:
    """Make a row of `downloads` in a phase; every field differs from its default."""
    complete = phase in COMPLETE
    at_torbox = phase not in ("accepted", "submitting", "queued", "failed")
    return {
        "hash": hash_of(number),
        "name": f"Show {number} 🎬",
        "save_path": "/data/tv",
        "added_at": OLD + number,
        "infohash_v1": hash_of(number),
        "infohash_v2": "",
        "category": "tv",
        "tags": json.dumps(["a", f"t{number}"]),
        "magnet": f"magnet:?xt=urn:btih:{hash_of(number)}",
        "has_torrent": number % 2,
        "private": number % 3 == 0,
        "size": 1000 + number,
        "phase": phase,
        "phase_at": OLD + number + 1,
        "stopped": number % 5 == 0,
        "force_start": number % 7 == 0,
        "sequential": 1,
        "first_last_first": 1,
        "priority": number,
        "content_layout": "Subfolder",
        "super_seeding": 1,
        "auto_tmm": 1,
        "comment": f"comment {number}",
        "download_limit": 11,
        "upload_limit": 12,
        "file_edits": json.dumps([{"path": "a", "name": "b", "priority": 6}]),
        "moving_to": "/data/elsewhere" if complete and number % 4 == 0 else "",
        "missing_files": int(complete and number % 6 == 0),
        "ratio_limit": 2.5,
        "seeding_time_limit": 60,
        "inactive_seeding_time_limit": 30,
        "torrent_id": number + 5000 if at_torbox else None,
        "queued_id": number + 9000 if phase == "queued" else None,
        "ours": int(at_torbox or phase == "queued"),
        "submitted_at": OLD + number if phase != "accepted" else None,
        "lookup_until": OLD + 7 if phase == "submitting" else 0.0,
        "remote_at": OLD + number + 2 if at_torbox else None,
        "attempts": 3,
        "next_attempt_at": OLD + 99,
        "note": f"note {number}",
        "seen_at": OLD + 3,
        "failing_since": OLD + 4 if phase == "remote" else None,
        "misses": 1,
        "idle_seconds": 5.5,
        "observed_seconds": 6.5,
        "remote_progress": 0.75,
        "progress": 0.5,
        "ratio": 0.25,
        "uploaded": 777,
        "lacking_at": -1,
        "content_name": f"Show {number}" if complete or phase in ("ready", "delivering") else "",
        "delivery_mode": "symlink" if complete else "",
        "completed_at": OLD + number + 9 if complete else None,
        "failure_reason": "stalled" if phase == "failed" else None,
        "failure_message": "no progress" if phase == "failed" else "",
        "reannounced_at": 4.5,
        "active_at": OLD + 8,
        "imported_at": OLD + number + 10 if complete else None,
        "asked_by": "Sonarr",
    }


def file_row(number: int, file_id: int, path: str, *, done: bool) -> dict[str, Any]:
    """Make a row of `files`, or a file of a claim."""
    return {
        "hash": hash_of(number),
        "file_id": file_id,
        "remote_name": f"Show {number}/{file_id} [x].mkv",
        "size": 500 + file_id,
        "path": path,
        "chosen": file_id != 2,
        "done": done and file_id != 2,
        "priority": 6,
    }


def claim_row(of: int, number: int, phase: str) -> dict[str, Any]:
    """Make a row of `claims` of a download. What is finished is a single file, else a folder."""
    complete, single = phase in COMPLETE, phase == "finished"
    top = f"Film {of}.mkv" if single else f"Film {of}"
    paths = [top] if single else [f"{top}/1.mkv", f"{top}/2.mkv"]
    files = [file_row(of, number, path, done=True) for number, path in enumerate(paths, 1)]
    return {
        "hash": hash_of(of),
        "number": number,
        "category": f"radarr{number}",
        "save_path": f"/data/films{number}",
        "added_at": OLD + of + number / 10,
        "asked_by": "Radarr",
        "tags": json.dumps(["film"]),
        "ratio_limit": 1.5,
        "seeding_time_limit": 61,
        "inactive_seeding_time_limit": 31,
        "phase": phase,
        "phase_at": OLD + of + 20,
        "content_name": top if complete else "",
        "delivery_mode": "download" if complete else "",
        "size": 900 if complete else 0,
        "files": json.dumps(files if complete else [], separators=(",", ":")),
        "completed_at": OLD + of + 21 if complete else None,
        "imported_at": OLD + of + 22 if phase == "finished" else None,
        "failure_reason": "not_cached" if phase == "failed" else None,
        "failure_message": "not cached" if phase == "failed" else "",
    }


REMOVALS: list[dict[str, Any]] = [
    {
        "id": number,
        "hash": hash_of(900_000 + number),
        "save_path": "/data/tv",
        "content_name": "Gone",
        "files": json.dumps(["Gone/1.mkv", "[2]"]),
        "delivery_mode": "download",
        "delete_remote": int(not files_only),
        "torrent_id": None if files_only else 77,
        "queued_id": None,
        "unclear": int(not files_only),
        "submitted_at": OLD + 1,
        "created_at": OLD + 2,
        "attempts": 4,
        "next_attempt_at": OLD + 3,
        "files_only": int(files_only),
    }
    for number, files_only in ((3, False), (5, True))
]
FAILOVERS: list[dict[str, Any]] = [
    {
        "id": number,
        "hash": hash_of(9),
        "category": "tv",
        "created_at": OLD + number,
        "sent_at": sent_at,
        "ended_at": sent_at,
        "looks": 2,
        "attempts": 1,
        "next_attempt_at": OLD + 5,
    }
    for number, sent_at in ((4, None), (6, OLD + 60))
]
TRACES: list[dict[str, Any]] = [
    {
        "hash": hash_of(910_000 + number),
        "submitted_at": OLD + 1,
        "removed_at": OLD + 2,
        "left_at": OLD + 3,
        "unclear": number,
    }
    for number in (0, 1)
]
CLAIM_PHASES = ("accepted", "delivered", "finished", "failed")


def create(path: Path, downloads: int) -> None:
    """Create a database of schema 2 with so many downloads: every phase, every kind of claim."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(f"{SCHEMA_1}; {STEPS[1]}; PRAGMA user_version = 2;")
        phases = {number: PHASES[number % len(PHASES)] for number in range(1, downloads + 1)}
        insert(connection, "downloads", [download_row(*one) for one in phases.items()])
        planned = [one for one in phases.items() if download_row(*one)["content_name"]]
        insert(
            connection,
            "files",
            [
                file_row(number, file_id, path, done=phase in COMPLETE)
                for number, phase in planned
                for file_id, path in enumerate(paths_of(number), 1)
            ],
        )
        insert(
            connection,
            "torrents",
            [
                {"hash": hash_of(number), "data": b"d%de" % number}
                for number in phases
                if number % 2
            ],
        )
        insert(connection, "claims", [claim_row(*one) for one in claims_of(phases)])
        insert(
            connection,
            "events",
            [
                {"hash": hash_of(number), "at": OLD + turn, "kind": "note", "before": "",
                 "after": "", "why": f"{number}.{turn}"}
                for number in phases for turn in (1, 2)
            ],
        )  # fmt: skip
        insert(connection, "removals", REMOVALS)
        insert(connection, "failovers", FAILOVERS)
        insert(connection, "traces", TRACES)
        insert(connection, "categories", [{"name": "tv", "save_path": "/data/tv"}])
        insert(connection, "tags", [{"name": "a"}, {"name": "b"}])
        facts = {"budgets": BUDGETS, "departed": DEPARTED, "pending_links": PENDING_LINKS}
        rows = [{"name": name, "value": json.dumps(value)} for name, value in facts.items()]
        insert(connection, "facts", rows)


def paths_of(number: int) -> list[str]:
    """Return where the files of a download are, below its save path: a folder or a single file."""
    folder = f"Show {number}"
    return [f"{folder}/1.mkv", f"{folder}/2.nfo"] if number % 2 else [folder]


def claims_of(phases: dict[int, str]) -> list[tuple[int, int, str]]:
    """Return the claims there are: download, number and phase.

    Of each phase some downloads have one claim of each phase, some have all four, most have none.
    """
    return [
        (number, nth, claim_phase)
        for number in phases
        for nth, claim_phase in enumerate(CLAIM_PHASES, 1)
        if (number // len(PHASES)) % 12 in (nth - 1, len(CLAIM_PHASES))
    ]


def insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows into a table."""
    names = list(rows[0])
    marks = ", ".join("?" * len(names))
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
        [list(row.values()) for row in rows],
    )
