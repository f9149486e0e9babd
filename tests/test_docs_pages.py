"""Every page of the documentation: links lead somewhere, settings and commands exist."""

import argparse
import re
import shlex
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import unquote

import pytest
import yaml
from _pytest.mark.structures import ParameterSet
from msgspec import inspect

from bridge.cli import main
from bridge.config import Settings, load
from bridge.config.environment import variables
from bridge.config.schema import fields, list_of, settings_schema
from bridge.core.model import Reason

T = TypeVar("T")
ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
TESTED_ELSEWHERE = {"simulator.md"}
"""Its YAML is scenarios, tested in tests/simulator."""

NOT_SETTINGS = {
    "BRIDGE_CONFIG",    # where the settings file is
    "BRIDGE_PASSWORD",  # a name in the `.env` of the compose example
    "BRIDGE_PORT",      # what Kubernetes may set
}  # fmt: skip

COMPOSE_KEYS = {"services"}


def text_of(page: Path) -> str:
    """Read a page."""
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> list[tuple[str, str]]:
    """List the fenced blocks of a language on all pages, each with the name of its page."""
    return [
        (page.name, block)
        for page in PAGES
        for block in re.findall(
            rf"^ *```{language}\n(.*?)^ *```", text_of(page), re.MULTILINE | re.DOTALL
        )
    ]


