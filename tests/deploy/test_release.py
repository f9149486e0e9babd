"""Releases: the notes come from the changelog, and the workflows are what GitHub understands."""

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".github" / "scripts" / "release_notes.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.3] - 2027-01-02

### Added

- Something.

## [1.2.2] - 2027-01-01

- Older.
"""


def release_notes() -> ModuleType:
    """Load the script as a module."""
    spec = importlib.util.spec_from_file_location("release_notes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("wanted", "notes"),
    [("1.2.3", "### Added\n\n- Something."), ("1.2.2", "- Older."), ("1.2", ""), ("9.9.9", "")],
)
def test_the_notes_are_the_section_of_the_version(wanted: str, notes: str) -> None:
    """Neither the section before nor the section after; nothing for an unknown version."""
    assert release_notes().notes(CHANGELOG, wanted) == notes


def test_the_version_is_written_in_one_place() -> None:
    """What the script reads is what the package says."""
    assert release_notes().project_version(ROOT) == version("torbox-bridge")


def test_a_tag_of_another_version_stops_the_release() -> None:
    """The exit status is 1, and the message names both."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "99.0.0"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "the tag is 99.0.0" in done.stderr


def test_the_changelog_has_the_headings_of_keep_a_changelog() -> None:
    """Versions are headings of the second level, kinds of changes of the third."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    for heading in versions[1:]:
        assert re.fullmatch(r"\[\d+\.\d+\.\d+[^\]]*\] - \d{4}-\d{2}-\d{2}", heading), heading
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Upgrade notes"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def steps(workflow: Path) -> list[dict[str, Any]]:
    """List the steps of all jobs of a workflow."""
    told = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    return [step for job in told["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_few_rights_and_ends(workflow: Path) -> None:
    """Nothing may write unless its job says so, no job runs for ever, no checkout keeps a token."""
    told = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert told["permissions"] == {"contents": "read"}
    for name, job in told["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_script_of_a_workflow_exists(workflow: Path) -> None:
    """Scripts and make targets that a workflow calls are in the tree."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for step in steps(workflow):
        command = step.get("run", "")
        for script in re.findall(r"(?:bash|python3) (\.\S+)", command):
            assert (ROOT / script).is_file(), script
        for module in re.findall(r"python3 -m (tests\.\S+)", command):
            assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
        for target in re.findall(r"\bmake ([\w-]+)", command):
            assert f"\n{target}:" in makefile


def test_a_release_publishes_what_the_recipes_pull() -> None:
    """amd64 and arm64, with SBOM and provenance, under the name in the compose file."""
    (build,) = (
        step["with"]
        for step in steps(ROOT / ".github" / "workflows" / "release.yml")
        if step.get("uses", "").startswith("docker/build-push-action@")
    )
    assert build["platforms"] == "linux/amd64,linux/arm64"
    assert build["sbom"] is True
    assert build["provenance"] == "mode=max"
    arguments = set(re.findall(r"^(\w+)=", build["build-args"], re.MULTILINE))
    declared = set(
        re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    )
    assert arguments <= declared


@pytest.mark.parametrize("form", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")))
def test_issue_forms(form: Path) -> None:
    """Forms are YAML; every field has an id and a label, and the bug form asks for the check."""
    told = yaml.safe_load(form.read_text(encoding="utf-8"))
    if form.stem == "config":
        return
    fields = [field for field in told["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    if form.stem == "bug":
        assert "torbox-bridge check --json" in form.read_text(encoding="utf-8")
