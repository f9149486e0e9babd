"""Settings: what is read, and which source wins."""

from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.config import (
    FilePolicy,
    Policy,
    Secret,
    Settings,
    find_config,
    load,
)
from tests.support.config import ARR, Write, problems, secret, writer

KEY = "made-up-torbox-key"


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Write:
    return writer(tmp_path)


def test_nothing_given_is_the_defaults(file: Write) -> None:
    """No file, an empty file and empty sections all mean the defaults."""
    assert load(None, {}) == Settings()
    assert load(file(""), {}) == Settings()
    assert (
        load(file("# nothing\nserver:\ncategories:\narr:\npolicy: {files: null}\n"), {})
        == Settings()
    )


def test_the_file_is_read(file: Write) -> None:
    """Values arrive in their types and units."""
    found = load(
        file(
            "server: {port: 9090, url_base: torbox/, trusted_proxies: [10.0.0.0/8, '::1']}\n"
            "torbox: {timeout_seconds: 45s, base_url: http://sim:1/}\n"
            "paths: {database: ~/bridge.db, downloads: /data}\n"
            "delivery: {limit_bytes_per_second: 500KB, min_free_bytes: 2GiB}\n"
            "policy: {stalled_after: null, metadata_after: 90}\n"
            "qbittorrent: {profile: 4.6}\n"
        ),
        {},
    )
    assert (found.server.port, found.server.url_base) == (9090, "/torbox")
    assert found.server.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert (found.torbox.timeout_seconds, found.torbox.base_url) == (45.0, "http://sim:1")
    assert found.paths.database == Path.home() / "bridge.db"
    assert found.paths.incomplete_directory == Path("/data/.incomplete")
    assert found.delivery.limit_bytes_per_second == 500_000
    assert found.delivery.min_free_bytes == 2 * 1024**3
    assert (found.policy.stalled_after, found.policy.metadata_after) == (None, 90.0)
    assert found.qbittorrent.profile == "4.6"


def test_the_environment_wins(file: Write) -> None:
    """A variable replaces what the file says, an empty one does not."""
    path = file("server: {port: 1, host: a}\nlog: {level: debug}\n")
    environ = {
        "BRIDGE_SERVER__PORT": "2",
        "BRIDGE_SERVER__HOST": "",
        "BRIDGE_TORBOX__POLL_SECONDS__ACTIVE": "9",
        "BRIDGE_POLICY__FILES__MIN_SIZE": "10KiB",
        "UNRELATED": "x",
    }
    found = load(path, environ)
    assert (found.server.port, found.server.host, found.log.level) == (2, ("a",), "debug")
    assert (found.torbox.poll_seconds.active, found.torbox.poll_seconds.idle) == (9.0, 60.0)
    assert found.policy.files.min_size == 10240


@pytest.mark.parametrize("text", ["1234", "true", "null", "~", "0x1F", "*a", "{a: b}", " a b "])
def test_text_in_the_environment_is_text(text: str) -> None:
    """A password is taken letter by letter, whatever YAML would make of it."""
    found = load(None, {"BRIDGE_SERVER__PASSWORD": text})
    assert secret(found.server.password) == text


@pytest.mark.parametrize("text", ["1234", "0123", "true", "1:30", "no"])
def test_text_in_the_file_is_text(text: str, file: Write) -> None:
    """A password without quotes is not taken for a number or a truth value."""
    found = load(file(f"server: {{password: {text}}}"), {})
    assert secret(found.server.password) == text


def test_null_in_the_environment_clears_what_is_not_text(file: Write) -> None:
    """`null` as a duration is never."""
    path = file("policy: {give_up_after: 1d, delivery: none}")
    environ = {"BRIDGE_POLICY__GIVE_UP_AFTER": "null", "BRIDGE_POLICY__DELIVERY": "null"}
    assert load(path, environ) == Settings()


@pytest.mark.parametrize("text", ["*.mkv,*.mp4", " *.mkv , *.mp4 ", '["*.mkv", "*.mp4"]'])
def test_lists_in_the_environment(text: str) -> None:
    """A list is commas or JSON."""
    found = load(None, {"BRIDGE_POLICY__FILES__INCLUDE": text})
    assert found.policy.files.include == ("*.mkv", "*.mp4")


