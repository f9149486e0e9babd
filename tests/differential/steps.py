"""One request of the scenario, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

NOBODY: Final = ""
"""The session of a request that brings no cookie."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a multipart body."""

    filename: str
    data: bytes
    part: str = "torrents"


@dataclass(frozen=True, slots=True)
class Step:
    """A request. `{downloads}` in a value becomes the server's own directory of downloads."""

    method: str
    endpoint: str
    """`scope/action`; or a path from the root, with a slash in front."""
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    """Sent urlencoded; as multipart, when there are files."""
    files: tuple[File, ...] = ()
    body: bytes | None = None
    """Sent as it is, instead of a form."""
    headers: Mapping[str, str] = field(default_factory=dict)
    session: str = "first"
    """Whose cookie goes along; a login sets it."""
    ordered: bool = False
    """The order of what is listed has to agree as well."""
    name: str = ""
    state: str = ""
    """How the state of all torrents has to end before the next request."""
    wait: float = 0
    """Seconds until what it asks for is done, which is after the answer."""
    priority: tuple[str, int] | None = None
    """A hash, and its place in the queue once that is done."""

    def __str__(self) -> str:
        """Describe it in a line."""
        if self.name:
            return self.name
        values = "&".join(f"{key}={value}" for key, value in (self.form or self.query).items())
        return f"{self.method} {self.endpoint} {values}"[:120].strip()

    def called(self, name: str) -> "Step":
        """Give it a name, so that the table can speak of it alone."""
        return replace(self, name=name)

    def by(self, session: str) -> "Step":
        """Let another session send it."""
        return replace(self, session=session)

    def stranger(self) -> "Step":
        """Send it without a session."""
        return replace(self, session=NOBODY)

    def sorted(self) -> "Step":
        """Let the order count."""
        return replace(self, ordered=True)

    def sending(self, headers: Mapping[str, str]) -> "Step":
        """Send headers along."""
        return replace(self, headers={**self.headers, **headers})

    def until(self, state: str) -> "Step":
        """Wait until the states of what it adds, or else of all torrents, end so: `UP` is complete."""
        return replace(self, state=state)

    def after(self, seconds: float) -> "Step":
        """Wait once it is answered."""
        return replace(self, wait=seconds)

    def placing(self, info_hash: str, priority: int) -> "Step":
        """Wait until the list shows a torrent at this place in the queue."""
        return replace(self, priority=(info_hash, priority))

    def carrying(self, *files: File) -> "Step":
        """Send files along."""
        return replace(self, files=files)


def get(endpoint: str, **query: str) -> Step:
    """Write a GET."""
    return Step("GET", endpoint, query=query)


def post(endpoint: str, **form: str) -> Step:
    """Write a POST with an urlencoded form."""
    return Step("POST", endpoint, form=form)


def other(method: str, endpoint: str) -> Step:
    """Write a request with some other method."""
    return Step(method, endpoint)


def raw(endpoint: str, body: bytes, content_type: str) -> Step:
    """Write a POST with a body that is no form."""
    return Step("POST", endpoint, body=body, headers={"Content-Type": content_type})
