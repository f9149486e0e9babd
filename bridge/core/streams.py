"""Streams: tokens that allow playing one file and nothing else.

A token is its grant and a signature, so nothing has to be stored. It is valid while the item is at
TorBox and the signing key is unchanged.
"""

import base64
import hmac
import struct
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import quote

import msgspec

KEY_BYTES = 32
SIGNATURE_BYTES = 16

_GRANT = struct.Struct(">20sQQQ")


class Grant(msgspec.Struct, frozen=True):
    """The file that a token allows to play."""

    hash: str
    torrent_id: int
    """The id of the remote item when the token was made."""
    file_id: int
    size: int
    """Size of the file in bytes."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The file can be played from this link."""

    link: str = field(repr=False)


class NoStream(msgspec.Struct, frozen=True):
    """The token is not ours, or TorBox no longer has the item."""


class StreamLater(msgspec.Struct, frozen=True):
    """TorBox cannot be asked at the moment."""


Opened: TypeAlias = Stream | NoStream | StreamLater


def stream_url(base: str, token: str, name: str) -> str:
    """Return the URL that plays a file: `<base>/strm/<token>/<name>`.

    The bridge ignores the name; a player reads the file type from it.
    """
    return f"{base}/strm/{token}/{quote(name, safe='', errors='replace')}"


def sign(grant: Grant, key: bytes) -> str:
    """Return a token of letters, digits, `-` and `_`."""
    packed = _GRANT.pack(bytes.fromhex(grant.hash), grant.torrent_id, grant.file_id, grant.size)
    return base64.urlsafe_b64encode(packed + _signature(packed, key)).decode().rstrip("=")


def granted(token: str, key: bytes) -> Grant | None:
    """Return the grant in a token, or None if the token was not signed with this key."""
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