def test_categories_and_arr_in_the_environment(file: Write) -> None:
    """Mappings are JSON or YAML; a category that the file has too is merged."""
    path = file("categories: {tv: {save_path: /tv, policy: {seed: never}}, films: {}}")
    environ = {
        "BRIDGE_CATEGORIES": '{"tv": {"policy": {"cached": "only"}}}',
        "BRIDGE_ARR": f"[{ARR}]",
    }
    found = load(path, environ)
    assert list(found.categories) == ["tv", "films"]
    assert found.categories["tv"].save_path == "/tv"
    assert found.policy_for("tv") == Policy(cached="only", seed="never")
    assert found.arr[0].url == "http://a:8989"


def test_a_category_differs_only_where_it_says_so(file: Write) -> None:
    """What a category leaves out is as in the default policy, down to the file rules."""
    found = load(
        file(
            "delivery: {mode: none}\n"
            "policy: {stalled_after: 2h, give_up_after: 1d, files: {exclude: [x]}}\n"
            "categories:\n"
            "  tv: {policy: {give_up_after: null, delivery: download, files: {min_size: 1KB}}}\n"
        ),
        {},
    )
    rules = FilePolicy(min_size=1000, exclude=("x",))
    own = Policy(stalled_after=7200.0, give_up_after=None, delivery="download", files=rules)
    assert found.policy_for("tv") == own
    assert found.policy_for("other") == found.policy_for("") == found.policy
    assert (found.delivery_mode("tv"), found.delivery_mode("other")) == ("download", "none")


def test_a_category_without_a_policy_follows_the_default(file: Write) -> None:
    """Neither an absent, a null nor an empty policy changes anything."""
    found = load(
        file(
            "policy: {cached: only, clean_up: {after: 1d}}\n"
            "categories: {a: {}, b: {policy: null}, c: {policy: {}}, d: {policy: {clean_up: }}}\n"
        ),
        {},
    )
    assert [found.policy_for(name) for name in "abcd"] == [found.policy] * 4


def test_a_mistake_in_the_default_policy_is_told_once(file: Write) -> None:
    """Categories inherit the default policy, but not its problems."""
    path = file("policy: {cached: maybe}\ncategories: {a: {policy: {adopt: true}}, b: {}}\n")
    assert problems(path) == ['bridge.yaml:1: policy.cached: expected any or only, got "maybe"']


@pytest.mark.parametrize(
    ("text", "hosts"),
    [("'::'", ("::",)), ("[0.0.0.0, '::1']", ("0.0.0.0", "::1")), ("[a]", ("a",))],
)
def test_one_address_or_several(file: Write, text: str, hosts: tuple[str, ...]) -> None:
    """`server.host` takes a single address or a list."""
    assert load(file(f"server: {{host: {text}}}"), {}).server.host == hosts
    environ = {"BRIDGE_SERVER__HOST": ",".join(hosts)}
    assert load(None, environ).server.host == hosts


def test_what_kubernetes_sets_is_no_mistake() -> None:
    """A Kubernetes service called `bridge` does not keep the bridge from starting."""
    environ = {
        "BRIDGE_SERVICE_HOST": "10.0.0.1",
        "BRIDGE_SERVICE_PORT_HTTP": "8080",
        "BRIDGE_PORT": "tcp://10.0.0.1:8080",
        "BRIDGE_PORT_8080_TCP_ADDR": "10.0.0.1",
    }
    assert load(None, environ) == Settings()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A file that was asked for has to exist."""
    found = problems(tmp_path / "none.yaml")
    assert found == ["cannot read none.yaml: No such file or directory"]


def test_the_key_of_torbox_has_four_names(file: Write, tmp_path: Path) -> None:
    """The bridge's own variable wins over the file, and TORBOX_API_KEY only fills a gap."""
    holder = tmp_path / "key"
    holder.write_text("from-a-file\n", encoding="utf-8")
    own, plain = {"BRIDGE_TORBOX__API_KEY": "own"}, {"TORBOX_API_KEY": "plain"}
    path = file("torbox: {api_key: in-yaml}")
    assert secret(load(path, own | plain).torbox.api_key) == "own"
    assert secret(load(path, plain).torbox.api_key) == "in-yaml"
    assert secret(load(None, plain).torbox.api_key) == "plain"
    in_file = {"TORBOX_API_KEY_FILE": str(holder)}
    assert secret(load(None, in_file).torbox.api_key) == "from-a-file"


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_secrets_in_files(ending: str, file: Write, tmp_path: Path) -> None:
    """Each secret can be in a file; one newline at its end is no part of it."""
    holder = tmp_path / "secret"
    holder.write_text(f"made-up-secret-text{ending}", encoding="utf-8", newline="")
    entry = ARR.replace("api_key: made-up", f"api_key_file: {holder}")
    path = file(f"server: {{password_file: {holder}}}\narr: [{entry}]\n")
    found = load(path, {"BRIDGE_SERVER__API_KEY_FILE": str(holder)})
    assert found.secrets() == ("made-up-secret-text",) * 3


