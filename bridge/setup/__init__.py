"""Setting the bridge up in a browser: its settings, TorBox's key, the *arr.

settings_form    every setting: help, default, value, and where the value comes from
settings_file    changing the YAML file with its comments kept
settings_editor  both together, checked by the code that reads them at the start
setup            trying a TorBox key and an *arr, and making the download client there
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
