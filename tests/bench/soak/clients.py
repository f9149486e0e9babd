"""The soak's *arr: what each is, into which category it grabs, and by which rules."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

CACHED_ONLY = "cached-only"
IMPATIENT = "impatient"
ADOPTING = "adopting"
STREAMING = "streaming"
TV = "tv-sonarr"
TV_4K = "tv-4k"
FILMS = "radarr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An *arr with the bridge as its download client."""

    category: str
    app: str
    directory: str = ""
    """Below the downloads; empty: the name of the category."""
    policy: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    told: bool = False
    """It has an API, by which the bridge tells it of failures."""

    @property
    def streams(self) -> bool:
        """Its library holds `.strm` files, which play what is at TorBox."""
        return self.policy.get("delivery") == "strm"

    def path(self, downloads: Path) -> Path:
        """Return where its downloads appear."""
        return downloads / (self.directory or self.category)


CLIENTS = (
    Client(category=TV, app="sonarr", directory="tv"),
    Client(category=TV_4K, app="sonarr", directory="tv"),
    Client(category=FILMS, app="radarr"),
    Client(category=CACHED_ONLY, app="radarr", policy={"cached": "only"}),
    Client(
        category=IMPATIENT,
        app="sonarr",
        policy={"stalled_after": "10s", "metadata_after": "10s"},
        told=True,
    ),
    Client(category=ADOPTING, app="lidarr", policy={"adopt": True}),
    Client(category=STREAMING, app="radarr", policy={"delivery": "strm"}),
)
"""Three of one program, two of them with one directory, and four with rules of their own."""

BY_CATEGORY = {client.category: client for client in CLIENTS}

FAILOVERS_PER_HOUR = 1000


def config(downloads: Path, apis: Sequence[Mapping[str, Any]]) -> str:
    """Write the settings of the bridge; JSON is YAML, too."""
    categories = {
        client.category: {
            "save_path": str(client.path(downloads)),
            "policy": dict(client.policy),
        }
        for client in CLIENTS
    }
    failover = {"per_hour": FAILOVERS_PER_HOUR}
    delivery = {"verify": "pieces", "public_url": "http://bridge.invalid"}
    return json.dumps(
        {"categories": categories, "arr": list(apis), "failover": failover, "delivery": delivery}
    )
