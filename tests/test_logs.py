"""Logs: what is shown, how, and what never is."""

import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from structlog.typing import EventDict

from bridge.logs import CRITICAL, INFO, NORMAL, WARNING, Mask, RecentLogs

ROOT = Path(__file__).parent.parent
KEYS = ("Tb-0123456789abcdef", 'pa"ss wörd\\1', "http-key/+=&")

PROGRAM = """
import logging
from dataclasses import dataclass

import structlog

from bridge import logs

KEYS = {keys!r}
log = structlog.get_logger()


@dataclass
class Holder:
    inner: object


def say_everything(key):
    log.info(f"plain {{key}} text")
    log.info("said %s", key)
    log.warning("value", where=key, other=f"x{{key}}y", number=7)
    log.info("nested", data={{"a": [key, (key, {{key}}), {{"b": {{key: 1}}}}]}})
    log.info("raw", data=key.encode(), holder=Holder(Holder(key)), error=ValueError(key))
    log.bind(bound=key).error("bound")
    structlog.contextvars.bind_contextvars(context=key)
    log.info("context")
    logging.getLogger("aiohttp.server").error("stdlib %s %r", key, key)
    logging.getLogger("asyncio").warning("extra", extra={{"key": key}})
    try:
        try:
            raise KeyError(key)
        except KeyError as error:
            raise RuntimeError(f"because of {{key}}") from error
    except RuntimeError:
        log.exception("failed")
        logging.getLogger("aiohttp.web").exception("failed too")
    structlog.contextvars.clear_contextvars()


logs.setup("debug", {style!r})
logs.mask(*KEYS)
for key in KEYS:
    say_everything(key)
log.info("last", kept="this stays")
"""


def run(program: str) -> str:
    """Run a program of its own; answers what it wrote to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
        timeout=30,
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("style", ["json", "console", "auto"])
def test_no_secret_comes_through(style: str) -> None:
    """A registered secret is masked in every place of an event, whatever logs it."""
    written = run(PROGRAM.format(keys=KEYS, style=style))
    assert written.count("failed") >= 2 * len(KEYS)
    assert "because of ***" in written
    assert "this stays" in written
    for key in KEYS:
        for form in (key, json.dumps(key)[1:-1], repr(key)[1:-1], repr(key.encode())[2:-1]):
            assert form not in written
    assert "lost" not in written


def test_json_lines() -> None:
    """Without a terminal each line is one JSON object with an UTC time, also from other loggers."""
    written = run(
        """
        import logging, structlog
        from bridge import logs
        logs.setup("info", "auto")
        structlog.get_logger().debug("not shown")
        structlog.get_logger().info("download_added", hash="abc", size=3, ok=True, none=None)
        logging.getLogger("aiohttp.server").warning("from %s", "aiohttp")
        logging.getLogger("aiohttp.access").info("GET /?token=x")
        """
    )
    ours, theirs = [json.loads(line) for line in written.splitlines()]
    assert (ours["event"], ours["hash"], ours["size"], ours["level"]) == (
        "download_added",
        "abc",
        3,
        "info",
    )
    assert (ours["ok"], ours["none"]) == (True, None)
    assert datetime.fromisoformat(ours["timestamp"]).utcoffset() == timedelta(0)
    assert (theirs["event"], theirs["level"]) == ("from aiohttp", "warning")
    assert theirs["logger"] == "aiohttp.server"


def test_the_console_keeps_one_line_an_event() -> None:
    """A torrent's name can neither forge a line nor drive the terminal."""
    written = run(
        """
        import structlog
        from bridge import logs
        logs.setup("info", "console")
        structlog.get_logger().info("first\\nsecond", word="a\\x1b[2Jb", next="c\\nd")
        structlog.get_logger().info("added", name="evil\\n2026 [error] forged\\x1b[2J\\u2028")
        """
    )
    assert len(written.splitlines()) == 2
    assert "\x1b" not in written
    assert "forged" in written


