"""Imports go downward only, the core is pure, and a few footguns stay in their holsters."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS = (
    ("__main__",),
    ("cli",),
    ("demo", "serve", "remote_commands", "settings_commands", "healthcheck"),
    ("app",),
    ("settings_reload", "single_instance"),
    ("listen", "call_logs", "doctor"),
    ("qbittorrent", "web"),
    ("auth", "dashboard", "downloads", "history", "notify", "setup"),
    ("engine",),
    ("delivery", "torbox", "arr", "state"),
    ("config", "logs"),
    ("core",),
)
"""The rooms from top to bottom. A room imports from lower layers: no neighbour, nothing above."""

APART = {"simulator"}
"""A program of its own, in no layer: it imports nothing of the bridge."""

MAY_IMPORT_APART = {"cli", "demo"}
"""The commands that start it. Tests may, too."""

KEEPS_AWAY = {
    "core": {"config", "logs"},
    "qbittorrent": {"engine", "delivery", "torbox", "arr", "state"},
    "web": {"engine", "delivery", "torbox", "arr"},
}
"""Rooms below that are out of reach all the same: a face knows no SQL, no TorBox and no disk."""

IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "selectors", "signal", "threading"),
    *("datetime", "time", "sched", "random", "secrets", "uuid"),
    *("glob", "io", "os", "pathlib", "shutil", "sqlite3", "tempfile"),
    *("ftplib", "http", "socket", "ssl", "subprocess", "urllib.request"),
    *("logging", "warnings"),
}
"""What the core does without: tasks, clocks, chance, disk, network, logs."""


def sources(folder: str) -> list[Path]:
    """List the Python files below a folder of the project."""
    return sorted((ROOT / folder).rglob("*.py"))


def room_of(path: Path) -> str:
    """Tell the room a file of the bridge is in: its folder, or itself."""
    return path.relative_to(ROOT / "bridge").parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """List the modules that a file imports, with their lines, wherever in the file they stand."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module="bridge", names=names):
                yield from ((node.lineno, f"bridge.{alias.name}") for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module
            case ast.ImportFrom():
                yield node.lineno, "a relative module"
            case _:
                pass


def rooms_imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """List the rooms of the bridge that a file imports from, with the lines."""
    for line, module in imported(tree):
        package, _, rest = module.partition(".")
        if package == "bridge" and rest and rest != "__version__":
            yield line, rest.partition(".")[0]


def reach(room: str) -> set[str]:
    """Tell the rooms that a room may import from, itself included; no other if it has no place."""
    if room in APART:
        return {room}
    depth = [number for number, layer in enumerate(LAYERS) if room in layer]
    below = {other for layer in LAYERS[depth[0] + 1 :] for other in layer} if depth else set()
    extra = APART if room in MAY_IMPORT_APART else set()
    return ({room} | below | extra) - KEEPS_AWAY.get(room, set())


def out_of_reach(room: str, tree: ast.AST) -> list[str]:
    """List what a file of this room imports and may not."""
    return [
        f"{line}: imports {other}"
        for line, other in rooms_imported(tree)
        if other not in reach(room)
    ]


def impure(tree: ast.AST) -> list[str]:
    """List what in a file of the core is not pure."""
    found = []
    for line, module in imported(tree):
        package = module.partition(".")[0]
        if package == "bridge" or (package in sys.stdlib_module_names and package != "urllib"):
            allowed = package not in IMPURE
        else:
            allowed = module == "urllib.parse"
        if not allowed:
            found.append(f"{line}: imports {module}")
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = (node for node in (call.func for call in calls) if isinstance(node, ast.Name))
    return found + [f"{node.lineno}: {node.id}()" for node in names if node.id in {"open", "print"}]


def loose_tasks(tree: ast.AST) -> list[str]:
    """List the tasks that are started by no `TaskGroup` of the same file."""
    groups = {
        ast.unparse(item.optional_vars)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncWith)
        for item in node.items
        if item.optional_vars and ast.unparse(item.context_expr) == "asyncio.TaskGroup()"
    }
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    found = []
    for call in calls:
        owner, _, name = ast.unparse(call.func).rpartition(".")
        if name in {"create_task", "ensure_future"} and owner not in groups:
            found.append(f"{call.lineno}: {owner}.{name}()")
    return found


