# ruff: noqa: INP001
"""Print what CHANGELOG.md says about a version. Fails unless the project has that version.

python3 .github/scripts/release_notes.py 1.2.3
"""

import re
import sys
import tomllib
from pathlib import Path

TREE = Path(__file__).parents[2]


def notes(changelog: str, version: str) -> str:
    """Return the section of a version, without its heading; empty if there is none."""
    heading = re.escape(f"## [{version}]")
    found = re.search(rf"^{heading}[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def project_version(tree: Path) -> str:
    """Return the version of pyproject.toml, or of the file that it names for a dynamic one."""
    told = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))
    if "version" in told["project"]:
        return str(told["project"]["version"])
    source = (tree / told["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    found = re.search(r"^__version__\b[^=]*= *[\"']([^\"']+)", source, re.MULTILINE)
    return found[1] if found else ""


def main(arguments: list[str]) -> None:
    """Print the notes, or say what does not fit."""
    if len(arguments) != 1:
        sys.exit("usage: release_notes.py VERSION")
    version = arguments[0]
    if project_version(TREE) != version:
        sys.exit(f"the tag is {version}, the project has {project_version(TREE)}")
    found = notes((TREE / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if not found:
        sys.exit(f"CHANGELOG.md has no section ## [{version}]")
    sys.stdout.write(f"{found}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
