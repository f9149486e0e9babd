"""Streams: tokens that let somebody play one file and nothing else, and what they open.

A token is what it grants and a signature over it, so that nothing has to be kept for it. It is
good for as long as the item is at TorBox, and dies with the key, too.
"""

import base64
import hmac
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import quote

KEY_BYTES = 32
SIGNATURE_BYTES = 16

_GRANT = struct.Struct(">20sQQQ")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token lets play."""

    hash: str
    torrent_id: int
    """Of the remote item when the token was made."""
    file_id: int
    size: int
    """Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The file can be played from this link."""

    link: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoStream:
    """The token is not ours, or TorBox does not have the item any more."""


@dataclass(frozen=True, slots=True)
class StreamLater:
    """TorBox could not be asked just now."""


Opened: TypeAlias = Stream | NoStream | StreamLater


def stream_url(base: str, token: str, name: str) -> str:
    """Make the URL that plays a file: `<base>/strm/<token>/<name>`.

    The name makes no difference to the bridge; a player reads the kind of file from it.
    """
    return f"{base}/strm/{token}/{quote(name, safe='', errors='replace')}"


def sign(grant: Grant, key: bytes) -> str:
    """Make the token, of letters, digits, `-` and `_`."""
    packed = _GRANT.pack(bytes.fromhex(grant.hash), grant.torrent_id, grant.file_id, grant.size)
    return base64.urlsafe_b64encode(packed + _signature(packed, key)).decode().rstrip("=")


def granted(token: str, key: bytes) -> Grant | None:
    """Read a token; None if it was not made with this key."""
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    packed, signature = data[: _GRANT.size], data[_GRANT.size :]
    if not hmac.compare_digest(signature, _signature(packed, key)):
        return None
    info_hash, torrent_id, file_id, size = _GRANT.unpack(packed)
    return Grant(info_hash.hex(), torrent_id, file_id, size)


def _signature(packed: bytes, key: bytes) -> bytes:
    return hmac.digest(key, packed, sha256)[:SIGNATURE_BYTES]