def parsed(path: Path) -> ast.Module:
    """Read a file as a tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def told(path: Path, faults: list[str]) -> list[str]:
    """Name the file with each fault."""
    return [f"{path.relative_to(ROOT)}:{fault}" for fault in faults]


def test_every_file_has_a_room() -> None:
    """A new room is given its place in the table before anything imports it."""
    rooms = {room for layer in LAYERS for room in layer} | APART | {"__init__"}
    assert {room_of(path) for path in sources("bridge")} <= rooms


def test_imports_go_downward() -> None:
    """No room imports from its own layer or from above, and none but the commands the simulator."""
    files = [path for path in sources("bridge") if room_of(path) != "__init__"]
    assert files
    assert [
        fault for path in files for fault in told(path, out_of_reach(room_of(path), parsed(path)))
    ] == []


def test_the_package_itself_imports_nothing() -> None:
    """`import bridge` is free, so that no room can be reached by way of it."""
    assert list(imported(parsed(ROOT / "bridge" / "__init__.py"))) == []


def test_the_core_is_pure() -> None:
    """The core decides: it has no tasks, no clock, no disk, no network and no logs."""
    files = sources("bridge/core")
    assert files
    assert [fault for path in files for fault in told(path, impure(parsed(path)))] == []


def test_tasks_have_owners() -> None:
    """A task belongs to a `TaskGroup` or to the engine's `Tasks`: nothing dies unheard."""
    files = [path for path in sources("bridge") if path != ROOT / "bridge/engine/tasks.py"]
    assert [fault for path in files for fault in told(path, loose_tasks(parsed(path)))] == []


@pytest.mark.parametrize("folder", ["bridge", "tests"])
def test_no_mocks(folder: str) -> None:
    """Doubles are programs that run: the simulator misbehaves on demand."""
    modules = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sources(folder)
        for line, module in imported(parsed(path))
        if module.partition(".")[0] in {"unittest", "mock", "pytest_mock"}
    ]
    assert modules == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "import bridge.store"),
        ("core", "from bridge import logs"),
        ("core", "from bridge.config import Settings"),
        ("core", "def late():\n    from bridge.torbox.client import TorBox"),
        ("torbox", "from bridge.delivery import DeliveryRequest"),
        ("store", "import bridge.arr"),
        ("engine", "from bridge.downloads import Downloads"),
        ("downloads", "from bridge.auth import Access"),
        ("qbittorrent", "from bridge.web import add_web"),
        ("qbittorrent", "from bridge.torbox import TorBox"),
        ("app", "from bridge.simulator import Simulator"),
        ("simulator", "from bridge.core.model import Download"),
        ("simulator", "from bridge import logs"),
        ("delivery", "from bridge.unheard_of import x"),
    ],
)
def test_upward_imports_are_found(room: str, source: str) -> None:
    """The check sees an import from above or from beside, however it is written."""
    assert len(out_of_reach(room, ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("core", "from bridge.core.model import Download\nimport hashlib"),
        ("torbox", "from bridge import logs\nfrom bridge.config import Settings"),
        ("cli", "from bridge.simulator import command\nfrom bridge.app import bridge"),
        ("demo", "import bridge.simulator\nimport bridge"),
        ("simulator", "from bridge.simulator.remote_account import World"),
    ],
)
def test_downward_imports_pass(room: str, source: str) -> None:
    """The check leaves alone what is allowed."""
    assert out_of_reach(room, ast.parse(source)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time",
        "import os.path",
        "from asyncio import Lock",
        "import aiohttp",
        "import structlog",
        "from urllib.request import urlopen",
        "from urllib import request",
        "from . import model",
        "text = open('file').read()",
    ],
)
def test_impurity_is_found(source: str) -> None:
    """The check sees what the core must not touch."""
    assert len(impure(ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source", ["import hashlib, re", "import posixpath", "from urllib.parse import parse_qsl"]
)
def test_purity_passes(source: str) -> None:
    """The check leaves alone what only computes."""
    assert impure(ast.parse(source)) == []


def test_loose_tasks_are_found() -> None:
    """A task of a group is fine, one of nobody is not."""
    grouped = "async with asyncio.TaskGroup() as group:\n    group.create_task(f())"
    loose = "asyncio.create_task(f())\nloop.create_task(f())\nasyncio.ensure_future(f())"
    in_function = "\n".join(f"    {line}" for line in grouped.splitlines())
    assert loose_tasks(ast.parse(f"async def main():\n{in_function}")) == []
    assert len(loose_tasks(ast.parse(loose))) == 3
