"""`health` finds the bridge by the same address as the full loader, only faster."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.config import ConfigError, load
from bridge.healthcheck import quick_address

ROOT = Path(__file__).parent.parent

PLAIN = [
    "",
    "# nothing\ntorbox:\n  api_key: x\n",
    "server:\n  port: 9090\n",
    'server:\n  host: "::"  # both\n  url_base: ""\n  # a comment\n  password: null\ntorbox:\n',
    "server:  # here\n  host: 127.0.0.1\n  url_base: /torbox\n  trusted_proxies: [10.0.0.0/8]\n",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_files_need_no_yaml_parser(text: str, tmp_path: Path) -> None:
    """The quick look reads files that are written as in the documentation."""
    assert quick_address(_written(tmp_path, text), {}) == _by_the_loader(tmp_path, text)


def test_the_example_is_read_quickly() -> None:
    """A copy of the example file needs no YAML parser."""
    example_file = ROOT / "config" / "bridge.example.yaml"
    assert quick_address(str(example_file), {}) == ("127.0.0.1", 8080, "")


def test_the_environment_alone(tmp_path: Path) -> None:
    """Variables win over the file, and need none."""
    environ = {"BRIDGE_SERVER__PORT": "81", "BRIDGE_SERVER__URL_BASE": "/a/"}
    none = str(tmp_path / "none.yaml")
    assert quick_address(None, environ, default=none) == ("127.0.0.1", 81, "/a")
    assert quick_address(none, environ) is None


UNUSUAL = [
    "{server: {port: 9090}}",
    "server: {port: 9090}",
    "server:\n    port: 9090\n",
    "server:\n  port: 0x50\n",
    "server:\n  port: >\n    9090\n",
    "server:\n  port:\n    9090\n",
    "server:\n  port: 90\n   90\n",
    "a: &a\n  port: 1\nserver:\n  <<: *a\n",
    "server:\n  port: 1\nserver:\n  port: 2\n",
    "server:\n  port: 1\n  port: 2\n",
    '"server":\n  port: 9090\n',
    '"\\x73erver":\n  port: 9090\n',
    "server:\n  host: [127.0.0.1, '::1']\n",
    "? server\n: port: 9090\n",
    "server: !!map\n  port: 9090\n",
]


@pytest.mark.parametrize("text", UNUSUAL)
def test_unusual_files_are_left_to_the_loader(text: str, tmp_path: Path) -> None:
    """What takes a YAML parser is not guessed."""
    assert quick_address(_written(tmp_path, text), {}) is None


_VALUES = st.sampled_from(
    [
        "8080",
        "1",
        "0",
        "a",
        '""',
        "'b'",
        "[a]",
        "{}",
        "null",
        "~",
        "true",
        '"c:d"',
        "1_0",
        "08",
        "x y",
    ]
)
_LINES = st.tuples(
    st.sampled_from(["", "  ", "   ", "    "]),
    st.sampled_from(["server", "port", "host", "url_base", "username", "torbox", "api_key"]),
    st.sampled_from([": ", ":", " : ", ": &a ", ": | ", ": >"]),
    _VALUES,
    st.sampled_from(["", " # server:", "#"]),
).map("".join)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_LINES | st.just("server:"), max_size=6).map("\n".join))
@example("server:\n  port: 1\n  port: 2")
def test_never_another_address_than_the_loader(tmp_path: Path, text: str) -> None:
    """Where both find an address, it is the same."""
    quick = quick_address(_written(tmp_path, text), {})
    try:
        full = _by_the_loader(tmp_path, text)
    except ConfigError:
        return
    assert quick in {None, full}


def test_health_imports_next_to_nothing() -> None:
    """`health` loads neither aiohttp nor msgspec, yaml, asyncio, argparse or typing."""
    program = (
        "import sys; from bridge.cli import main; main(['health']);"
        "print([name for name in ('aiohttp', 'msgspec', 'yaml', 'asyncio', 'argparse', 'structlog', 'typing',"
        " 'bridge.app', 'bridge.config') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
        env={"BRIDGE_SERVER__PORT": "1", "BRIDGE_SERVER__HOST": "127.0.0.1"},
        timeout=30,
    )
    assert done.stderr == "[]\n"
    assert done.stdout.startswith("no answer from http://127.0.0.1:1/healthz")


def test_run_imports_neither_demo_nor_simulator() -> None:
    """A bridge in use carries nothing of the demo."""
    program = (
        "import sys; import bridge.serve;"
        "print([name for name in sys.modules if name.startswith(('bridge.demo', 'bridge.sim'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT, encoding="utf-8"
    )
    assert done.stdout == "[]\n"


def _written(directory: Path, text: str) -> str:
    path = directory / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _by_the_loader(directory: Path, text: str) -> tuple[str, int, str]:
    server = load(Path(_written(directory, text)), {}).server
    return server.local_host, server.port, server.url_base


def test_samples_are_yaml() -> None:
    """The samples above are what they seem."""
    loaded: list[Any] = [yaml.safe_load(text) for text in PLAIN]
    assert loaded[2] == {"server": {"port": 9090}}
