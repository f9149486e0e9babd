"""The results of the doctor's checks."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but less well than it could."""
    PROBLEM = "problem"
    """Something will not work."""


class Finding(msgspec.Struct, frozen=True):
    """The result of one check."""

    subject: str
    """`settings`, `directories`, `bridge`, `torbox`, or the name of an *arr."""
    level: Level
    text: str
    fix: str = ""
    """The fix, as exact as possible."""


def ok(subject: str, text: str) -> Finding:
    """Return a finding for something that is right."""
    return Finding(subject, Level.OK, text)


def warning(subject: str, text: str, fix: str) -> Finding:
    """Return a finding for something that could be better."""
    return Finding(subject, Level.WARNING, text, fix)


def problem(subject: str, text: str, fix: str) -> Finding:
    """Return a finding for something that will not work."""
    return Finding(subject, Level.PROBLEM, text, fix)


def healthy(findings: Iterable[Finding]) -> bool:
    """Return whether there is no problem among the findings. Warnings do not count."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def line(finding: Finding) -> str:
    """Return the finding as one line for people."""
    fix = f" -> {finding.fix}" if finding.fix else ""
    return f"{finding.level:8}{finding.subject}: {finding.text}{fix}"


def report(findings: Sequence[Finding]) -> dict[str, object]:
    """Return `healthy`, and `findings` with subject, level, text and fix, for scripts."""
    return {"healthy": healthy(findings), "findings": findings}


def as_json(findings: Sequence[Finding]) -> str:
    """Return the report as JSON."""
    return msgspec.json.encode(report(findings)).decode()
