"""Migrates schema 2 (a row per download, and a table of claims) to downloads and grabs.

Everything is SQL in one transaction, so a kill at any moment leaves schema 2 as it was. A copy of
the database is kept in the same directory before anything is changed.
"""

import contextlib
import os
import sqlite3
from pathlib import Path

CREATE_TABLES = """
CREATE TABLE downloads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    hash TEXT NOT NULL,
    infohash_v1 TEXT NOT NULL,
    infohash_v2 TEXT NOT NULL,
    name TEXT NOT NULL,
    remote_name TEXT NOT NULL,
    magnet TEXT NOT NULL,
    has_torrent INTEGER NOT NULL,
    private INTEGER NOT NULL,
    size INTEGER NOT NULL,
    phase TEXT NOT NULL,
    phase_at REAL NOT NULL,
    torrent_id INTEGER,
    queued_id INTEGER,
    ours INTEGER NOT NULL,
    submitted_at REAL,
    lookup_until REAL NOT NULL,
    remote_at REAL,
    known_cached INTEGER NOT NULL,
    recreated INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at REAL NOT NULL,
    note TEXT NOT NULL,
    seen_at REAL,
    failing_since REAL,
    misses INTEGER NOT NULL,
    idle_seconds REAL NOT NULL,
    observed_seconds REAL NOT NULL,
    reannounced_at REAL NOT NULL,
    remote_progress REAL NOT NULL,
    remote_active_at REAL,
    ratio REAL NOT NULL,
    uploaded INTEGER NOT NULL,
    uploaded_at REAL,
    failure_reason TEXT,
    failure_message TEXT NOT NULL,
    UNIQUE (kind, hash)
) STRICT;

CREATE TABLE torrents (                 -- the .torrent files that clients sent
    download_id INTEGER PRIMARY KEY REFERENCES downloads (id) ON DELETE CASCADE,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE grabs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    download_id INTEGER NOT NULL REFERENCES downloads (id) ON DELETE CASCADE,
    category TEXT NOT NULL,
    save_path TEXT NOT NULL,
    added_at REAL NOT NULL,
    client TEXT NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,                 -- JSON list
    comment TEXT NOT NULL,
    stopped INTEGER NOT NULL,
    force_start INTEGER NOT NULL,
    sequential INTEGER NOT NULL,
    first_last_first INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    content_layout TEXT NOT NULL,
    super_seeding INTEGER NOT NULL,
    auto_tmm INTEGER NOT NULL,
    download_limit INTEGER NOT NULL,
    upload_limit INTEGER NOT NULL,
    ratio_limit REAL NOT NULL,
    seeding_time_limit INTEGER NOT NULL,
    inactive_seeding_time_limit INTEGER NOT NULL,
    file_edits TEXT NOT NULL,           -- JSON list
    phase TEXT NOT NULL,
    phase_at REAL NOT NULL,
    delivery_mode TEXT NOT NULL,
    content_name TEXT NOT NULL,
    staging_name TEXT NOT NULL,
    content_is_folder INTEGER NOT NULL,
    size INTEGER NOT NULL,
    incomplete_list_bytes INTEGER NOT NULL,
    incomplete_list_at REAL,
    idle_at_join REAL NOT NULL,
    observed_at_join REAL NOT NULL,
    progress REAL NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at REAL NOT NULL,
    note TEXT NOT NULL,
    moving_to TEXT NOT NULL,
    missing_files INTEGER NOT NULL,
    completed_at REAL,
    imported_at REAL,
    failure_reason TEXT,
    failure_message TEXT NOT NULL
) STRICT;
CREATE INDEX grabs_by_download ON grabs (download_id);

CREATE TABLE files (
    grab_id INTEGER NOT NULL REFERENCES grabs (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL,
    remote_name TEXT NOT NULL,
    size INTEGER NOT NULL,
    path TEXT NOT NULL,
    chosen INTEGER NOT NULL,
    done INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    PRIMARY KEY (grab_id, file_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,              -- the info-hash, or empty
    payload TEXT NOT NULL,              -- JSON
    created_at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_at REAL NOT NULL,
    finished_at REAL
) STRICT;

CREATE TABLE removed_downloads (        -- something of them may still turn up at TorBox
    hash TEXT PRIMARY KEY,
    submitted_at REAL NOT NULL,
    removed_at REAL NOT NULL,
    left_at REAL NOT NULL,
    unclear INTEGER NOT NULL
) STRICT;

CREATE TABLE key_values (               -- budgets, the hashed password: small JSON by name
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
"""

_RENAME_OLD = """
ALTER TABLE downloads RENAME TO old_downloads;
ALTER TABLE torrents RENAME TO old_torrents;
ALTER TABLE files RENAME TO old_files;
"""