def numbered(found: Iterable[tuple[str, T]]) -> list[ParameterSet]:
    """Give each case its page and its place there as its name."""
    seen: Counter[str] = Counter()
    cases = []
    for name, what in found:
        seen[name] += 1
        cases.append(pytest.param(name, what, id=f"{name}-{seen[name]}"))
    return cases


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    plain = re.sub(r"[`*\\]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip())
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """List the anchors of a page."""
    prose = re.sub(r"^ *```.*?^ *```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", prose, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files that a page links to exist, and so do the headings."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if target.startswith(("http:", "https:")):
            continue
        name, _, heading = target.partition("#")
        file = (page.parent / unquote(name)).resolve() if name else page
        assert file.exists(), target
        if heading:
            assert heading in anchors(file), target


def test_the_compose_example_has_what_pages_say_of_it() -> None:
    """A variable that a page quotes from the compose example is written like that in it."""
    example = text_of(ROOT / "compose.example.yaml")
    quoted = [found for page in PAGES for found in re.findall(r"`(\$\{\w+[^`]*\})`", text_of(page))]
    assert quoted
    assert [found for found in quoted if found not in example] == []


def test_every_page_is_in_the_list_of_pages() -> None:
    """docs/README.md links to every page."""
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)", text_of(ROOT / "docs" / "README.md")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_exists(page: Path) -> None:
    """No page names a variable that the bridge would refuse."""
    mentioned = set(re.findall(r"\bBRIDGE_[A-Z0-9_]+[A-Z0-9]", text_of(page)))
    assert mentioned - NOT_SETTINGS <= set(variables())


def setting_names(kind: inspect.Type, key: str = "") -> Iterator[str]:
    """List the dotted names of all settings and sections."""
    yield key
    many = list_of(kind)
    match kind:
        case inspect.StructType():
            for name, field in fields(kind).items():
                yield from setting_names(field, f"{key}.{name}" if key else name)
        case inspect.DictType(value_type=item):
            yield from setting_names(item, f"{key}.<name>")
        case _ if many is not None and isinstance(many.item_type, inspect.StructType):
            yield from (f"{key}[].{name}" for name in fields(many.item_type))
        case _:
            pass


NAMES = set(setting_names(settings_schema()))
SECTIONS = {name for name in NAMES if name and "." not in name and f"{name}." in "".join(NAMES)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_exists(page: Path) -> None:
    """What is written as `section.key`, alone or with a value, is a setting."""
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_<>]+)+)(?::[^`]*)?`", text_of(page)):
        if name.partition(".")[0] in SECTIONS and not name.endswith((".db", ".md", ".yaml")):
            assert name in NAMES or name.removesuffix("_file") in NAMES, name


def settings_blocks() -> list[tuple[str, str]]:
    """List the YAML blocks that are settings of the bridge."""
    return [
        (name, block)
        for name, block in blocks("yaml")
        if name not in TESTED_ELSEWHERE and not set(yaml.safe_load(block)) & COMPOSE_KEYS
    ]


@pytest.mark.parametrize(("name", "block"), numbered(settings_blocks()))
def test_every_recipe_loads(name: str, block: str, tmp_path: Path) -> None:
    """Settings on a page are accepted as they stand, but for the files that they name."""
    secret = tmp_path / "secret"
    secret.write_text("a-made-up-secret\n", encoding="utf-8")
    file = tmp_path / "bridge.yaml"
    file.write_text(re.sub(r"/run/secrets/\w+", str(secret), block), encoding="utf-8")
    assert load(file, {}) != Settings()


@pytest.mark.parametrize(
    ("name", "block"), numbered(b for b in blocks("yaml") if "services:" in b[1])
)
def test_every_piece_of_compose_is_about_the_bridge(name: str, block: str) -> None:
    """Pieces of a compose file name the service as the example does."""
    assert set(yaml.safe_load(block)["services"]) == {"torbox-bridge"}


def shell_lines() -> list[tuple[str, str]]:
    """List the shell commands of all pages, continued lines joined."""
    found = []
    for name, block in blocks("sh"):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            command = line.partition("  #")[0].strip()
            if command:
                found.append((name, command))
    return found


OTHERS_WORDS = {"logs", "stop", "start", "status", "-u", "-t"}
"""Words of Docker and systemd: after them `torbox-bridge` is a service, an image or a unit."""


def own_commands() -> list[tuple[str, list[str]]]:
    """List the arguments of every call of torbox-bridge on a page."""
    found = []
    for name, line in shell_lines():
        words = shlex.split(line)
        starts = [
            at
            for at, word in enumerate(words)
            if word.rpartition("/")[2] == "torbox-bridge" and at + 1 < len(words)
        ]
        # In `docker compose exec torbox-bridge torbox-bridge check` the second is the command.
        if not starts or words[starts[-1] - 1] in OTHERS_WORDS:
            continue
        arguments = words[starts[-1] + 1 :]
        if arguments[0] not in {"&&", "env", ".", "python3"} and arguments[0] != "--since":
            found.append((name, arguments))
    return found


class _Parsed(Exception):
    """The command line was understood."""


@pytest.mark.parametrize(("name", "arguments"), numbered(own_commands()))
def test_every_command_exists(
    name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands on the pages are understood as they stand. They are parsed, not run."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, given: list[str] | None = None) -> NoReturn:
        parse(parser, given)
        raise _Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    with pytest.raises(_Parsed):
        main(arguments)


def test_the_readme_begins_with_its_two_commands() -> None:
    """A fresh clone needs nothing before them: the first runs the demo, the second the tests."""
    readme = re.findall(r"^```sh\n(.*?)^```", text_of(ROOT / "README.md"), re.MULTILINE | re.DOTALL)
    for command, program in ((readme[0], "torbox-bridge demo"), (readme[1], "pytest -q")):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install")
        assert f".venv/bin/{program}" in command


def test_the_backup_of_a_running_bridge(tmp_path: Path) -> None:
    """The command in docs/backup.md copies a database that somebody else has open."""
    (line,) = [line for name, line in shell_lines() if name == "backup.md" and "python3 -c" in line]
    program = shlex.split(line)[-1].replace("/config", str(tmp_path))
    with closing(sqlite3.connect(tmp_path / "bridge.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE downloads (name)")
        database.execute("INSERT INTO downloads VALUES ('Show.S01')")
        database.commit()
        subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True)
    with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        assert copy.execute("SELECT name FROM downloads").fetchall() == [("Show.S01",)]


@pytest.mark.parametrize(
    "page",
    [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_every_file_exists(page: Path) -> None:
    """A page names files of the project as they are: by their path, or by their name alone."""
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests|deploy|docs|config|bridge|scripts)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), name
    named = set(re.findall(r"`((?:[\w.]+/)*[\w]+\.py)`", text))
    known = [path for folder in ("bridge", "tests") for path in (ROOT / folder).rglob("*.py")]
    missing = {
        name for name in named if not any(path.as_posix().endswith(f"/{name}") for path in known)
    }
    assert missing == set()


def test_every_reason_of_a_failure_is_explained() -> None:
    """The codes are public, so the user finds each of them."""
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"| `{reason.value}` |" not in text] == []
