"""The download client that an *arr has for this bridge: is it right, and does it reach us?"""

from collections.abc import Iterator, Sequence

from bridge.arr import QBITTORRENT, Arr, ArrError, ClientTestFailure, DownloadClient
from bridge.config import Settings
from bridge.doctor.findings import Finding, ok, problem, warning

LOGIN_FIELDS = frozenset({"username", "password"})
NOT_TRIED = "it was not asked to reach the bridge"


def client_of(
    settings: Settings, category: str, clients: Sequence[DownloadClient]
) -> DownloadClient | None:
    """Return the client of a category; of several, the best match for this bridge."""

    def likeness(client: DownloadClient) -> tuple[bool, bool, bool]:
        base = client.text("urlBase").strip("/") == settings.server.url_base.strip("/")
        return client.enable, client.text("port") == str(settings.server.port), base

    fitting = (
        client
        for client in clients
        if client.implementation == QBITTORRENT and category in client.categories
    )
    return max(fitting, key=likeness, default=None)


def no_client(settings: Settings, arr: Arr, category: str) -> Finding:
    """Report that there is none, with what to enter."""
    server = settings.server
    base = f", URL Base {server.url_base}" if server.url_base else ""
    fix = (
        "In its Settings > Download Clients add qBittorrent: Host as it reaches this machine,"
        f" Port {server.port}{base}, Username {server.username}, Category {category}"
    )
    return problem(arr.name, f"it has no qBittorrent client with the category {category}", fix)


def check_client(
    settings: Settings, arr: Arr, category: str, client: DownloadClient
) -> Iterator[Finding]:
    """Compare the client's fields with the settings."""
    yield _address(settings, arr, category, client)
    name = client.name
    if not client.remove_completed_downloads:
        fix = f"Turn on Remove Completed in its download client {name}"
        yield warning(arr.name, "imported downloads stay here and on TorBox", fix)
    if not client.remove_failed_downloads:
        fix = f"Turn on Remove Failed in its download client {name}"
        yield warning(arr.name, "downloads that you mark as failed stay here and on TorBox", fix)
    moved = client.imported_category
    if moved and moved != category:
        text = (
            f"after the import it moves downloads to the category {moved} and no longer sees them:"
            " it never removes those that still seed then"
        )
        fix = f"Clear Post-Import Category in its download client {name} (an advanced setting)"
        yield warning(arr.name, text, fix)


def _address(settings: Settings, arr: Arr, category: str, client: DownloadClient) -> Finding:
    server, base = settings.server, client.text("urlBase").strip("/")
    where = f"its download client {client.name}"
    port = client.text("port")
    if not client.enable:
        return problem(arr.name, f"{where} is turned off", "Turn on Enable there")
    if base != server.url_base.strip("/"):
        fix = f"Set its URL Base to {server.url_base or 'nothing'}, or server.url_base to /{base}"
        return problem(arr.name, f"{where} has the URL base {base or 'none'!r}", fix)
    # Only a warning: a container may map the port.
    if port != str(server.port):
        fix = f"Is that port mapped to this bridge's? If not, set it to {server.port}"
        text = f"{where} calls port {port}, but server.port is {server.port}"
        return warning(arr.name, text, fix)
    if client.flag("useSsl"):
        fix = "Turn off Use SSL there, or enter the address of an https proxy"
        return problem(arr.name, f"{where} uses SSL at port {port}; the bridge does not", fix)
    return ok(arr.name, f"{where} has the category {category} at {client.text('host')}")


async def press_test(
    settings: Settings, arr: Arr, category: str, client: DownloadClient, *, runs: bool
) -> list[Finding]:
    """Have the *arr run its own Test of the bridge.

    Its Test creates categories that the bridge does not have, so it is skipped when one is missing.
    """
    if not client.enable:
        return []
    if not runs:
        return [ok(arr.name, f"{NOT_TRIED}: the bridge is not running")]
    for name in (category, client.imported_category):
        if name and not (name in settings.categories or settings.category_directory(name).is_dir()):
            text = f"{NOT_TRIED}: its Test would create the category {name} here"
            return [ok(arr.name, text)]
    try:
        complaints = await arr.test_client(client.id)
    except ArrError as error:
        text = f"its Test of the download client {client.name} failed: {error.detail}"
        return [problem(arr.name, text, _reach(settings, client))]
    if complaints:
        return [_complained(settings, arr, client, complaints)]
    return [ok(arr.name, f"it reaches the bridge: its Test of {client.name} passes")]


def _complained(
    settings: Settings, arr: Arr, client: DownloadClient, complaints: Sequence[ClientTestFailure]
) -> Finding:
    told = "; ".join(filter(None, map(str, complaints))) or "no reason given"
    about = {(complaint.property_name or "").lower() for complaint in complaints}
    # The *arr saves a client despite warnings, but not despite errors.
    level = warning if all(complaint.is_warning for complaint in complaints) else problem
    if about & LOGIN_FIELDS:
        fix = (
            f"Enter Username {settings.server.username} there, and the password: server.password,"
            " or the one printed at the first start"
        )
    else:
        fix = _reach(settings, client)
    return level(arr.name, f"its Test of the download client {client.name} says: {told}", fix)


def _reach(settings: Settings, client: DownloadClient) -> str:
    scheme = "https" if client.flag("useSsl") else "http"
    url = f"{scheme}://{client.text('host')}:{client.text('port')}{settings.server.url_base}"
    return (
        f"Can it reach {url}? Between containers, Host is the bridge's service name, in one network"
    )
