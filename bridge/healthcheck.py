"""`torbox-bridge health`: ask a running bridge whether it is healthy.

Containers run this every few seconds for ever, so it costs little more than Python itself: one
socket, and from the settings only the three keys that make the address. If a quick look at the
settings file cannot read these for certain, the full loader does.
"""

import os
import re
import socket
import sys
from collections.abc import Mapping

TIMEOUT = 8.0
FAILED = 1
BAD_SETTINGS = 2
MAX_ANSWER = 4096
MAX_FILE = 1_000_000
MAX_PORT = 65535
DEFAULT_CONFIG = "/config/bridge.yaml"

Address = tuple[str, int, str]
"""Host, port and URL base."""

_VARIABLES = {
    "host": "BRIDGE_SERVER__HOST",
    "port": "BRIDGE_SERVER__PORT",
    "url_base": "BRIDGE_SERVER__URL_BASE",
}
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_BASE = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_~-]*|")

_COMMENT = re.compile(r"\s*#")
_TOP = re.compile(r"[a-z]+:(\s.*)?")
_SERVER = re.compile(r"server: *(#.*)?")
_KEY = re.compile(
    r"""\ \ ([a-z_]+):(?:\ +(?:
        ([A-Za-z0-9./_-]+) | "([A-Za-z0-9./:_-]*)"
        | \[[^#]*\] | '[^']*' | "[^"\\]*" | [A-Za-z0-9/$][^#:]*
    ))?(?:\ +\#.*)?\ *""",
    re.VERBOSE,
)
"""`  port: 8080`, `  url_base: ""  # a comment`: a key at the first level, its value in one line."""


def health(config: str | None) -> int:
    """Print what /healthz answers. Return 0 if it is healthy, else 1; 2 for bad settings."""
    address = quick_address(config, os.environ) or _full_address(config)
    if address is None:
        return BAD_SETTINGS
    host, port, base = address
    shown = f"http://{f'[{host}]' if ':' in host else host}:{port}{base}/healthz"
    try:
        status, body = _get(host, port, f"{base}/healthz")
    except (OSError, ValueError, IndexError) as error:
        print(f"no answer from {shown}: {error}")
        return FAILED
    print(body)
    return 0 if 200 <= status < 300 else FAILED  # noqa: PLR2004 - every 2xx is a success


def _get(host: str, port: int, path: str) -> tuple[int, str]:
    """Return status and body. HTTP/1.0: the answer ends with the connection and is not chunked."""
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.settimeout(TIMEOUT)
        named = f"[{host}]" if ":" in host else host
        request = (
            f"GET {path} HTTP/1.0\r\nHost: {named}:{port}\r\nUser-Agent: torbox-bridge\r\n\r\n"
        )
        connection.sendall(request.encode("ascii"))
        answer = b""
        while len(answer) < MAX_ANSWER and (part := connection.recv(MAX_ANSWER)):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(None, 2)[1]), body.decode("utf-8", "replace").strip()


def quick_address(
    config: str | None, environ: Mapping[str, str], *, default: str = DEFAULT_CONFIG
) -> Address | None:
    """Return host, port and URL base; None if only the full loader can tell.

    It understands plain files only, because the two must never disagree.
    """
    named = config or environ.get("BRIDGE_CONFIG")
    try:
        with open(named or default, encoding="utf-8") as file:  # noqa: PTH123 - pathlib costs more
            given = _server_section(file.read(MAX_FILE))
    except FileNotFoundError:
        given = None if named else {}
    except (OSError, ValueError):
        given = None
    if given is None:
        return None
    known = {"host": "0.0.0.0", "port": "8080", "url_base": "", **given}
    known |= {key: environ[name] for key, name in _VARIABLES.items() if environ.get(name)}
    host, port, base = known["host"], known["port"], known["url_base"].strip("/")
    plain = _HOST.fullmatch(host) and _PORT.fullmatch(port) and _BASE.fullmatch(base)
    if not plain or not 0 < int(port) <= MAX_PORT:
        return None
    return _LOOPBACK.get(host, host), int(port), f"/{base}" if base else ""


def _server_section(text: str) -> dict[str, str] | None:
    """Return the three keys of the section `server`; None if that takes a YAML parser."""
    lines = [line for line in text.splitlines() if line.strip() and not _COMMENT.match(line)]
    if not any("server" in line for line in lines) and "\\" not in text:
        return {}
    starts = [number for number, line in enumerate(lines) if _SERVER.fullmatch(line)]
    odd = any(not line[0].isspace() and not _TOP.fullmatch(line) for line in lines)
    if len(starts) != 1 or odd or "\t" in text:
        return None
    found: dict[str, str] = {}
    for line in lines[starts[0] + 1 :]:
        if not line[0].isspace():
            break
        key = _KEY.fullmatch(line)
        if key is None or key[1] in found:
            return None
        found[key[1]] = key[2] or key[3] or ""
        if key[1] in _VARIABLES and not (key[2] or key[3] is not None):
            return None
    return {key: value for key, value in found.items() if key in _VARIABLES}


def _full_address(config: str | None) -> Address | None:
    from pathlib import Path  # noqa: PLC0415 - only when the quick look was not enough

    from bridge.config import ConfigError, find_config, load  # noqa: PLC0415

    try:
        server = load(find_config(Path(config) if config else None, os.environ), os.environ).server
    except ConfigError as error:
        for problem in error.problems:
            print(f"torbox-bridge: {problem}", file=sys.stderr)
        return None
    return server.local_host, server.port, server.url_base
