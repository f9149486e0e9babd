"""Typed settings, from one YAML file and the environment.

value_types   the types of single values, and how their text is read
secret        text that must not be shown
outbound_proxy  the proxy for calls to TorBox
settings      the tree of settings
schema        what each setting allows, read from its type
yaml_nodes    YAML as nodes that know their file, line and key
environment   the variables
builder       nodes to settings, with every mistake collected
loader        file, environment and defaults together
"""

from bridge.config.environment import read_umask
from bridge.config.loader import SettingsSource, find_config, load
from bridge.config.secret import Secret
from bridge.config.settings import (
    ArrSettings,
    CategorySettings,
    DeliverySettings,
    FilePolicy,
    NotifySettings,
    PathSettings,
    Policy,
    Settings,
    TorBoxSettings,
)
from bridge.config.value_types import ArrKind, Mode, Network, NotifyKind
from bridge.config.yaml_nodes import ConfigError

__all__ = [
    "ArrKind",
    "ArrSettings",
    "CategorySettings",
    "ConfigError",
    "DeliverySettings",
    "FilePolicy",
    "Mode",
    "Network",
    "NotifyKind",
    "NotifySettings",
    "PathSettings",
    "Policy",
    "Secret",
    "Settings",
    "SettingsSource",
    "TorBoxSettings",
    "find_config",
    "load",
    "read_umask",
]
