"""Changing settings on the page: comments stay, what is wrong changes nothing."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.config import load
from bridge.setup import ArrEntry, NotifyEntry, Setting, SettingsChange, SettingsEditor
from bridge.setup.settings_form import blank_settings
from tests.support.settings_help import HELP, read_docs

KEY = "a-torbox-key-of-the-tests"
TEXT = """\
# My settings, with a comment at the top.
torbox:
  # From torbox.app
  api_key: "a-torbox-key-of-the-tests"   # do not share
  poll_seconds: {active: 5, idle: 60}

policy:
  cached: any  # for now
  files:
    exclude: ["*sample*"]   # keep the quotes

arr:
  # the living room
  - name: sonarr
    kind: sonarr
    url: http://sonarr:8989
    api_key: an-arr-key-of-the-tests
    categories: [tv-sonarr]
"""


def editor(path: Path, **environ: str) -> SettingsEditor:
    """Make an editor that nobody listens to."""
    return SettingsEditor(path, environ, can_restart=False, key_changed=lambda: None)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "bridge.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


async def shown(made: SettingsEditor) -> dict[str, Setting]:
    """List the settings by key."""
    return {setting.key: setting for setting in (await made.page()).settings}


def test_the_help_is_the_documentation() -> None:
    """The packaged help is what docs/configuration.md says.

    After a change there: `python -m tests.support.settings_help`.
    """
    assert HELP.read_text(encoding="utf-8") == read_docs()


def test_every_setting_has_help_and_a_default() -> None:
    """Nothing on the page is unexplained."""
    assert len(blank_settings()) > 50
    for setting in blank_settings():
        assert setting.help, setting.key
        assert setting.default, setting.key


@pytest.mark.parametrize(
    ("key", "restart"),
    [
        ("torbox.api_key", False), ("policy.cached", False), ("categories", False),
        ("failover.dry_run", False), ("log.level", False), ("log.format", True),
        ("torbox.base_url", True), ("delivery.mode", True), ("server.port", True),
    ],
)  # fmt: skip
def test_what_needs_a_restart(key: str, restart: bool) -> None:
    """What the bridge takes over while it runs is not said to need one."""
    assert {one.key: one.restart for one in blank_settings()}[key] is restart


async def test_where_values_come_from(path: Path) -> None:
    """The environment wins over the file, the file over the default, and no secret is shown."""
    made = editor(path, BRIDGE_POLICY__CACHED="only", BRIDGE_SERVER__PASSWORD="a-password-here")
    found = await shown(made)
    assert (found["policy.cached"].source, found["policy.cached"].value) == ("environment", "only")
    assert found["policy.cached"].given_by == "BRIDGE_POLICY__CACHED"
    assert (found["policy.files.exclude"].source, found["policy.files.exclude"].value) == (
        "file",
        "*sample*",
    )
    assert (found["policy.seed"].source, found["policy.seed"].value) == ("default", "")
    assert (found["torbox.api_key"].is_set, found["torbox.api_key"].source) == (True, "file")
    assert found["server.password"].is_set
    page = repr(await made.page())
    for secret in (KEY, "a-password-here", "an-arr-key-of-the-tests"):
        assert secret not in page


async def test_the_key_of_the_plain_variable(tmp_path: Path) -> None:
    """TORBOX_API_KEY counts when nothing else gives a key."""
    found = await shown(editor(tmp_path / "none.yaml", TORBOX_API_KEY="x"))
    key = found["torbox.api_key"]
    assert (key.is_set, key.source, key.given_by) == (True, "environment", "TORBOX_API_KEY")


async def test_a_change_keeps_everything_else(path: Path) -> None:
    """Only the changed lines differ; comments, order and quotes stay."""
    change = SettingsChange(
        set={"policy.cached": "only", "delivery.parallel_files": "8", "policy.files.include": "*.mkv\n*.srt"},
        unset=("torbox.poll_seconds.idle",),
    )  # fmt: skip
    assert await editor(path).save(change) == []
    text = path.read_text(encoding="utf-8")
    for line in TEXT.splitlines():
        kept = not any(word in line for word in ("cached: any", "poll_seconds"))
        assert (line in text) is kept, line
    assert re.search(r"cached: only +# for now", text)
    assert "poll_seconds: {active: 5}" in text
    read = load(path, {})
    assert (read.policy.cached, read.delivery.parallel_files) == ("only", 8)
    assert read.policy.files.include == ("*.mkv", "*.srt")
    assert read.torbox.poll_seconds.idle == 60


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (SettingsChange(set={"policy.cached": "some"}), "policy.cached"),
        (SettingsChange(set={"server.port": "99999"}), "server.port"),
        (SettingsChange(set={"delivery.mode": "symlink"}), "delivery.mount"),
        (SettingsChange(set={"policy.casched": "any"}), "is not a setting"),
        (SettingsChange(unset=("nonsense",)), "is not a setting"),
        (SettingsChange(set={"categories": "a: [b"}), "not YAML"),
        (SettingsChange(arr=(ArrEntry(name="x", kind="sonarr", url="http://x"),)), "api_key"),
        (SettingsChange(notify=(NotifyEntry(name="x", kind="telegram", url="http://x", events=()),)), "kind"),
    ],
)  # fmt: skip
async def test_what_is_wrong_changes_nothing(path: Path, change: SettingsChange, says: str) -> None:
    """The reason is that of the start, and the file is as it was."""
    problems = await editor(path).save(change)
    assert any(says in problem for problem in problems), problems
    assert not any("/tmp/torbox-bridge-settings" in problem for problem in problems)
    assert path.read_text(encoding="utf-8") == TEXT


async def test_the_environment_cannot_be_overruled(path: Path) -> None:
    """What a variable gives cannot be changed here, and that is said."""
    made = editor(path, BRIDGE_POLICY__CACHED="only", BRIDGE_ARR="[]")
    for change in (SettingsChange(set={"policy.cached": "any"}), SettingsChange(arr=())):
        (problem,) = await made.save(change)
        assert "from the environment" in problem


async def test_a_new_file_is_private(tmp_path: Path) -> None:
    """It is made with its directory, and only its owner may read it: keys are in it."""
    path = tmp_path / "config" / "bridge.yaml"
    told: list[bool] = []
    made = SettingsEditor(path, {}, can_restart=False, key_changed=lambda: told.append(True))
    assert (await made.page()).writable
    assert await made.save(SettingsChange(set={"torbox.api_key": KEY})) == []
    assert told == [True]
    assert path.stat().st_mode & 0o777 == 0o600
    key = load(path, {}).torbox.api_key
    assert key is not None
    assert key.reveal() == KEY
    assert [file.name for file in path.parent.iterdir()] == ["bridge.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The page says how to change that, and what helps until then."""
    place = tmp_path / "place"
    place.mkdir(mode=0o500)
    page = await editor(place / "bridge.yaml").page()
    assert not page.writable
    assert "BRIDGE_CONFIG" in page.problem
    assert "TORBOX_API_KEY" in page.problem