def test_a_secret_and_its_file_replace_each_other(file: Write, tmp_path: Path) -> None:
    """The environment wins over the file also when one gives the secret and one its file."""
    holder = tmp_path / "secret"
    holder.write_text("from-a-file", encoding="utf-8")
    text = load(file("torbox: {api_key: k}"), {"BRIDGE_TORBOX__API_KEY_FILE": str(holder)})
    assert secret(text.torbox.api_key) == "from-a-file"
    held = load(file("torbox: {api_key_file: /none}"), {"BRIDGE_TORBOX__API_KEY": KEY})
    assert secret(held.torbox.api_key) == KEY


def test_secrets_do_not_show(file: Write) -> None:
    """Neither repr, str nor format of settings or secrets tells the secret."""
    found = load(
        file(f"server: {{password: hunter22, api_key: hunter22-hunter22}}\narr: [{ARR}]"),
        {"TORBOX_API_KEY": "hunter22"},
    )
    one = secret(found.server.password)
    for shown in (repr(found), str(found), f"{found}", repr(found.torbox.api_key)):
        assert "hunter22" not in shown
        assert "made-up" not in shown
    assert f"{Secret(one)} {Secret(one)!r}" == "*** Secret(***)"
    assert set(found.secrets()) == {"hunter22", "hunter22-hunter22", "made-up"}


def test_secrets_are_compared_by_text() -> None:
    """Two settings with the same secret are the same, with another they differ."""
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_which_file_is_read(tmp_path: Path) -> None:
    """The argument goes before BRIDGE_CONFIG, and that before a default that exists."""
    default = tmp_path / "default.yaml"
    environ = {"BRIDGE_CONFIG": "/from/environment.yaml"}
    argument = Path("/from/argument.yaml")
    assert find_config(argument, environ, default=default) == argument
    assert find_config(None, environ, default=default) == Path("/from/environment.yaml")
    assert find_config(None, {"BRIDGE_CONFIG": ""}, default=default) is None
    default.touch()
    assert find_config(None, {}, default=default) == default
    assert load(None, environ) == Settings()


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("{}", "http://127.0.0.1:8080"),
        ("{host: '::', port: 90}", "http://[::1]:90"),
        ("{host: 192.0.2.1, url_base: torbox}", "http://192.0.2.1:8080/torbox"),
        ("{host: '2001:db8::1'}", "http://[2001:db8::1]:8080"),
    ],
)
def test_where_this_machine_reaches_the_bridge(file: Write, server: str, url: str) -> None:
    """A bridge on all addresses is on the loopback too; IPv6 addresses have their brackets."""
    assert load(file(f"server: {server}\n"), {}).server.local_url == url


@pytest.mark.parametrize(
    ("public", "root"),
    [
        ("null", None),
        ("http://nas:8080", "http://nas:8080/torbox"),
        ("http://nas:8080/torbox", "http://nas:8080/torbox"),
    ],
)
def test_where_media_servers_reach_the_bridge(file: Write, public: str, root: str | None) -> None:
    """The URL base is added to the public URL, unless it was given with it."""
    text = f"server: {{url_base: torbox}}\ndelivery: {{public_url: {public}}}\n"
    assert load(file(text), {}).public_root == root
