"""Writes docs/api-compatibility.md from the table and the scenario."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.differential.allowed import ANY, Allowed, Why
from tests.differential.compare import NOTHING
from tests.differential.recorded import recorded
from tests.differential.scenario.whole import SCENARIO
from tests.differential.table import TABLE

PAGE: Final = Path(__file__).parents[2] / "docs" / "api-compatibility.md"

HEAD: Final = """# API compatibility

<!-- Made from tests/differential/rows: `.venv/bin/python -m tests.differential page` -->

The bridge speaks qBittorrent's Web API. A test starts a real qBittorrent 4.5.2 (Web API 2.8.19, the
`qbittorrent-nox` of Debian 12) beside the bridge, sends both the same {requests} requests, and
compares the answers: status, content type, headers, cookies, texts, and every key and value of the
JSON. A difference fails the test, unless it is listed below with its reason. A row below that is no
longer true fails the test, too.

Another test compares the bridge with {recorded} recorded answers of a qBittorrent 4.5.2. It uses the
same table and needs no qBittorrent.

To run them: `.venv/bin/pytest tests/differential`, with `qbittorrent-nox` installed.
`.venv/bin/python -m tests.differential` prints how many answers are identical, and what differs
without being listed here. The bridge is compared in its default profile, which calls itself
qBittorrent 4.6.7; what is new since 4.5.2 is listed as well.

In the tables, `[]` is any item of a list, `<hash>` any info-hash and `*` any text; a field without
a value may differ in any way.
"""


def page() -> str:
    """Write the page."""
    parts = [HEAD.format(requests=len(SCENARIO), recorded=len(recorded())), "## Differences\n"]
    for why in Why:
        rows = [row for row in TABLE if row.why is why]
        if rows:
            parts.append(f"### {why.value}\n")
            parts.append("\n".join(_differences(rows)) + "\n")
    parts.append("## What is compared\n")
    parts.append("\n".join(_endpoints()) + "\n")
    return "\n".join(parts)


def _differences(rows: list[Allowed]) -> Iterator[str]:
    yield "| Endpoint | Field | qBittorrent | Bridge | Reason |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows:
        cells = (
            _places(row),
            _listed(row.fields),
            _value(row.theirs),
            _value(row.ours),
            _prose(row.reason),
        )
        yield "| " + " | ".join(cells) + " |"


def _places(row: Allowed) -> str:
    places = _listed(row.endpoints)
    if row.requests == ("*",):
        return places
    return f"{places}: {_listed(row.requests)}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{_escaped(name)}`" for name in names)


def _value(value: object) -> str:
    if value is ANY:
        return ""
    if value == NOTHING:
        return "absent"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{_escaped(shown)}`" if shown else "empty"


def _prose(text: str) -> str:
    return _escaped(text).replace("*", "\\*")


def _escaped(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _endpoints() -> Iterator[str]:
    counts = Counter(step.endpoint.partition("?")[0] for step in SCENARIO)
    yield "| Endpoint | Requests |"
    yield "| --- | --- |"
    for endpoint, count in sorted(counts.items()):
        yield f"| `{endpoint}` | {count} |"
