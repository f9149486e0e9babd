"""Settings: what is refused, and how that is told."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.config import ConfigError, load
from tests.support.config import ARR, Write, problems, writer

KEY = "made-up-torbox-key"


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Write:
    return writer(tmp_path)


YAML_PROBLEMS = [
    (
        "torbox:\n  poll_second: 1\n",
        "bridge.yaml:2: torbox.poll_second is not a setting; did you mean poll_seconds?",
    ),
    ("port: 80\n", "bridge.yaml:1: port is not a setting; did you mean server.port?"),
    (
        "log: {colour: red}",
        "bridge.yaml:1: log.colour is not a setting; it could be level, format",
    ),
    (
        "server:\n  port: http\n",
        'bridge.yaml:2: server.port: expected an integer between 0 and 65535, got "http"',
    ),
    (
        "server: {port: 65536}",
        'bridge.yaml:1: server.port: expected an integer between 0 and 65535, got "65536"',
    ),
    (
        "server: {port: null}",
        "bridge.yaml:1: server.port: expected an integer between 0 and 65535, got null",
    ),
    (
        "server: 5",
        "server: expected lines such as `key: value`, with a space after the colon, for host,",
    ),
    ("server: {host: [[a]]}", "server.host[0]: expected text without spaces, got a list"),
    ("server: {host: {a: b}}", "server.host: expected an address or a list of addresses, got a"),
    ("server: {host: null}", "server.host: expected an address or a list of addresses, got null"),
    ("server: {host: []}", "server.host: expected at least one value, got an empty list"),
    ("server: {url_base: /a b}", "bridge.yaml:1: server.url_base: expected a path such as /torbox"),
    ("server: {url_base: /../a}", "bridge.yaml:1: server.url_base: expected a path such as"),
    ("server: {trusted_proxies: [me]}", "bridge.yaml:1: server.trusted_proxies[0]: expected an IP"),
    ("server: {trusted_proxies: 10.0.0.1}", "expected a list, got a single value"),
    (
        "server: {api_key: short}",
        "expected a key of at least 16 characters without spaces, or null",
    ),
    ("server: {api_key: 'long enough but spaces'}", "server.api_key: expected a key of at least"),
    ("server: {password: ''}", "server.password: expected text that is not empty, or null"),
    ("torbox: {timeout_seconds: 301}", "timeout_seconds: expected between 1 and 300 seconds"),
    ("torbox: {poll_seconds: {active: 0.5}}", "poll_seconds.active: expected between 1 and"),
    ("torbox: {base_url: ftp://a}", "torbox.base_url: expected an http or https URL"),
    ("torbox: {base_url: 'http://a:99999'}", "torbox.base_url: expected an http or https URL"),
    ("paths: {downloads: relative}", 'paths.downloads: expected an absolute path, got "relative"'),
    ("delivery: {parallel_files: 65}", "parallel_files: expected an integer between 1 and 64"),
    ("delivery: {connections_per_file: 0}", "expected an integer between 1 and 16, got"),
    ("delivery: {limit_bytes_per_second: 0}", "expected a size above 0"),
    ("delivery: {min_free_bytes: 1 potato}", "expected a size such as 500MB or 1GiB"),
    ("policy: {cached: maybe}", 'policy.cached: expected any or only, got "maybe"'),
    ("policy: {delivery: ftp}", "expected download, symlink, strm, none, aria2 or null, got"),
    ("policy: {stalled_after: 0}", "policy.stalled_after: expected a duration of at least 1s"),
    ("policy: {stalled_after: 6 o'clock}", "policy.stalled_after: expected a duration of at least"),
    ("categories: {a//b: {}}", "bridge.yaml:1: categories.a//b: expected a name without"),
    ("categories: {/a: {}}", "expected a name without"),
    (r"categories: {'a\b': {}}", "expected a name without"),
    ("categories: {tv: {save_path: tv}}", "categories.tv.save_path: expected an absolute path"),
    (
        "categories: {tv: {policy: {file: 1}}}",
        "categories.tv.policy.file is not a setting; did you",
    ),
    ("categories: [tv]", "bridge.yaml:1: categories: expected a mapping of names, got a list"),
    ("arr:\n- {name: a}\n", "bridge.yaml:2: arr[0]: url is missing"),
    (f"arr: [{ARR}, {ARR}]", 'bridge.yaml:1: arr: two entries are named "a"'),
    ("delivery:\n  mode: symlink\n", "bridge.yaml:2: delivery.mode: symlink needs delivery.mount"),
    ("policy: {delivery: strm}", "bridge.yaml:1: policy.delivery: strm needs delivery.public_url"),
    ("categories: {a: {policy: {delivery: strm}}}", "categories.a.policy.delivery: strm needs"),
    ("qbittorrent: {profile: 6}", 'profile: expected 4.6 or 5.1, got "6"'),
    ("log:\n  level: info\n  level: debug\n", "bridge.yaml:3: log.level is given twice, first in"),
    ("- a\n", "bridge.yaml:1: expected sections"),
    ("just words", "bridge.yaml:1: expected sections"),
    ("server:\n\tport: 1\n", "bridge.yaml:2: column 1: tabs cannot indent; use spaces"),
    ("server: {port: 1", "bridge.yaml:1: column 9: this bracket has no end"),
    ("log: {level: debug\npaths: {downloads: /x}\n", "bridge.yaml:1: column 6: this bracket has"),
    ("policy: {files: {include: ['*.mkv'\n", "bridge.yaml:1: column 27: this bracket has no end"),
    ("categories: [", "bridge.yaml:1: column 14: the text ends before its brackets do"),
    ('torbox:\n  api_key: "a\nlog:\n  level: info\n', "bridge.yaml:2: column 12: this quote has"),
    ("server:\n  port: '8080\n---\n", "bridge.yaml:2: column 9: this quote has no end"),
    (r'paths: {downloads: "C:\data"}', r"column 24: a \ in double quotes begins an escape"),
    ("torbox\n  api_key: a\n", "bridge.yaml:2: column 10: a colon here: a value with one needs"),
    ("log: a: b\n", "bridge.yaml:1: column 7: a colon here: a value with one needs quotes, or"),
    (
        "log:\n  level: info\n  format\nserver: {}\n",
        "bridge.yaml:3: column 3: this line has no colon",
    ),
    ("log:\n    level: info\n  format: json\n", "bridge.yaml:3: column 3: indented otherwise than"),
    ("arr: - name: a\n", "bridge.yaml:1: column 6: a list begins on a line of its own"),
    ("log:\n  level: 'info' x\n", "bridge.yaml:2: column 17: text after the end of a value"),
    ("torbox: {api_key: @a}", "bridge.yaml:1: column 19: a value that begins with @ needs quotes"),
    ("torbox:\n  api_key: %a\n", "bridge.yaml:2: column 12: a value that begins with % needs"),
    ("a: 1\n---\nb: 2\n", "bridge.yaml:2: column 1: only one document is allowed"),
    ("log:\n  level:info\n", "bridge.yaml:1: log: expected lines such as `key: value`, with a"),
    ("policy: {files: {include: [*.mkv]}}", "column 29: a value that begins with *"),
    ("torbox: {api_key: !env KEY}", "torbox.api_key: tags such as !name are not understood"),
    ("? [a]\n: b\n", "bridge.yaml:1: a key must be plain text"),
    ("a: &a [*a]\n", "too many values or levels"),
    ("[" * 700, "nested too deeply"),
    ("a: \x01\n", "bridge.yaml:1: not readable as UTF-8 text"),
    ("#" * 1_000_001, "longer than 1000000 bytes"),
]


@pytest.mark.parametrize(("text", "problem"), YAML_PROBLEMS)
def test_problems_in_the_file(text: str, problem: str, file: Write) -> None:
    """A problem names the file, the line, the key and what is allowed."""
    found = problems(file(text))
    assert any(problem in line for line in found), found
    assert all(line.startswith("bridge.yaml:") for line in found)


ENVIRONMENT_PROBLEMS = [
    (
        {"BRIDGE_SERVER__PORT": "http"},
        'environment BRIDGE_SERVER__PORT: expected an integer between 0 and 65535, got "http"',
    ),
    (
        {"BRIDGE_TORBOX__API_KYE": KEY},
        "environment BRIDGE_TORBOX__API_KYE is not a setting; did you mean BRIDGE_TORBOX__API_KEY?",
    ),
    (
        {"BRIDGE_PORT": "8080"},
        "environment BRIDGE_PORT is not a setting; did you mean BRIDGE_SERVER__PORT?",
    ),
    (
        {"BRIDGE_POLICY__DELIVERY": "ftp"},
        (
            "environment BRIDGE_POLICY__DELIVERY: expected download, symlink, strm, none, aria2 or null,"
            ' got "ftp"'
        ),
    ),
    (
        {"BRIDGE_ARR": "[{name: a, kind: x, url: 'http://a', api_key: k}]"},
        (
            "environment BRIDGE_ARR: [0].kind: expected sonarr, radarr, lidarr, readarr or whisparr,"
            ' got "x"'
        ),
    ),
    (
        {"BRIDGE_CATEGORIES": "{"},
        ("environment BRIDGE_CATEGORIES: column 2: the text ends before its brackets do"),
    ),
]


@pytest.mark.parametrize(("environ", "problem"), ENVIRONMENT_PROBLEMS)
def test_problems_in_the_environment(environ: dict[str, str], problem: str) -> None:
    """A problem names the variable and what is allowed."""
    assert problems(None, environ) == [problem]


def test_all_problems_at_once(file: Write) -> None:
    """One start is enough to learn of every mistake, wherever it stands."""
    path = file("server: {port: x}\ntorbox: {nonsense: 1}\narr: [{kind: y}]\n")
    found = problems(path, {"BRIDGE_LOG__LEVEL": "loud", "BRIDGE_NONSENSE": "1"})
    words = ["NONSENSE", "port", "nonsense", "kind", "name", "url", "api_key", "LEVEL"]
    assert len(found) == len(words)
    assert all(any(word in line for line in found) for word in words)


def test_an_alias_bomb_is_refused(file: Write) -> None:
    """Nested aliases that would grow without end are refused quickly."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    assert any("too many values" in line for line in problems(file("\n".join(lines))))


