"""Items as TorBox writes them: with exactly its fields, and whole floats as integers."""

from typing import Any

from bridge.simulator.content import Content, ContentFile
from bridge.simulator.lifecycle import SEED_NEVER, Queued, Stage, Torrent, timestamp
from bridge.simulator.releases import magnet_of
from bridge.simulator.remote_account import World

Json = dict[str, Any]

SERVER = 3
EMAIL = "user@simulator.invalid"


def torrent_json(world: World, item: Torrent, now: float) -> Json:
    """Return one item of mylist."""
    known = item.stage is not Stage.METADATA
    shown_hash = item.hash.upper() if item.tricks.upper_hash else item.hash
    size = item.content.size if known else 0
    progress = item.progress(now)
    uploaded = item.total_uploaded(now)
    return {
        "id": item.id,
        "auth_id": world.auth_id,
        "server": SERVER,
        "hash": shown_hash,
        "name": item.tricks.name or (item.content.name if known else item.hash),
        "magnet": item.magnet,
        "size": size,
        "active": item.active,
        "created_at": timestamp(item.created_at),
        "updated_at": timestamp(now if item.active else item.since),
        "download_state": item.state(now),
        "seeds": 12 if item.speed(now) else 0,
        "peers": 34 if item.speed(now) else 0,
        "ratio": number(uploaded / size if size else 0),
        "progress": number(progress),
        "download_speed": int(item.speed(now)),
        "upload_speed": int(item.upload_speed),
        "eta": item.eta(now),
        "torrent_file": known,
        "expires_at": _expiry(item),
        "download_present": item.present,
        "files": [_file(world, item, *file) for file in enumerate(item.content.files)]
        if known and not item.tricks.no_files
        else None,
        "download_path": item.hash,
        "availability": number(1.0 if item.finished else progress),
        "download_finished": item.finished,
        "tracker": item.content.trackers[0] if item.active and item.content.trackers else None,
        "total_uploaded": int(uploaded),
        "total_downloaded": int(size * progress),
        "cached": item.stage is Stage.READY,
        "owner": world.auth_id,
        "seed_torrent": item.seed != SEED_NEVER,
        "allow_zipped": item.allow_zip,
        "long_term_seeding": False,
        "tracker_message": None,
        "cached_at": timestamp(item.cached_at) if item.cached_at is not None else None,
        "private": item.content.private,
        "alternative_hashes": [],
        "tags": [],
        "airlocked": False,
    }


def queued_json(world: World, entry: Queued) -> Json:
    """Return one item of getqueued."""
    return {
        "id": entry.id,
        "auth_id": world.auth_id,
        "created_at": timestamp(entry.created_at),
        "magnet": entry.order.magnet,
        "torrent_file": None if entry.order.magnet else f"{entry.content.hash}.torrent",
        "hash": entry.content.hash,
        "name": entry.content.name,
        "type": "torrent",
        "name_override": None,
        "seed_torrent_override": world.account.seed_of(entry.order.seed),
    }


def cached_json(world: World, content: Content, *, with_files: bool) -> Json:
    """Return one value of checkcached."""
    told: Json = {"name": content.name, "size": content.size, "hash": content.hash}
    if with_files:
        told["files"] = [
            {
                "id": number_,
                "name": content.file_name(file, world.behaviour.single_file),
                "size": file.size,
                "opensubtitles_hash": None,
                "short_name": file.short_name,
                "mimetype": file.mimetype,
            }
            for number_, file in enumerate(content.files)
        ]
    return told


def search_json(world: World, content: Content) -> Json:
    """Return one hit of a search."""
    return {
        "hash": content.hash,
        "raw_title": content.name,
        "title": content.name,
        "magnet": magnet_of(content),
        "torrent": None,
        "last_known_seeders": 12,
        "last_known_peers": 34,
        "size": content.size,
        "tracker": "Simulator",
        "categories": [],
        "files": len(content.files),
        "type": "torrent",
        "nzb": None,
        "age": "1d",
        "user_search": False,
        "cached": world.catalogue.is_cached(content.hash),
        "owned": world.find(content.hash) is not None,
    }


def info_json(content: Content, *, seeds: int, peers: int) -> Json:
    """Return the data of torrentinfo."""
    return {
        "name": content.name,
        "hash": content.hash,
        "size": content.size,
        "trackers": list(content.trackers),
        "seeds": seeds,
        "peers": peers,
        "files": [
            {"name": content.file_name(file, "folder"), "size": file.size} for file in content.files
        ],
    }


def user_json(world: World) -> Json:
    """Return the data of user/me."""
    account = world.account
    return {
        "id": 1234,
        "auth_id": world.auth_id,
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": timestamp(world.clock()),
        "plan": account.plan,
        "total_downloaded": 0,
        "customer": "cus_1234",
        "is_subscribed": account.plan > 0,
        "premium_expires_at": timestamp(account.expires_at) if account.plan > 0 else None,
        "cooldown_until": timestamp(account.cooldown_until or 0),
        "email": EMAIL,
        "base_email": EMAIL,
        "user_referral": world.auth_id,
        "total_bytes_downloaded": 0,
        "total_bytes_uploaded": 0,
        "torrents_downloaded": account.monthly_used,
        "web_downloads_downloaded": 0,
        "usenet_downloads_downloaded": 0,
        "additional_concurrent_slots": account.additional_slots,
        "long_term_seeding": False,
        "long_term_storage": False,
        "is_vendor": False,
        "vendor_id": None,
        "purchases_referred": 0,
    }


def number(value: float) -> float:
    """Return 0 and 1 instead of 0.0 and 1.0, as TorBox does."""
    return int(value) if value == int(value) else round(value, 6)


def _expiry(item: Torrent) -> str | None:
    if item.stage is Stage.READY:
        return timestamp(item.due)
    return timestamp(item.since) if item.stage is Stage.EXPIRED else None


def _file(world: World, item: Torrent, file_id: int, file: ContentFile) -> Json:
    name = item.content.file_name(file, world.behaviour.single_file)
    return {
        "id": file_id,
        "md5": None,
        "hash": item.hash,
        "name": name,
        "size": file.size,
        "zipped": file.zipped,
        "s3_path": f"{item.hash}/{name}",
        "infected": file.infected or item.tricks.infected,
        "mimetype": file.mimetype,
        "short_name": file.short_name,
        "absolute_path": f"/data/{item.hash}/{name}",
        "opensubtitles_hash": None,
    }
