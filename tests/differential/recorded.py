"""Answers that a qBittorrent 4.5.2 gave once, kept as data: what is asked, and what it said."""

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from tests.differential.player import Answer
from tests.differential.steps import File, Step

DATA: Final = Path(__file__).parent / "data" / "recorded.json"


class RecordedFile(msgspec.Struct, omit_defaults=True):
    """A file that was sent."""

    part: str
    filename: str
    data: bytes
    """As base64 in JSON."""


class Recorded(msgspec.Struct, omit_defaults=True):
    """A request and its answer."""

    method: str
    path: str
    status: int
    name: str = ""
    """As a row of the table calls it."""
    type: str = ""
    body: str = ""
    session: str = ""
    form: dict[str, str] | None = None
    files: list[RecordedFile] = []
    raw: str | None = None
    headers: dict[str, str] = {}

    @property
    def step(self) -> Step:
        """Write it as a step of a scenario."""
        path, _, query = self.path.removeprefix("/api/v2/").partition("?")
        return Step(
            self.method,
            path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            form=self.form,
            files=tuple(File(file.filename, file.data, file.part) for file in self.files),
            body=None if self.raw is None else self.raw.encode(),
            headers=self.headers,
            session=self.session,
            name=self.name,
        )

    @property
    def answer(self) -> Answer:
        """Write it as an answer to compare with. Only some headers were kept."""
        headers = {"content-type": self.type} if self.type else {}
        return Answer(self.status, self.body.encode(), headers, {})


def recorded() -> list[Recorded]:
    """Read all of them, in the order in which they were asked."""
    return msgspec.json.decode(DATA.read_bytes(), type=list[Recorded])
