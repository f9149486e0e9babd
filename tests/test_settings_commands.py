"""`config show` and `password`, as a user runs them."""

import json
from pathlib import Path

from tests.support.process import BridgeProcess, run_to_end
from tests.support.rig import USERNAME, Rig

SECRET = "a-secret-of-twenty-letters"


def _file(directory: Path, text: str) -> dict[str, str]:
    path = directory / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    return {"BRIDGE_CONFIG": str(path)}


async def test_config_shows_values_and_sources(tmp_path: Path) -> None:
    """Every setting has its effective value and where it comes from: file and line, variable, default."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET, encoding="utf-8")
    environ = _file(
        tmp_path,
        "server:\n  port: 9090\n"
        "policy: {cached: only}\n"
        "categories:\n  tv:\n    policy:\n      seed: never\n"
        f"arr:\n- {{name: s, kind: sonarr, url: 'http://s', api_key: {SECRET}}}\n",
    )
    environ |= {"BRIDGE_LOG__LEVEL": "debug", "TORBOX_API_KEY_FILE": str(secret)}
    code, out, errors = await run_to_end(environ, "config", "show", "--json")
    assert (code, errors) == (0, "")
    rows = {row["key"]: (row["value"], row["source"]) for row in json.loads(out)}
    file = environ["BRIDGE_CONFIG"]
    assert rows["server.port"] == (9090, f"{file}:2")
    assert rows["server.host"] == (["0.0.0.0"], "default")
    assert rows["log.level"] == ("debug", "environment BRIDGE_LOG__LEVEL")
    assert rows["torbox.api_key"] == ("***", "environment TORBOX_API_KEY_FILE")
    assert rows["categories.tv.policy.seed"] == ("never", f"{file}:7")
    assert rows["categories.tv.policy.cached"] == ("only", f"{file}:3")
    assert rows["categories.tv.policy.adopt"] == (False, "default")
    assert rows["arr[0].api_key"] == ("***", f"{file}:8")
    assert SECRET not in out


async def test_config_is_for_people_too(tmp_path: Path) -> None:
    """Without --json each line is a key, its value and its source; secrets do not show."""
    environ = _file(tmp_path, f"server: {{password: {SECRET}}}\n")
    code, out, _ = await run_to_end(environ, "config")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["log.level:", "info", "#", "default"] in lines
    assert ["server.password:", "***", "#", f"{environ['BRIDGE_CONFIG']}:1"] in lines
    assert SECRET not in out


async def test_config_with_mistakes(tmp_path: Path) -> None:
    """Settings that cannot be used are listed as at the start: exit 2."""
    code, _, errors = await run_to_end(_file(tmp_path, "server: {prot: 1}\n"), "config", "show")
    assert code == 2
    assert "server.prot is not a setting" in errors


async def test_a_new_password(set_up: Rig) -> None:
    """A forgotten password is replaced; the new one logs in, the old one no longer does."""
    environ = {key: value for key, value in set_up.environ.items() if "PASSWORD" not in key}
    first = BridgeProcess(environ)
    await first.start()
    shown = next(line for line in first.output if "Login for" in line)
    old = shown.rpartition(" ")[2]
    await first.terminate()
    code, out, _ = await run_to_end(environ, "password", "--generate")
    assert code == 0
    new = next(line for line in out.splitlines() if "new password" in line).rpartition(" ")[2]
    second = BridgeProcess(environ)
    await second.start()
    try:
        async with set_up.arr_at(second.url, new) as arr:
            assert await arr.test() == []
        async with set_up.arr_at(second.url, old) as arr:
            assert "authenticate" in (await arr.test())[0]
    finally:
        await second.terminate()


async def test_a_password_that_cannot_be_set(set_up: Rig) -> None:
    """The settings' own password wins; without a database there is nothing to change."""
    code, _, errors = await run_to_end(set_up.environ, "password", "--generate")
    assert code == 1
    assert "server.password is set" in errors
    environ = {key: value for key, value in set_up.environ.items() if "PASSWORD" not in key}
    code, _, errors = await run_to_end(environ, "password", "--generate")
    assert code == 1
    assert "no database" in errors
    assert USERNAME not in errors


async def test_help_and_version() -> None:
    """Without arguments there is the list of commands; --version is one line."""
    code, out, _ = await run_to_end({})
    assert code == 0
    for command in ("run", "check", "adopt", "config", "password", "health", "demo", "simulator"):
        assert f"\n    {command} " in out or f"\n    {command}\n" in out
    code, out, _ = await run_to_end({}, "--version")
    assert code == 0
    assert out == (await run_to_end({}, "version"))[1]
