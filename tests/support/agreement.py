"""Compares what the endpoints say of the same downloads at nearly the same moment.

A busy bridge changes between two requests. So the complete list is read before and after the
others. What is the same in both readings has to be the same everywhere in between; of a number
that has changed, the values in between are accepted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.support.http import Client

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Mapping[str, Row]

NUMBER_SLACK = 2.0
"""A sum of rounded numbers may be off by so much."""
CLOCK_SLACK = 61.0
"""Seconds by which times that pass may differ: lists renew those of what is complete now and then."""
PASSING = frozenset({"seeding_time", "time_active", "last_activity"})
"""Fields that follow the clock."""
LIVELY = frozenset({"dlspeed", "eta", "popularity"})
"""A speed rises and falls between two readings: all that is asked is that it is none or some."""
SOME = 8.0
"""The factor by which such a number may differ."""
PROPERTIES = {
    "addition_date": "added_on",
    "dl_speed": "dlspeed",
    "download_path": "download_path",
    "eta": "eta",
    "hash": "hash",
    "infohash_v1": "infohash_v1",
    "name": "name",
    "peers": "num_leechs",
    "progress": "progress",
    "private": "private",
    "has_metadata": "has_metadata",
    "save_path": "save_path",
    "seeding_time": "seeding_time",
    "seeds": "num_seeds",
    "seeds_total": "num_complete",
    "share_ratio": "ratio",
    "time_elapsed": "time_active",
    "total_downloaded": "downloaded",
    "total_size": "total_size",
    "total_uploaded": "uploaded",
    "up_speed": "upspeed",
}
"""Of `torrents/properties`, and the same in `torrents/info`."""
DOWNLOADING = {"downloading", "metaDL", "stalledDL", "checkingDL", "queuedDL", "forcedDL"}
DOWNLOADING |= {"forcedMetaDL", "pausedDL", "stoppedDL"}
COMPLETE = {"uploading", "stalledUP", "pausedUP", "stoppedUP", "missingFiles", "moving"}
STATES = {
    "downloading": DOWNLOADING,
    "completed": COMPLETE,
    "seeding": {"uploading", "stalledUP"},
    "stalled": {"stalledUP", "stalledDL"},
    "stalled_downloading": {"stalledDL"},
    "errored": {"error", "missingFiles"},
    "checking": {"checkingDL", "checkingUP", "checkingResumeData"},
}
"""By filter, the states that it lists."""


@dataclass(slots=True)
class Session:
    """A client of `sync/maindata` that merges the differences that it is sent."""

    client: Client
    rid: int = 0
    torrents: dict[str, dict[str, Any]] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)

    async def sync(self) -> None:
        """Take over what is new."""
        news = (await self.client.get(f"sync/maindata?rid={self.rid}")).json()
        self.rid = news["rid"]
        if news.get("full_update"):
            self.torrents = {}
            self.rest = {"categories": {}, "tags": [], "trackers": {}, "server_state": {}}
        for info_hash, fields in news.get("torrents", {}).items():
            self.torrents.setdefault(info_hash, {}).update(fields)
        for info_hash in news.get("torrents_removed", ()):
            del self.torrents[info_hash]
        for name, fields in news.get("categories", {}).items():
            self.rest["categories"].setdefault(name, {}).update(fields)
        for name in news.get("categories_removed", ()):
            del self.rest["categories"][name]
        for url in news.get("trackers_removed", ()):
            del self.rest["trackers"][url]
        self.rest["trackers"].update(news.get("trackers", {}))
        removed = news.get("tags_removed", ())
        kept = [tag for tag in self.rest["tags"] if tag not in removed]
        self.rest["tags"] = kept + list(news.get("tags", ()))
        self.rest["server_state"].update(news.get("server_state", {}))

    @property
    def rows(self) -> Rows:
        """What it shows now."""
        return {key: fields | {"hash": key} for key, fields in self.torrents.items()}


class Disagreement(AssertionError):
    """Two endpoints say different things."""


def agree(
    what: str, seen: object, before: object, after: object, slack: float = 0.0, factor: float = 1.0
) -> None:
    """Check a value against what the complete list said before and after.

    Raises:
        Disagreement: it is neither of them, nor between them.
    """
    if seen in (before, after):
        return
    numbers = (seen, before, after)
    if before != after and isinstance(before, str):
        # A state may have come and gone in between.
        return
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers):
        value, *ends = (float(str(one)) for one in numbers)
        if min(ends) / factor - slack <= value <= max(ends) * factor + slack:
            return
    raise Disagreement(f"{what}: {seen!r} is not between {before!r} and {after!r}")


def _agree_on(name: str, what: str, seen: object, before: Row, after: Row) -> None:
    slack = CLOCK_SLACK if name in PASSING else 0.0
    factor = SOME if name in LIVELY else 1.0
    agree(what, seen, before[name], after[name], slack, factor)


def same_rows(what: str, seen: Rows, before: Rows, after: Rows) -> None:
    """Check rows, which have to be those of the complete list, field by field."""
    same_names(what, seen, before, after)
    for key in seen.keys() & before.keys() & after.keys():
        row = seen[key]
        if row.keys() != before[key].keys():
            raise Disagreement(f"{what} {key}: fields {row.keys() ^ before[key].keys()}")
        for name, value in row.items():
            _agree_on(name, f"{what} {key} {name}", value, before[key], after[key])


def same_names(what: str, seen: Iterable[str], before: Iterable[str], after: Iterable[str]) -> None:
    """Check that all are listed that were there all the time, and no others."""
    listed, first, last = set(seen), set(before), set(after)
    if missing := (first & last) - listed:
        raise Disagreement(f"{what}: {missing} are not listed")
    if extra := listed - (first | last):
        raise Disagreement(f"{what}: {extra} are not in the complete list")


@dataclass(frozen=True, slots=True)
class Look:
    """The complete list before and after other requests."""

    before: Rows
    after: Rows

    def chosen(self, wanted: Any) -> tuple[set[str], set[str]]:
        """Return the hashes of which a condition holds: before, and after."""
        return (
            {key for key, row in self.before.items() if wanted(row)},
            {key for key, row in self.after.items() if wanted(row)},
        )

    @property
    def steady(self) -> bool:
        """Whether no state has changed: else a sum may have been anything in between."""
        states = [
            {key: row["state"] for key, row in rows.items()} for rows in (self.before, self.after)
        ]
        return states[0] == states[1]

    def total(self, name: str) -> tuple[int, int]:
        """Return the sum of a field: before, and after."""
        return (
            sum(row[name] for row in self.before.values()),
            sum(row[name] for row in self.after.values()),
        )


async def listed(client: Client, query: str = "") -> dict[str, dict[str, Any]]:
    """Read a list, by hash."""
    rows: Sequence[dict[str, Any]] = (await client.get(f"torrents/info?{query}")).json()
    if len({row["hash"] for row in rows}) != len(rows):
        raise Disagreement(f"{query}: a hash is listed twice")
    return {row["hash"]: row for row in rows}


async def lists_agree(client: Client) -> None:
    """Compare the lists with a filter, a category, a tag or hashes with the complete list."""
    known = await listed(client)
    categories = {row["category"] for row in known.values()}
    tags = {tag for row in known.values() for tag in row["tags"].split(", ")}
    queries: dict[str, Any] = {
        f"filter={name}": lambda row, states=states: row["state"] in states
        for name, states in STATES.items()
    }
    queries["filter=active"] = lambda row: row["dlspeed"] > 0 or row["upspeed"] > 0
    queries["filter=inactive"] = lambda row: not (row["dlspeed"] > 0 or row["upspeed"] > 0)
    for name in tags:
        queries[f"tag={name}"] = lambda row, tag=name: tag in row["tags"].split(", ")
    for key in known:
        queries[f"hashes={key}"] = lambda row, key=key: row["hash"] == key
    queries[f"hashes={'|'.join(known)}"] = lambda row: row["hash"] in known
    queries["sort=progress&reverse=true"] = lambda _row: True
    for query, wanted in queries.items():
        before = await listed(client)
        seen = await listed(client, query)
        look = Look(before, await listed(client))
        first, last = look.chosen(wanted)
        same_names(query, seen, first, last)
        both = seen.keys() & look.before.keys() & look.after.keys()
        same_rows(
            query,
            {key: seen[key] for key in both},
            {key: look.before[key] for key in both},
            {key: look.after[key] for key in both},
        )
    await _categories_agree(client, categories)


async def _categories_agree(client: Client, categories: Iterable[str]) -> None:
    for category in categories:
        before = await listed(client)
        seen = await listed(client, f"category={category}")
        after = await listed(client)
        first, last = Look(before, after).chosen(
            lambda row, category=category: row["category"] == category
        )
        # Another client's grab of a hash has another category in the complete list.
        others = {key for key in seen if key in before and before[key]["category"] != category}
        same_names(category, seen.keys() - others, first, last)
        own = {key: row for key, row in seen.items() if key not in others}
        same_rows(
            category, own, {k: before[k] for k in own if k in before},
            {k: after[k] for k in own if k in after},
        )  # fmt: skip


async def details_agree(client: Client) -> None:
    """Compare the properties and files of each download with its row."""
    for key in await listed(client):
        before = (await listed(client)).get(key)
        shown = await client.get(f"torrents/properties?hash={key}")
        files = await client.get(f"torrents/files?hash={key}")
        after = (await listed(client)).get(key)
        if before is None or after is None:
            continue
        properties = shown.json()
        for name, same in PROPERTIES.items():
            if name in properties and same in before:
                _agree_on(same, f"properties {key} {name}", properties[name], before, after)
        _files_agree(key, files.json(), before, after)


def _files_agree(key: str, files: Sequence[Row], before: Row, after: Row) -> None:
    wanted = [file for file in files if file["priority"]]
    if not wanted:
        return
    size = sum(file["size"] for file in wanted)
    agree(f"files {key} size", size, before["size"], after["size"])
    done = sum(file["size"] * file["progress"] for file in wanted)
    slack = NUMBER_SLACK * len(wanted)
    agree(f"files {key} done", done, before["completed"], after["completed"], slack)
    for file in wanted:
        copies = file["availability"]
        agree(f"files {key} availability", copies, before["availability"], after["availability"])
        if file["progress"] == 1 and before["progress"] < 1 and len(wanted) == 1:
            raise Disagreement(f"files {key}: a file is complete, its download is not")


async def sync_agrees(client: Client, sessions: Sequence[Session], fresh: Session) -> None:
    """Compare what several clients of `sync/maindata` show with the complete list."""
    for session in (*sessions, fresh):
        before = await listed(client)
        rest_before = await _rest(client)
        await session.sync()
        rest = await _rest(client)
        look = Look(before, await listed(client))
        same_rows("sync", session.rows, look.before, look.after)
        state = session.rest["server_state"]
        speeds = {"dl_info_speed": "dlspeed", "up_info_speed": "upspeed"} if look.steady else {}
        for name, same in speeds.items():
            agree(f"sync {name}", state[name], *look.total(same), factor=SOME)
            agree(f"transfer {name}", rest[name], *look.total(same), factor=SOME)
        agree("count", rest["count"], len(look.before), len(look.after))
        for name in ("connection_status", "dl_rate_limit", "up_rate_limit", "dl_info_data"):
            agree(name, state[name], rest_before[name], rest[name])
        for name in ("categories", "tags"):
            agree(name, _sorted(session.rest[name]), rest_before[name], rest[name])
        tracked = {key for keys in session.rest["trackers"].values() for key in keys}
        first, last = look.chosen(lambda row: row["trackers_count"] > 0)
        same_names("trackers", tracked, first, last)


async def _rest(client: Client) -> dict[str, Any]:
    """Read what `sync/maindata` tells besides the downloads."""
    found: dict[str, Any] = (await client.get("transfer/info")).json()
    found["categories"] = (await client.get("torrents/categories")).json()
    found["tags"] = _sorted((await client.get("torrents/tags")).json())
    found["count"] = int((await client.get("torrents/count")).text)
    return found


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


async def rows_are_sound(client: Client) -> None:
    """Check each row by itself: what a cleaner would remove is not shown of anything healthy."""
    for key, row in (await listed(client)).items():
        moving = row["state"] in {"downloading", "forcedDL"}
        if moving and not row["dlspeed"]:
            raise Disagreement(f"{key}: downloading at 0 B/s: {row}")
        if row["dlspeed"] and row["eta"] >= 8_640_000 and row["state"] not in COMPLETE:
            raise Disagreement(f"{key}: no eta beside a speed: {row}")
        if row["completed"] + row["amount_left"] != row["size"]:
            raise Disagreement(f"{key}: completed and left are not the size: {row}")
        if (row["progress"] == 1) is not (row["state"] in COMPLETE):
            raise Disagreement(f"{key}: progress and state: {row}")
        if row["state"] not in {"error", "stalledDL", "pausedDL", "stoppedDL"} | COMPLETE and (
            row["availability"] < 1 or row["num_complete"] < 1
        ):
            raise Disagreement(f"{key}: looks dead: {row}")


async def all_agree(client: Client, sessions: Sequence[Session], fresh: Session) -> None:
    """Compare every endpoint with the others.

    Raises:
        Disagreement: two say different things.
    """
    await rows_are_sound(client)
    await lists_agree(client)
    await details_agree(client)
    fresh.rid = 0
    await sync_agrees(client, sessions, fresh)