_COPY_DOWNLOADS = """
INSERT INTO downloads (
    kind, hash, infohash_v1, infohash_v2, name, remote_name, magnet, has_torrent, private, size,
    phase, phase_at, torrent_id, queued_id, ours, submitted_at, lookup_until, remote_at,
    known_cached, recreated, attempts, next_attempt_at, note, seen_at, failing_since, misses,
    idle_seconds, observed_seconds, reannounced_at, remote_progress, remote_active_at,
    ratio, uploaded, uploaded_at, failure_reason, failure_message
)
SELECT
    'torrent', hash, infohash_v1, infohash_v2, name, '', magnet, has_torrent, private, size,
    CASE phase
        WHEN 'accepted' THEN 'new'
        WHEN 'submitting' THEN 'submitting'
        WHEN 'queued' THEN 'queued'
        WHEN 'remote' THEN 'active'
        WHEN 'failed' THEN 'failed'
        ELSE 'ready'
    END,
    phase_at, torrent_id, queued_id, ours, submitted_at, lookup_until, remote_at,
    0, 0,
    CASE WHEN phase IN ('accepted', 'submitting', 'queued', 'remote') THEN attempts ELSE 0 END,
    CASE WHEN phase IN ('accepted', 'submitting', 'queued', 'remote') THEN next_attempt_at ELSE 0 END,
    CASE WHEN phase IN ('accepted', 'submitting', 'queued', 'remote', 'failed') THEN note ELSE '' END,
    seen_at, failing_since, misses,
    idle_seconds, observed_seconds, reannounced_at, remote_progress, active_at,
    ratio, uploaded, active_at, failure_reason, failure_message
FROM old_downloads ORDER BY added_at, hash;

INSERT INTO torrents (download_id, data)
SELECT downloads.id, old_torrents.data
FROM old_torrents JOIN downloads USING (hash);
"""

_INTO_GRABS = """
INSERT INTO grabs (
    download_id, category, save_path, added_at, client, name, tags, comment,
    stopped, force_start, sequential, first_last_first, priority, content_layout,
    super_seeding, auto_tmm, download_limit, upload_limit, ratio_limit, seeding_time_limit,
    inactive_seeding_time_limit, file_edits, phase, phase_at, delivery_mode, content_name,
    staging_name, content_is_folder, size, incomplete_list_bytes, incomplete_list_at,
    idle_at_join, observed_at_join, progress, attempts, next_attempt_at, note, moving_to, missing_files,
    completed_at, imported_at, failure_reason, failure_message
)"""

# The options in the old row become its first grab. The phases from `delivering` on belong to the
# grab, the phases before that to the download.
_COPY_GRABS = f"""
{_INTO_GRABS}
SELECT
    downloads.id, old.category, old.save_path, old.added_at, old.asked_by, '', old.tags, old.comment,
    old.stopped, old.force_start, old.sequential, old.first_last_first, old.priority,
    old.content_layout, old.super_seeding, old.auto_tmm, old.download_limit, old.upload_limit,
    old.ratio_limit, old.seeding_time_limit, old.inactive_seeding_time_limit, old.file_edits,
    CASE WHEN old.phase IN ('delivering', 'delivered', 'finished') THEN old.phase ELSE 'waiting' END,
    old.phase_at, old.delivery_mode, old.content_name,
    CASE WHEN old.phase = 'delivering' THEN old.hash ELSE '' END,
    EXISTS (SELECT 1 FROM old_files WHERE old_files.hash = old.hash AND path LIKE '%/%'),
    CASE WHEN old.phase IN ('ready', 'delivering', 'delivered', 'finished') THEN old.size ELSE 0 END,
    -1, NULL, 0, 0, old.progress,
    CASE WHEN old.phase IN ('accepted', 'submitting', 'queued', 'remote') THEN 0 ELSE old.attempts END,
    CASE WHEN old.phase IN ('accepted', 'submitting', 'queued', 'remote') THEN 0
         ELSE old.next_attempt_at END,
    CASE WHEN old.phase IN ('accepted', 'submitting', 'queued', 'remote', 'failed') THEN ''
         ELSE old.note END,
    old.moving_to, old.missing_files, old.completed_at, old.imported_at, NULL, ''
FROM old_downloads AS old JOIN downloads USING (hash) ORDER BY downloads.id;

INSERT INTO files SELECT
    grabs.id, old_files.file_id, old_files.remote_name, old_files.size, old_files.path,
    old_files.chosen, old_files.done, old_files.priority
FROM old_files JOIN downloads USING (hash) JOIN grabs ON grabs.download_id = downloads.id;

{_INTO_GRABS}
SELECT
    downloads.id, claims.category, claims.save_path, claims.added_at, claims.asked_by, '',
    claims.tags, old.comment, old.stopped, old.force_start, old.sequential, old.first_last_first,
    old.priority, old.content_layout, old.super_seeding, old.auto_tmm, old.download_limit,
    old.upload_limit, claims.ratio_limit, claims.seeding_time_limit,
    claims.inactive_seeding_time_limit, '[]',
    CASE claims.phase WHEN 'accepted' THEN 'waiting' ELSE claims.phase END,
    claims.phase_at, claims.delivery_mode, claims.content_name, '',
    EXISTS (
        SELECT 1 FROM json_each(claims.files) AS file
        WHERE json_extract(file.value, '$.path') LIKE '%/%'
    ),
    claims.size, -1, NULL, 0, 0,
    CASE WHEN claims.phase IN ('delivered', 'finished') THEN 1.0 ELSE 0.0 END,
    0, 0, '', '', 0, claims.completed_at, claims.imported_at,
    claims.failure_reason, claims.failure_message
FROM claims JOIN downloads USING (hash) JOIN old_downloads AS old USING (hash)
ORDER BY claims.hash, claims.number;

INSERT INTO files SELECT
    grabs.id, json_extract(file.value, '$.file_id'), json_extract(file.value, '$.remote_name'),
    json_extract(file.value, '$.size'), json_extract(file.value, '$.path'),
    json_extract(file.value, '$.chosen'), json_extract(file.value, '$.done'),
    json_extract(file.value, '$.priority')
FROM claims
JOIN downloads USING (hash)
JOIN grabs ON grabs.download_id = downloads.id AND grabs.added_at = claims.added_at,
json_each(claims.files) AS file;
"""  # noqa: S608 - our own names