@pytest.mark.parametrize(("zone", "offset"), [("UTC0", "+0000"), ("XYZ-5:30", "+0530")])
def test_people_read_local_time(zone: str, offset: str) -> None:
    """The console shows the time of the zone in `TZ`; JSON stays with UTC."""
    written = run(
        f"""
        import os, time, structlog
        os.environ["TZ"] = {zone!r}
        time.tzset()
        from bridge import logs
        for style in ("console", "json"):
            logs.setup("info", style)
            structlog.get_logger().info("hello")
        """
    )
    console, json_line = written.splitlines()
    assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\{offset} \[info", console)
    assert json.loads(json_line)["timestamp"].endswith("Z")


def test_the_level_can_change() -> None:
    """A new level holds from then on, also for other loggers."""
    written = run(
        """
        import logging, structlog
        from bridge import logs
        logs.setup("error", "json")
        log = structlog.get_logger()
        log.info("not shown")
        logs.set_level("debug")
        log.debug("shown")
        logging.getLogger("other").debug("shown")
        logs.set_level("warning")
        log.info("not shown")
        """
    )
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["shown", "shown"]


def test_a_terminal_gets_colours() -> None:
    """`auto` on a terminal is coloured console output, JSON is never coloured."""
    program = """
        import io, sys, structlog
        from bridge import logs

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        logs.setup("info", {style!r}, terminal)
        structlog.get_logger().info("hello")
        sys.stderr.write(terminal.getvalue())
    """
    assert "\x1b[" in run(program.format(style="auto"))
    assert json.loads(run(program.format(style="json")))["event"] == "hello"


def test_a_line_that_cannot_be_written_is_no_leak() -> None:
    """When rendering fails, the loss is told without what should have been logged."""
    written = run(
        """
        import logging
        from bridge import logs
        logs.setup("info", "json")
        logging.getLogger("other").warning("%d", "made-up-secret")
        """
    )
    assert written == "a log line of other was lost: TypeError\n"


def test_a_stream_that_takes_nothing_stops_no_work() -> None:
    """A full disk behind the log is no reason to fail what is logged; the loss is told if it can be."""
    written = run(
        """
        import io, logging, sys, structlog
        from bridge import logs

        class Full(io.StringIO):
            def write(self, text):
                if "hello" in text:
                    raise OSError(28, "No space left on device")
                return sys.stderr.write(text)

        logs.setup("info", "json", Full())
        structlog.get_logger("ours").info("hello")
        logging.getLogger("theirs").warning("hello")
        """
    )
    assert written.splitlines() == [
        "a log line of ours was lost: OSError",
        "a log line of theirs was lost: OSError",
    ]


def test_each_line_names_its_module() -> None:
    """JSON lines tell which part of the bridge speaks."""
    written = run(
        """
        import structlog
        from bridge import logs
        logs.setup("info", "json")
        structlog.get_logger("bridge.engine.submit").info("hello")
        """
    )
    assert json.loads(written)["logger"] == "bridge.engine.submit"


def test_a_broken_repr_costs_no_line() -> None:
    """What cannot be shown is named by its type."""

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("made-up-secret")

    assert masked({"event": "x", "value": Broken()}) == {"event": "x", "value": "<Broken>"}


def masked(event: EventDict, *secrets: str) -> EventDict:
    """Mask an event with these secrets known."""
    mask = Mask()
    mask.add(*secrets)
    return mask(None, "info", event)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://a/b?token=abc&x=1", "https://a/b?token=***&x=1"),
        ("https://a/b?x=1&api_key=abc", "https://a/b?x=1&api_key=***"),
        ("apikey=abc, more", "apikey=*** more"),
        ("?apiKey=abc#top", "?apiKey=***"),
        ("access_token=abc", "access_token=***"),
        ("tr=http%3A%2F%2Ft%2Fannounce%3Fpasskey%3Dabc&dn=x", "passkey%3D***&dn=x"),
        ("password=abc", "password=***"),
        ("Cookie: SID=abc; a=b", "SID=***"),
        ("Authorization: Bearer abc.def-1", "Authorization: ***"),
        ("authorization: abcdef", "authorization: ***"),
        ("{'Authorization': 'Basic QUJD'}", "{'Authorization': '***'}"),
        ("sent Bearer abc", "sent Bearer ***"),
        ("http://user:abc@host/path", "http://***@host/path"),
        ("http://user:a:b@c@host", "http://***@host"),
        ('{"api_key": "abc", "a": 1}', '{"api_key": "***", "a": 1}'),
        ("{'token': 'abc'}", "{'token': '***'}"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, clean: str) -> None:
    """Tokens and passwords are masked by their looks, also those nobody registered."""
    found = masked({"event": text})["event"]
    assert clean in found
    assert "abc" not in found


@pytest.mark.parametrize(
    "text",
    [
        "Show.S01E01.1080p token of love",
        "https://host:8080/path?category=tv&filter=all",
        "me@example.org has basic rights",
        "magnet:?xt=urn:btih:0123456789012345678901234567890123456789",
        "tokens: 3, design=new, insider=1",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Masking leaves ordinary texts alone."""
    assert masked({"event": text})["event"] == text


def test_a_key_can_say_that_its_value_is_secret() -> None:
    """Values under names such as token are masked, whatever they look like."""
    event = {"event": "x", "token": "abc", "deep": {"X-Api-Key": 5, "password": None}, "side": "a"}
    assert masked(event) == {
        "event": "x",
        "token": "***",
        "deep": {"X-Api-Key": "***", "password": None},
        "side": "a",
    }


def test_short_secrets_are_masked_as_words() -> None:
    """A password `abc` does not garble every word that has it."""
    event = {"event": "abc, abcd, 'abc'", "level": "info", "number": 12, "all": 123}
    assert masked(event, "abc", "12", "info", "") == {
        "event": "***, abcd, '***'",
        "level": "info",
        "number": "***",
        "all": 123,
    }


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("write", [json.dumps, repr, quote, quote_plus, str.encode])
def test_a_secret_is_known_in_other_writings(key: str, write: Callable[[str], object]) -> None:
    """A secret that was escaped on its way into the log is masked all the same."""
    found = masked({"event": "x", "value": write(key)}, key)["value"]
    assert found.strip("b'\"") == "***"


def test_the_longest_secret_goes_first() -> None:
    """A secret that begins with another leaves no rest."""
    assert masked({"event": "secret-and-more"}, "secret", "secret-and-more") == {"event": "***"}


def test_what_has_no_end_is_cut() -> None:
    """A value that holds itself is logged up to some depth."""
    endless: list[object] = []
    endless.append(endless)
    assert "…" in str(masked({"event": "x", "value": endless}))


VALUES = st.recursive(
    st.text() | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(secret=st.text(min_size=6, max_size=20), before=st.text(), value=VALUES)
def test_a_long_secret_never_stays(secret: str, before: str, value: object) -> None:
    """Wherever a secret stands in an event, it does not come out."""
    assume(secret not in "***…event value" and "*" not in secret)
    found = masked({"event": before + secret, "value": [value, {before: secret}]}, secret)
    assert not list(holders(found, secret))


def holders(value: object, secret: str) -> list[str]:
    """List the texts within a value that hold the secret."""
    if isinstance(value, dict):
        return [text for part in value.items() for text in holders(list(part), secret)]
    if isinstance(value, list):
        return [text for part in value for text in holders(part, secret)]
    return [value] if isinstance(value, str) and secret in value else []


def test_recent_logs() -> None:
    """The last messages are kept with qBittorrent's types, and found by id and type."""
    times = iter([1.0, 2.0, 3.0, 4.0])
    recent = RecentLogs(lambda: next(times), size=3)
    for level in ("debug", "info", "warning", "critical"):
        event = {"event": f"said_{level}", "level": level, "b": 2, "a": 1, "logger": "x"}
        assert recent(None, level, event) is event
    found = recent.since()
    assert [(one.id, one.type, one.timestamp) for one in found] == [
        (1, INFO, 2.0),
        (2, WARNING, 3.0),
        (3, CRITICAL, 4.0),
    ]
    assert found[0].message == "said_info a=1 b=2"
    assert [one.id for one in recent.since(1)] == [2, 3]
    assert [one.id for one in recent.since(types=NORMAL | CRITICAL)] == [3]
