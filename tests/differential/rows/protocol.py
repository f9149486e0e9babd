"""Allowed differences: what holds for every request, whatever it asks."""

from typing import Final

from tests.differential.allowed import Allowed, Why

PROTOCOL: Final = (
    Allowed(
        why=Why.CHOICE,
        reason="Replies of the API are not cached, because they name what the user downloads.",
        endpoints=("*",),
        fields=("header cache-control",),
        ours="no-store",
        everywhere=True,
    ),
    Allowed(
        why=Why.ODDITY,
        reason="qBittorrent closes such connections with a 400 without text. The bridge answers 405 for the method.",
        endpoints=("app/version", "torrents/info"),
        requests=("PUT *", "DELETE *", "OPTIONS *", "PATCH *"),
        fields=("status",),
        theirs=400,
        ours=405,
    ),
    Allowed(
        why=Why.ODDITY,
        reason="For a body that is not a form, qBittorrent sends 400 without type, text and headers. The bridge sends them.",
        endpoints=("auth/login", "torrents/createCategory"),
        requests=("POST auth/login", "POST torrents/createCategory"),
        fields=("type", "text", "header *"),
    ),
    Allowed(
        why=Why.ODDITY,
        reason="Without a session, qBittorrent answers 404 for a path that the API cannot have, the bridge 403.",
        endpoints=("torrents/info/",),
        requests=("a stranger's slash at the end",),
        fields=("status",),
        theirs=404,
        ours=403,
    ),
    Allowed(
        why=Why.CHOICE,
        reason="Outside the API the bridge serves its page, with another text for 404.",
        endpoints=("/api/v2", "/api/v1/*", "/query/*", "/no*.html", "//api/*"),
        fields=("text",),
        theirs="Not Found",
        ours="404: Not Found",
    ),
    Allowed(
        why=Why.LATER,
        reason="HEAD is answered like GET since 5.x, and clients probe with it.",
        endpoints=("app/version", "torrents/info", "torrents/nothing"),
        requests=("HEAD *",),
        fields=("status",),
        theirs=405,
    ),
    Allowed(
        why=Why.ODDITY,
        reason="A fragment never reaches a server; the bridge drops it.",
        endpoints=("/api/v2/app/version#part",),
        fields=("status",),
        theirs=404,
        ours=200,
    ),
    Allowed(
        why=Why.ODDITY,
        reason="Both refuse dots in a path.",
        endpoints=("/api/v2/app/../app/version",),
        fields=("status",),
        theirs=400,
        ours=404,
    ),
)