async def test_a_file_that_is_no_yaml(path: Path) -> None:
    """It is shown as a problem, and never written over."""
    path.write_text("torbox: [", encoding="utf-8")
    made = editor(path)
    page = await made.page()
    assert not page.writable
    assert "line" in page.problem
    assert await made.save(SettingsChange(set={"policy.cached": "only"}))
    assert path.read_text(encoding="utf-8") == "torbox: ["


async def test_arr_entries(path: Path) -> None:
    """One is added, one is changed; keys that are not given anew stay, and so do comments."""
    made = editor(path)
    (sonarr,) = (await made.page()).arr
    assert (sonarr.name, sonarr.key_is_set, sonarr.api_key) == ("sonarr", True, "")
    radarr = ArrEntry(
        name="radarr",
        kind="radarr",
        url="http://radarr:7878/",
        api_key="k" * 32,
        categories=("films",),
    )
    moved = ArrEntry(
        name="sonarr", kind="sonarr", url="http://other:8989", categories=("tv", "anime")
    )
    assert await made.save(SettingsChange(arr=(moved, radarr))) == []
    read = load(path, {}).arr
    assert [(one.name, one.url, one.categories) for one in read] == [
        ("sonarr", "http://other:8989", ("tv", "anime")),
        ("radarr", "http://radarr:7878", ("films",)),
    ]
    assert read[0].api_key.reveal() == "an-arr-key-of-the-tests"
    assert "# the living room" in path.read_text(encoding="utf-8")
    assert await made.save(SettingsChange(arr=())) == []
    assert load(path, {}).arr == ()


async def test_notify_entries(path: Path) -> None:
    """A receiver is kept with its secret, which is not shown again."""
    made = editor(path)
    phone = NotifyEntry(
        name="phone", kind="ntfy", events=("failed",), url="https://ntfy.sh/topic-x"
    )
    assert await made.save(SettingsChange(notify=(phone,))) == []
    (shown_again,) = (await made.page()).notify
    assert (shown_again.url, shown_again.url_is_set) == ("", True)
    assert (
        await made.save(
            SettingsChange(
                notify=(shown_again.__class__(name="phone", kind="ntfy", events=("blocked",)),)
            )
        )
        == []
    )
    (read,) = load(path, {}).notify
    assert (read.url.reveal(), read.events) == ("https://ntfy.sh/topic-x", ("blocked",))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1, max_size=20))
async def test_any_text_comes_back(path: Path, text: str) -> None:
    """What is saved as a password is read as the same password, or refused."""
    path.write_text(TEXT, encoding="utf-8")
    if await editor(path).save(SettingsChange(set={"server.password": text})) == []:
        password = load(path, {}).server.password
        assert password is not None
        assert password.reveal() == text
