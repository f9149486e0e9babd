"""Set-up in a browser: the settings, the TorBox key, the *arr.

settings_form    every setting: help, default, value, and where the value comes from
settings_file    changes the YAML file and keeps its comments
settings_editor  reads and saves settings; validates them with the code of the start
setup            tests a TorBox key and an *arr, and creates the download client there
"""

from bridge.setup.settings_editor import (
    ArrEntry,
    NotifyEntry,
    SettingsChange,
    SettingsEditor,
    SettingsPage,
)
from bridge.setup.settings_form import Setting
from bridge.setup.setup import ArrTest, ClientRequest, ClientResult, Setup, TorBoxTest

__all__ = [
    "ArrEntry",
    "ArrTest",
    "ClientRequest",
    "ClientResult",
    "NotifyEntry",
    "Setting",
    "SettingsChange",
    "SettingsEditor",
    "SettingsPage",
    "Setup",
    "TorBoxTest",
]
