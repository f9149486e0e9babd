"""Imports go downward only, the core is pure, and tasks have owners."""

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
    ("settings_reload",),
    ("listen", "call_logs", "doctor"),
    ("qbittorrent", "web"),
    ("auth", "dashboard", "downloads", "history", "notify", "setup"),
    ("engine",),
    ("delivery", "torbox", "arr", "state"),
    ("config", "logs"),
    ("core",),
)
"""The packages from top to bottom. A package imports only from lower layers."""

APART = {"simulator"}
"""A separate program, in no layer: it imports nothing else of the bridge."""

MAY_IMPORT_APART = {"cli", "demo"}
"""The commands that start it. Tests may import it as well."""

KEEPS_AWAY = {
    "core": {"config", "logs"},
    "qbittorrent": {"engine", "delivery", "torbox", "arr", "state"},
    "web": {"engine", "delivery", "torbox", "arr"},
}
"""Lower packages that are forbidden nevertheless: an API uses no SQL, no TorBox and no disk."""

IMPURE = {
    *("asyncio", "concurrent", "multiprocessing", "selectors", "signal", "threading"),
    *("datetime", "time", "sched", "random", "secrets", "uuid"),
    *("glob", "io", "os", "pathlib", "shutil", "sqlite3", "tempfile"),
    *("ftplib", "http", "socket", "ssl", "subprocess", "urllib.request"),
    *("logging", "warnings"),
}
"""Modules that the core must not import: tasks, clocks, randomness, disk, network, logs."""


def sources(folder: str) -> list[Path]:
    """Return the Python files below a folder of the project."""
    return sorted((ROOT / folder).rglob("*.py"))


def package_of(path: Path) -> str:
    """Return the package of a file of the bridge: its top folder, or the module itself."""
    return path.relative_to(ROOT / "bridge").parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the modules that a file imports, anywhere in it, with their lines."""
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


def packages_imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the packages of the bridge that a file imports from, with the lines."""
    for line, module in imported(tree):
        package, _, rest = module.partition(".")
        if package == "bridge" and rest and rest not in {"__version__", "USER_AGENT"}:
            yield line, rest.partition(".")[0]


def importable(package: str) -> set[str]:
    """Return the packages that a package may import from; only itself if it is in no layer."""
    if package in APART:
        return {package}
    depth = [number for number, layer in enumerate(LAYERS) if package in layer]
    below = {other for layer in LAYERS[depth[0] + 1 :] for other in layer} if depth else set()
    extra = APART if package in MAY_IMPORT_APART else set()
    return ({package} | below | extra) - KEEPS_AWAY.get(package, set())


def forbidden_imports(package: str, tree: ast.AST) -> list[str]:
    """Return the forbidden imports of a file of this package."""
    return [
        f"{line}: imports {other}"
        for line, other in packages_imported(tree)
        if other not in importable(package)
    ]


def impure(tree: ast.AST) -> list[str]:
    """Return the imports and calls that make a file of the core impure."""
    found = []
    for line, module in imported(tree):
        package = module.partition(".")[0]
        if package == "bridge" or (package in sys.stdlib_module_names and package != "urllib"):
            allowed = package not in IMPURE
        else:
            allowed = module == "urllib.parse" or package == "msgspec"  # of msgspec the values only
        if not allowed:
            found.append(f"{line}: imports {module}")
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = (node for node in (call.func for call in calls) if isinstance(node, ast.Name))
    return found + [f"{node.lineno}: {node.id}()" for node in names if node.id in {"open", "print"}]


def loose_tasks(tree: ast.AST) -> list[str]:
    """Return the tasks that no `TaskGroup` of the same file starts."""
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
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def located(path: Path, faults: list[str]) -> list[str]:
    """Return the faults, each with the file that it is in."""
    return [f"{path.relative_to(ROOT)}:{fault}" for fault in faults]


def test_every_file_has_a_package() -> None:
    """A new package needs a place in LAYERS before anything imports it."""
    packages = {package for layer in LAYERS for package in layer} | APART | {"__init__"}
    assert {package_of(path) for path in sources("bridge")} <= packages


def test_imports_go_downward() -> None:
    """No package imports from its own layer or a higher one; only commands use the simulator."""
    files = [path for path in sources("bridge") if package_of(path) != "__init__"]
    assert files
    assert [
        fault
        for path in files
        for fault in located(path, forbidden_imports(package_of(path), parsed(path)))
    ] == []


def test_the_package_itself_imports_nothing() -> None:
    """`import bridge` imports nothing else, so no package is reached through it."""
    assert list(imported(parsed(ROOT / "bridge" / "__init__.py"))) == []


def test_the_core_is_pure() -> None:
    """The core has no tasks, no clock, no disk, no network and no logs."""
    files = sources("bridge/core")
    assert files
    assert [fault for path in files for fault in located(path, impure(parsed(path)))] == []


def test_tasks_have_owners() -> None:
    """Every task belongs to a `TaskGroup` or to `Tasks`, so no exception is lost."""
    files = [path for path in sources("bridge") if path != ROOT / "bridge/engine/tasks.py"]
    assert [fault for path in files for fault in located(path, loose_tasks(parsed(path)))] == []


@pytest.mark.parametrize("folder", ["bridge", "tests"])
def test_no_mocks(folder: str) -> None:
    """Test doubles are real programs, such as the simulator with its faults."""
    modules = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in sources(folder)
        for line, module in imported(parsed(path))
        if module.partition(".")[0] in {"unittest", "mock", "pytest_mock"}
    ]
    assert modules == []


@pytest.mark.parametrize(
    ("package", "source"),
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
def test_upward_imports_are_found(package: str, source: str) -> None:
    """The check finds imports from higher layers and from the same layer, in every form."""
    assert len(forbidden_imports(package, ast.parse(source))) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("core", "from bridge.core.model import Download\nimport hashlib"),
        ("torbox", "from bridge import logs\nfrom bridge.config import Settings"),
        ("cli", "from bridge.simulator import simulator\nfrom bridge.app import bridge"),
        ("demo", "import bridge.simulator\nimport bridge"),
        ("simulator", "from bridge.simulator.remote_account import World"),
    ],
)
def test_downward_imports_pass(package: str, source: str) -> None:
    """The check accepts allowed imports."""
    assert forbidden_imports(package, ast.parse(source)) == []


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
    """The check finds forbidden modules and functions."""
    assert len(impure(ast.parse(source))) == 1


@pytest.mark.parametrize(
    "source", ["import hashlib, re", "import posixpath", "from urllib.parse import parse_qsl"]
)
def test_purity_passes(source: str) -> None:
    """The check accepts modules that only compute."""
    assert impure(ast.parse(source)) == []


def test_loose_tasks_are_found() -> None:
    """A task of a group passes; a task without an owner does not."""
    grouped = "async with asyncio.TaskGroup() as group:\n    group.create_task(f())"
    loose = "asyncio.create_task(f())\nloop.create_task(f())\nasyncio.ensure_future(f())"
    in_function = "\n".join(f"    {line}" for line in grouped.splitlines())
    assert loose_tasks(ast.parse(f"async def main():\n{in_function}")) == []
    assert len(loose_tasks(ast.parse(loose))) == 3
