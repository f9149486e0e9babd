"""The help of the settings page, read from docs/configuration.md.

Run `python -m tests.support.settings_help` after a change of that file.
"""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "configuration.md"
HELP = ROOT / "bridge" / "setup" / "settings_help.json"


def read_docs() -> str:
    """Return what the packaged file should hold."""
    rows = re.findall(
        r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| (.+) \|$",
        DOCS.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    told = {
        key: {"default": _plain(default), "help": _plain(text)}
        for key, _, default, text in rows
        if "[]" not in key and "<" not in key
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _plain(text: str) -> str:
    """Drop what only Markdown needs, and links that lead to other files of the documentation."""
    text = re.sub(r" ?\bSee \[[^\]]+\]\((?!https?:)[^)]*\)\.", "", text)
    text = re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)
    text = re.sub(r"<(https?://[^>]+)>", r"\1", text)
    return text.replace("\\*", "*").replace("*", "*").strip()


if __name__ == "__main__":
    HELP.write_text(read_docs(), encoding="utf-8")