_COPY_JOBS = """
INSERT INTO jobs (kind, subject, payload, created_at, attempts, next_attempt_at, finished_at)
SELECT 'removal', hash, json_object(
        'grab_id', 0,
        'save_path', save_path,
        'content_name', content_name,
        'files', json(files),
        'delivery_mode', delivery_mode,
        'staging_name', CASE WHEN files_only THEN '' ELSE hash END,
        'keeps_remote', json(iif(files_only, 'true', 'false')),
        'delete_remote', json(iif(delete_remote, 'true', 'false')),
        'torrent_id', torrent_id,
        'queued_id', queued_id,
        'unclear', json(iif(unclear, 'true', 'false')),
        'submitted_at', submitted_at,
        'removed_at', created_at
    ), created_at, attempts, next_attempt_at, NULL
FROM removals ORDER BY id;

INSERT INTO jobs (kind, subject, payload, created_at, attempts, next_attempt_at, finished_at)
SELECT 'failover', hash, json_object('category', category, 'sent_at', sent_at, 'looks', looks),
    created_at, attempts, next_attempt_at, ended_at
FROM failovers ORDER BY id;

INSERT INTO jobs (kind, subject, payload, created_at, attempts, next_attempt_at, finished_at)
SELECT 'move', downloads.hash, json_object('grab_id', grabs.id), grabs.added_at, 0, 0, NULL
FROM grabs JOIN downloads ON downloads.id = grabs.download_id WHERE grabs.moving_to <> '';

INSERT INTO jobs (kind, subject, payload, created_at, attempts, next_attempt_at, finished_at)
SELECT 'metadata', hash, '{}', phase_at, 0, 0, NULL
FROM downloads WHERE has_torrent = 0 AND phase IN ('new', 'submitting', 'queued', 'active');

INSERT INTO jobs (kind, subject, payload, created_at, attempts, next_attempt_at, finished_at)
SELECT 'link', '', json_object(
        'url', json_extract(link.value, '$.url'), 'options', json_extract(link.value, '$.options')
    ), 0, 0, 0, NULL
FROM facts, json_each(facts.value) AS link WHERE facts.name = 'pending_links';

INSERT INTO removed_downloads SELECT * FROM traces;
INSERT INTO key_values SELECT * FROM facts WHERE name NOT IN ('pending_links', 'departed');
INSERT INTO key_values
SELECT 'recently_removed_items', value FROM facts WHERE name = 'departed';
ALTER TABLE events ADD COLUMN grab_id INTEGER NOT NULL DEFAULT 0;
"""

_DROP_OLD = """
DROP TABLE old_files;
DROP TABLE old_torrents;
DROP TABLE claims;
DROP TABLE old_downloads;
DROP TABLE removals;
DROP TABLE failovers;
DROP TABLE traces;
DROP TABLE facts;
"""

SPLIT_DOWNLOADS_AND_GRABS = (
    f"{_RENAME_OLD}{CREATE_TABLES}{_COPY_DOWNLOADS}{_COPY_GRABS}{_COPY_JOBS}{_DROP_OLD}"
)
"""The step from schema 2 to 3."""


def copy_of(path: Path, schema: int) -> Path:
    """Return where the copy of the database in an older schema is kept."""
    return path.with_name(f"{path.name}.schema-{schema}")


def keep_copy(path: Path, schema: int) -> Path:
    """Copy the database within its directory before it is migrated; return the copy's path.

    `schema` is the version in the copy's name. The copy appears complete or not at all. Blocks.

    Raises:
        OSError, sqlite3.Error: there is no space, or the directory is not writable.
    """
    target = copy_of(path, schema)
    half = target.with_name(f"{target.name}.part")
    half.unlink(missing_ok=True)
    half.touch(mode=0o600)  # it holds the hashed password, as the database does
    with (
        contextlib.closing(sqlite3.connect(path)) as source,
        contextlib.closing(sqlite3.connect(half)) as copy,
    ):
        source.backup(copy)
    with half.open("rb") as written:
        os.fsync(written.fileno())
    half.replace(target)
    return target
