"""Typed settings, from one YAML file and the environment."""

from bridge.config.errors import ConfigError
from bridge.config.load import find_config, load
from bridge.config.secret import Secret
from bridge.config.settings import (
    ArrSettings,
    CategorySettings,
    CleanUpPolicy,
    CleanUpPolicyChanges,
    DeliverySettings,
    FilePolicy,
    FilePolicyChanges,
    HistorySettings,
    LogSettings,
    NotifySettings,
    PathSettings,
    Policy,
    PolicyChanges,
    PollSeconds,
    QBittorrentSettings,
    ServerSettings,
    Settings,
    TorBoxSettings,
    WebdavSettings,
)
from bridge.config.umask import current_umask, read_umask

__all__ = [
    "ArrSettings",
    "CategorySettings",
    "CleanUpPolicy",
    "CleanUpPolicyChanges",
    "ConfigError",
    "DeliverySettings",
    "FilePolicy",
    "FilePolicyChanges",
    "HistorySettings",
    "LogSettings",
    "NotifySettings",
    "PathSettings",
    "Policy",
    "PolicyChanges",
    "PollSeconds",
    "QBittorrentSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "TorBoxSettings",
    "WebdavSettings",
    "current_umask",
    "find_config",
    "load",
    "read_umask",
]
