"""Settings files for tests, and what is read from them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from bridge.config import ConfigError, Secret, load

ARR = "{name: a, kind: sonarr, url: 'http://a:8989', api_key: made-up}"

Write: TypeAlias = Callable[[str], Path]


def writer(directory: Path) -> Write:
    """Answer a function that writes a settings file there."""

    def write(text: str) -> Path:
        path = directory / "bridge.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def problems(path: Path | None, environ: Mapping[str, str] | None = None) -> list[str]:
    """Load what must be refused; answers the problems, the directory of the file cut off."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    directory = f"{path.parent}/" if path else "\0"
    return [problem.replace(directory, "") for problem in caught.value.problems]


def secret(value: Secret | None) -> str:
    """Reveal a secret that must be there."""
    assert value is not None
    return value.reveal()
