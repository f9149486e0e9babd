"""What the doctor found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but less well than it could."""
    PROBLEM = "problem"
    """Something will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    """`settings`, `directories`, `bridge`, `torbox`, or the name of an *arr."""
    level: Level
    text: str
    fix: str = ""
    """What to do, as exactly as it is known."""


def ok(subject: str, text: str) -> Finding:
    """Tell that something is as it should be."""
    return Finding(subject, Level.OK, text)


def warning(subject: str, text: str, fix: str) -> Finding:
    """Tell what could be better."""
    return Finding(subject, Level.WARNING, text, fix)


def problem(subject: str, text: str, fix: str) -> Finding:
    """Tell what will not work."""
    return Finding(subject, Level.PROBLEM, text, fix)


def healthy(findings: Iterable[Finding]) -> bool:
    """Tell whether there is no problem among them."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def line(finding: Finding) -> str:
    """Write it for people, in one line."""
    fix = f" -> {finding.fix}" if finding.fix else ""
    return f"{finding.level:8}{finding.subject}: {finding.text}{fix}"


def report(findings: Sequence[Finding]) -> dict[str, object]:
    """Give all as scripts read it: `healthy`, and `findings` with subject, level, text and fix."""
    return {"healthy": healthy(findings), "findings": findings}


def as_json(findings: Sequence[Finding]) -> str:
    """Write the report."""
    return msgspec.json.encode(report(findings)).decode()
