"""Writes docs/openapi.json from the code: `python -m tests.support.openapi`."""

import json
from pathlib import Path

from bridge.web.api_routes import document

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"

if __name__ == "__main__":
    FILE.write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
