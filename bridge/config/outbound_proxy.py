"""The proxy that calls to TorBox's API and CDN go through.

`torbox.proxy` decides; without it HTTP_PROXY, HTTPS_PROXY and NO_PROXY do, as they do for curl.
Nothing else of the bridge uses a proxy: the *arr, aria2 and the links that clients add are reached
directly, so that no proxy can be made to open an address in the private network.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from typing import Final, TypedDict
from urllib.parse import urlsplit

from bridge.config.secret import Secret

DIRECT: Final = "direct"
"""The value of `torbox.proxy` that ignores the environment."""


class ProxyOptions(TypedDict, total=False):
    """Keyword arguments for a request of aiohttp, which takes the credentials out of the URL."""

    proxy: str


def proxy_url(text: str) -> Secret:
    """Return the URL of an HTTP proxy, which may have a user and password, or `direct`.

    Raises:
        ValueError: it is neither.
    """
    if text.strip().lower() == DIRECT:
        return Secret(DIRECT)
    found = _usable(text)
    if not found:
        raise ValueError("not the URL of an HTTP proxy")
    return Secret(found)


class Proxies:
    """Chooses the proxy for a URL. `repr` shows no credentials."""

    def __init__(
        self, setting: Secret | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        environ = {} if environ is None else environ
        setting_text = setting.reveal() if setting else ""
        if setting_text:
            fixed = "" if setting_text == DIRECT else setting_text
            self._by_scheme = {"http": fixed, "https": fixed}
        else:
            self._by_scheme = {
                scheme: _usable(_variable(environ, f"{scheme}_proxy"))
                for scheme in ("http", "https")
            }
        # A proxy that was set for TorBox alone is meant for all of TorBox.
        self._no_proxy = "" if setting_text else _variable(environ, "no_proxy")

    def __repr__(self) -> str:
        shown = {
            scheme: _without_credentials(url) for scheme, url in self._by_scheme.items() if url
        }
        return f"Proxies({shown})"

    def options(self, url: str) -> ProxyOptions:
        """Return the arguments for a request to `url`: none if it is reached directly."""
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            return {}
        proxy = self._by_scheme.get(parts.scheme.lower(), "")
        return {"proxy": proxy} if proxy and not _listed(host, self._no_proxy) else {}


def from_environment(setting: Secret | None = None) -> Proxies:
    """Return the proxies that the setting and this process's environment ask for."""
    return Proxies(setting, os.environ)


def _variable(environ: Mapping[str, str], name: str) -> str:
    """Read a variable in lower or upper case; lower case wins, as with curl."""
    return (environ.get(name) or environ.get(name.upper()) or "").strip()


def _usable(text: str) -> str:
    """Return the URL of an HTTP proxy; empty for any other kind, such as SOCKS."""
    text = text.strip()
    text = text if "://" in text or not text else f"http://{text}"
    try:
        parts = urlsplit(text)
        usable = parts.scheme.lower() in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return ""
    return text if usable and text.isprintable() and " " not in text else ""


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _listed(host: str, no_proxy: str) -> bool:
    """Return whether NO_PROXY names a host: itself, a domain above it, its network, or `*`."""
    host = host.lower().rstrip(".")
    return any(_covers(entry.strip().lower(), host) for entry in no_proxy.split(","))


def _covers(entry: str, host: str) -> bool:
    if not entry:
        return False
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        domain = entry.removeprefix("*").lstrip(".").partition(":")[0]
        return entry == "*" or host == domain or (bool(domain) and host.endswith(f".{domain}"))