def test_problems_with_files_of_secrets(file: Write, tmp_path: Path) -> None:
    """A file that cannot be used is named, and so are two sources for one secret."""
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    path = file(f"torbox: {{api_key_file: {tmp_path}}}\nserver: {{password_file: {tmp_path}/none}}")
    assert problems(path) == [
        f"bridge.yaml:1: torbox.api_key_file: cannot read {tmp_path}: Is a directory",
        "bridge.yaml:2: server.password_file: cannot read none: No such file or directory",
    ]
    both = {"BRIDGE_SERVER__PASSWORD": "a", "BRIDGE_SERVER__PASSWORD_FILE": "/b"}
    assert problems(None, both) == [
        "environment BRIDGE_SERVER__PASSWORD_FILE: password is given as well; keep one of the two"
    ]
    for name in ("empty", "binary"):
        (line,) = problems(None, {"BRIDGE_TORBOX__API_KEY_FILE": str(tmp_path / name)})
        assert line.startswith("environment BRIDGE_TORBOX__API_KEY_FILE: ")


@pytest.mark.parametrize(
    "text",
    [
        "server: {api_key: hunter2 hunter2 hunter2}",
        "torbox: {api_key: hunter2 hunter2}",
        "torbox: {api_key: [hunter2]}",
        "torbox: {api_key: *hunter2}",
        "torbox: {api_key: !hunter2 x}",
        "torbox: {api_key: 'hunter2}",
        "torbox: {api_key: !hunter2!x y}",
        "torbox:\n  api_key: hunter2: hunter2",
        "torbox:\n  api_key: %hunter2",
        "torbox:\n  api_key:hunter2",
        "torbox: {api_key:hunter2}",
        "torbox: {api_key=hunter2}",
        "torbox: {api_key_file: hunter2}",
        "api_key:hunter2",
        "arr: api_key:hunter2",
        "torbox: {base_url: 'http://hunter2:hunter2@host'}",
    ],
)
def test_secrets_do_not_show_in_problems(text: str, file: Write) -> None:
    """A mistake around a secret is told without the secret."""
    assert "hunter2" not in "\n".join(problems(file(text)))


@settings(max_examples=150, deadline=None)
@given(st.text() | st.text("{}[]:,-&*!|>'\"%@`#?~ \n\tabc"))
@example("=: 1")
@example("<<: 1")
@example("? \n")
def test_any_text_is_settings_or_a_list_of_problems(text: str) -> None:
    """No text of categories breaks the reading."""
    environ = {"BRIDGE_CATEGORIES": text, "BRIDGE_SERVER__TRUSTED_PROXIES": text}
    told: list[str] | None = None
    try:
        load(None, environ)
    except ConfigError as error:
        told = error.problems
    assert told is None or all(problem.startswith("environment ") for problem in told)
    assert told != []
