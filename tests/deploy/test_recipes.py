"""Compose files, Kubernetes manifests, the Unraid template and the systemd unit."""

import configparser
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load
from bridge.config.environment import variables
from tests.support.peers import find

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
IMAGE = "ghcr.io/torbox-bridge/torbox-bridge:1"
COMPOSE = ROOT / "compose.example.yaml"
SECRETS = ROOT / "compose.secrets.example.yaml"
UNIT = DEPLOY / "systemd" / "torbox-bridge.service"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
RECIPES = [
    COMPOSE,
    SECRETS,
    *(path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and path.suffix != ".json"),
]
NOT_SETTINGS = {"BRIDGE_PASSWORD", "BRIDGE_CONFIG", "BRIDGE_PORT"}
"""BRIDGE_PASSWORD is a name of the compose file, BRIDGE_PORT what Kubernetes may set."""


def compose(path: Path) -> dict[str, Any]:
    """Read a compose file, merge keys included."""
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told


def filled_in(value: str, given: dict[str, str]) -> str:
    """Return a value with `${NAME:-default}` and `${NAME:?message}` as compose fills it in."""

    def fill(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        if given.get(name):
            return given[name]
        assert kind == "-", f"{name}: {rest}"
        return str(rest)

    return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", fill, value)


def manifests() -> Iterator[dict[str, Any]]:
    """List every object of every manifest."""
    for path in MANIFESTS:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def bridge_pods() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """List the Deployments and their containers that are a bridge."""
    return [
        (document, container)
        for document in manifests()
        if document["kind"] == "Deployment"
        for container in document["spec"]["template"]["spec"]["containers"]
        if container["name"] == "torbox-bridge"
    ]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_every_setting_in_a_recipe_exists(path: Path) -> None:
    """No recipe sets a variable that the bridge would refuse."""
    text = path.read_text(encoding="utf-8")
    mentioned = set(re.findall(r"\bBRIDGE_[A-Z0-9_]+[A-Z0-9]", text)) - NOT_SETTINGS
    assert mentioned <= set(variables())


def test_one_image_name_everywhere() -> None:
    """Recipes and pages pull the same image, by its major version."""
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", *RECIPES]
    found = {
        image
        for page in pages
        for image in re.findall(r"ghcr\.io/[\w./-]+(?::[\w.]+)?", page.read_text(encoding="utf-8"))
    }
    assert found == {IMAGE}


def test_the_compose_file_gives_settings_that_load() -> None:
    """With nothing but a key in .env the bridge gets settings that it accepts."""
    given = compose(COMPOSE)["services"]["torbox-bridge"]["environment"]
    environ = {key: filled_in(value, {"TORBOX_API_KEY": "made-up"}) for key, value in given.items()}
    settings = load(None, environ)
    assert settings.torbox.api_key is not None
    assert settings.torbox.api_key.reveal() == "made-up"
    assert settings.server.password is None
    assert settings.paths.downloads == Path("/data/torrents")


def test_the_compose_file_works_without_a_key() -> None:
    """The bridge starts all the same, and its page asks for the key."""
    given = compose(COMPOSE)["services"]["torbox-bridge"]["environment"]
    settings = load(None, {key: filled_in(value, {}) for key, value in given.items()})
    assert settings.torbox.api_key is None


def test_one_mount_shared_by_all_that_import() -> None:
    """The bridge, Sonarr and Radarr see one mount at one path: hard links and moves work."""
    services = compose(COMPOSE)["services"]
    for name in ("torbox-bridge", "sonarr", "radarr"):
        mounts = [mount for mount in services[name]["volumes"] if not mount.endswith(":/config")]
        assert mounts == ["./data:/data"]


def test_every_service_restarts_and_rotates_its_log() -> None:
    """No container fills the disk with its log; ports are open to the LAN."""
    for name, service in compose(COMPOSE)["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["logging"]["options"]["max-size"], name
        for port in service["ports"]:
            assert re.fullmatch(r"\d+:\d+", port), name


def test_the_secrets_variant_differs_in_the_key_alone() -> None:
    """Both files are the same but for where the key comes from."""
    plain, secret = compose(COMPOSE), compose(SECRETS)
    bridge = secret["services"]["torbox-bridge"]
    assert bridge.pop("secrets") == ["torbox_api_key"]
    assert secret.pop("secrets") == {"torbox_api_key": {"file": "./secrets/torbox_api_key"}}
    file = bridge["environment"].pop("BRIDGE_TORBOX__API_KEY_FILE")
    assert file == "/run/secrets/torbox_api_key"
    del plain["services"]["torbox-bridge"]["environment"]["TORBOX_API_KEY"]
    assert secret == plain


def test_kubernetes_runs_one_unprivileged_bridge_for_each_database() -> None:
    """A single replica, never two at a time, without any privilege, on a read-only root."""
    pods = bridge_pods()
    assert len(pods) == len(MANIFESTS)
    for deployment, container in pods:
        spec = deployment["spec"]
        assert spec["replicas"] == 1
        assert spec["strategy"] == {"type": "Recreate"}
        pod = spec["template"]["spec"]
        assert pod["enableServiceLinks"] is False
        assert pod["automountServiceAccountToken"] is False
        security = pod["securityContext"] | container["securityContext"]
        assert security["runAsNonRoot"]
        assert security["runAsUser"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security["allowPrivilegeEscalation"]


def test_kubernetes_asks_for_what_the_bridge_can_answer() -> None:
    """Probes use /healthz: /readyz fails while TorBox is down, and must not take the bridge away."""
    for _, container in bridge_pods():
        probes = [container[name] for name in container if name.endswith("Probe")]
        assert len(probes) >= 2
        assert {probe["httpGet"]["path"] for probe in probes} == {"/healthz"}
        ports = {port["name"] for port in container["ports"]}
        assert {probe["httpGet"]["port"] for probe in probes} <= ports
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
            "/config",
            "/data",
            "/tmp",
        }


def test_kubernetes_volumes_and_selectors_fit() -> None:
    """Every mounted volume and every claim is declared, and every selector finds its Pod."""
    for path in MANIFESTS:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        claims = {d["metadata"]["name"] for d in documents if d["kind"] == "PersistentVolumeClaim"}
        (deployment,) = (d for d in documents if d["kind"] == "Deployment")
        (service,) = (d for d in documents if d["kind"] == "Service")
        template = deployment["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"] == labels
        assert service["spec"]["selector"] == labels
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        used = {
            volume["persistentVolumeClaim"]["claimName"]
            for volume in volumes.values()
            if "persistentVolumeClaim" in volume
        }
        assert used == claims
        ports: set[str] = set()
        for container in template["spec"]["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} <= set(volumes)
            ports |= {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_the_unraid_template_gives_settings_that_load() -> None:
    """Every variable is one of the bridge's or the image's, with a default that is accepted."""
    root = ET.parse(DEPLOY / "unraid" / "torbox-bridge.xml").getroot()
    assert root.findtext("Repository") == IMAGE
    configs = root.findall("Config")
    given = {
        config.attrib["Target"]: config.text or "made-up" * (config.get("Mask") == "true")
        for config in configs
        if config.get("Type") == "Variable"
    }
    settings = load(None, given)
    data = next(config for config in configs if config.get("Target") == "/data")
    assert settings.paths.downloads.is_relative_to(data.attrib["Target"])
    for config in configs:
        if config.get("Mask") == "false":
            assert config.text == config.get("Default")


def unit() -> configparser.ConfigParser:
    """Read the systemd unit; of repeated keys the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT, encoding="utf-8")
    return parser


def test_the_unit_passes_systemds_own_check(tmp_path: Path) -> None:
    """`systemd-analyze verify` has no complaint, and its security rating is "OK"."""
    analyze = find("systemd-analyze")
    text = UNIT.read_text(encoding="utf-8").replace(unit()["Service"]["ExecStart"], "/bin/true")
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    verified = subprocess.run(
        [analyze, "verify", copy], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = subprocess.run(
        [analyze, "security", "--offline=yes", "--threshold=20", copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout.splitlines()[-1]


def test_the_unit_gives_settings_that_load(tmp_path: Path) -> None:
    """The key comes from a credential, and the bridge may write where it downloads to."""
    key = tmp_path / "torbox_api_key"
    key.write_text("made-up\n", encoding="utf-8")
    text = UNIT.read_text(encoding="utf-8").replace("%d", str(tmp_path))
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, re.MULTILINE))
    settings = load(None, given)
    service = unit()["Service"]
    assert settings.paths.downloads.is_relative_to(service["ReadWritePaths"])
    assert settings.paths.database.parent.name == service["StateDirectory"]
    assert service["RestartPreventExitStatus"] == "2"


def test_the_image_has_every_label_that_a_registry_shows() -> None:
    """Source, url and documentation lead to the project; the version is not written down twice."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for label in ("source", "url", "documentation", "version", "revision", "licenses", "title"):
        assert f"org.opencontainers.image.{label}=" in text
    assert version("torbox-bridge") not in text


def test_the_builder_gets_what_the_dockerfile_copies() -> None:
    """Every COPY from the tree passes .dockerignore."""
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = (word for word in line.split() if not word.startswith("--"))
        copied.update(sources)
    assert copied == let_in
