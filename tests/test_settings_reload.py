"""Settings that change while the bridge runs."""

import asyncio
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.config import Settings, SettingsSource, load
from bridge.config.settings import changed_keys
from tests.support.process import BridgeProcess
from tests.support.rig import Rig


def _file(directory: Path, text: str) -> Path:
    path = directory / "bridge.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    """The same object says that nothing has changed."""
    source = SettingsSource(_file(tmp_path, "log: {level: debug}\n"), {})
    first = source.load()
    assert source.load() is first
    _file(tmp_path, "log: {level: warning}\n")
    assert source.load().log.level == "warning"


def test_a_changed_secret_file_counts(tmp_path: Path) -> None:
    """A secret that is replaced in its file is seen, also one named by a variable."""
    secret = tmp_path / "key"
    secret.write_text("old\n", encoding="utf-8")
    source = SettingsSource(None, {"BRIDGE_TORBOX__API_KEY_FILE": str(secret)})
    first = source.load()
    secret.write_text("newer\n", encoding="utf-8")
    second = source.load()
    assert first.torbox.api_key != second.torbox.api_key


def test_an_edit_while_the_file_is_read_is_seen(tmp_path: Path) -> None:
    """A file that changes between the moment it was read and the end of loading is read again."""
    secret = tmp_path / "key"
    os.mkfifo(secret)
    text = f"torbox: {{api_key_file: {secret}}}\nlog: {{level: "
    source = SettingsSource(_file(tmp_path, text + "debug}\n"), {})

    def edit_in_between() -> None:
        with secret.open("w") as pipe:  # as soon as loading has come to the key
            _file(tmp_path, text + "warning}\n")
            pipe.write("a-key\n")
        while not over.wait(0.5):  # long enough for the reader to see the end
            with suppress(OSError):  # nobody reads
                number = os.open(secret, os.O_WRONLY | os.O_NONBLOCK)
                os.write(number, b"a-key\n")
                os.close(number)

    over = threading.Event()
    editor = threading.Thread(target=edit_in_between)
    editor.start()
    try:
        source.load()
        assert source.load().log.level == "warning"
    finally:
        over.set()
        editor.join()


def test_what_is_taken_over_and_what_needs_a_restart() -> None:
    """Policies, categories and the API key change at once; the port does not."""
    running = load(None, {"TORBOX_API_KEY": "old"})
    new = load(
        None,
        {
            "TORBOX_API_KEY": "new",
            "BRIDGE_POLICY__CACHED": "only",
            "BRIDGE_CATEGORIES": '{"tv": {"policy": {"adopt": true}}}',
            "BRIDGE_SERVER__PORT": "81",
            "BRIDGE_TORBOX__TIMEOUT_SECONDS": "9",
        },
    )
    taken, restart = running.reload_from(new)
    assert taken == ["torbox.api_key", "policy.cached", "categories"]
    assert restart == ["server.port", "torbox.timeout_seconds"]
    assert running.torbox.api_key == new.torbox.api_key
    assert (running.server.port, running.torbox.timeout_seconds) == (8080, 30.0)
    assert running.policy_for("tv").adopt
    assert changed_keys(running, new) == restart


def test_nothing_changed() -> None:
    """The same settings change nothing."""
    assert Settings().reload_from(Settings()) == ([], [])


@pytest.mark.timeout(90)
async def test_a_running_bridge_takes_over_its_file(set_up: Rig, tmp_path: Path) -> None:
    """A new category appears, a mistake is logged and changes nothing, a port needs a restart."""
    path = _file(tmp_path, "categories: {}\n")
    process = BridgeProcess(set_up.environ | {"BRIDGE_CONFIG": str(path)})
    await process.start()
    try:
        _file(tmp_path, "policy: {cached: maybe}\n")
        await _logged(process, "settings_not_reloaded")
        _file(tmp_path, "categories: {films: {}}\nweb: {csrf_protection: false}\n")
        found = await _logged(process, "settings_reloaded")
        assert found["keys"] == ["categories"]
        assert (await _logged(process, "settings_need_a_restart"))["keys"] == [
            "web.csrf_protection"
        ]
        assert (set_up.downloads / "films").is_dir()
    finally:
        await process.terminate()


async def _logged(process: BridgeProcess, event: str) -> dict[str, object]:
    async with asyncio.timeout(20):
        while True:
            for line in process.output:
                if line.startswith("{") and json.loads(line)["event"] == event:
                    found: dict[str, object] = json.loads(line)
                    return found
            await asyncio.sleep(0.1)
