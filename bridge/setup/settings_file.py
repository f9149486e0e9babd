"""Changes the YAML settings file and keeps its comments, order and other content.

Imported when the settings are first shown or saved: ruamel.yaml takes 2 MiB of memory.
"""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from bridge.config.schema import FILE_SUFFIX

WIDTH: Final = 4096
"""Long lines are not folded."""


EntryRow = tuple[str, dict[str, str], dict[str, str], dict[str, tuple[str, ...]]]
"""An entry of a list: its name, its texts, its secrets and its lists, by field."""


class UnreadableFile(Exception):
    """The file cannot be read or is not a mapping; the text says why."""


class SettingsFile:
    """The file in memory. `text` is its content after the changes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._yaml = YAML(typ="rt")
        self._yaml.preserve_quotes = True
        self._yaml.width = WIDTH
        self._yaml.indent(mapping=2, sequence=4, offset=2)
        self._root = self._read()

    def _read(self) -> CommentedMap:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = ""
        except (OSError, UnicodeDecodeError) as error:
            raise UnreadableFile(f"cannot read {self.path}: {error}") from error
        try:
            root = self._yaml.load(text)
        except YAMLError as error:
            raise UnreadableFile(f"{self.path} is not YAML: {_brief(error)}") from error
        if root is None:
            # The file has only comments: keep them in front of the new settings.
            root = CommentedMap()
            if text.strip():
                root.yaml_set_start_comment(_uncommented(text))
        if not isinstance(root, CommentedMap):
            raise UnreadableFile(f"{self.path} is no mapping of settings")
        return root

    def get(self, key: str) -> Any:
        """Return the value at a dotted key; None if it is null or not given."""
        node: Any = self._root
        for name in key.split("."):
            if not isinstance(node, Mapping) or name not in node:
                return None
            node = node[name]
        return node

    def has(self, key: str) -> bool:
        """Return whether a dotted key is given, even as null."""
        *above, last = key.split(".")
        node = self.get(".".join(above)) if above else self._root
        return isinstance(node, Mapping) and last in node

    def put(self, key: str, value: object) -> None:
        """Set the value at a dotted key and create the sections above it."""
        *above, last = key.split(".")
        node = self._root
        for name in above:
            below = node.get(name)
            if not isinstance(below, CommentedMap):
                below = node[name] = (
                    CommentedMap(below) if isinstance(below, dict) else CommentedMap()
                )
            node = below
        node[last] = value

    def drop(self, key: str) -> None:
        """Remove a dotted key, and every section that becomes empty."""
        names = key.split(".")
        while names:
            *above, last = names
            node = self.get(".".join(above)) if above else self._root
            if not isinstance(node, CommentedMap) or last not in node:
                return
            del node[last]
            if node or not above:
                return
            names = above

    def put_entries(self, key: str, rows: Sequence[EntryRow]) -> None:
        """Replace a list of named entries; an empty secret keeps the saved value."""
        listed = self.get(key)
        known = {
            str(entry.get("name", "")): entry
            for entry in (listed if isinstance(listed, CommentedSeq) else ())
            if isinstance(entry, CommentedMap)
        }
        made = CommentedSeq()
        for name, plain, secrets, lists in rows:
            entry = known.get(name, CommentedMap())
            for field, text in plain.items():
                if str(entry.get(field, "")) != text:
                    entry[field] = self.scalar(text)
            for field, text in secrets.items():
                if text:
                    entry[field] = self.scalar(text, secret=True)
                    entry.pop(field + FILE_SUFFIX, None)
            for field, items in lists.items():
                before = entry.get(field)
                before = tuple(map(str, before)) if isinstance(before, CommentedSeq) else ()
                if before != items:
                    entry[field] = self.sequence(items)
            made.append(entry)
        if made:
            self.put(key, made)
        else:
            self.drop(key)

    @property
    def text(self) -> str:
        """Return the file as it would be written."""
        if not self._root:
            return ""
        out = io.StringIO()
        self._yaml.dump(self._root, out)
        return out.getvalue()

    def parse(self, text: str) -> Any:
        """Read a value given as YAML.

        Raises:
            UnreadableFile: it is not YAML.
        """
        try:
            return self._yaml.load(text)
        except YAMLError as error:
            raise UnreadableFile(f"not YAML: {_brief(error)}") from error

    def show(self, value: Any) -> str:
        """Write a value as YAML."""
        out = io.StringIO()
        self._yaml.dump(value, out)
        return out.getvalue().removesuffix("...\n").strip()

    @staticmethod
    def scalar(text: str, *, secret: bool = False) -> object:
        """Return a value for the file: plain if YAML reads the same text back, else quoted."""
        if secret:
            return DoubleQuotedScalarString(text)
        try:
            read = YAML(typ="safe", pure=True).load(text)
        except YAMLError:
            return DoubleQuotedScalarString(text)
        if isinstance(read, bool | int | float) and str(read).lower() == text.lower():
            return read
        return text if read == text else DoubleQuotedScalarString(text)

    def sequence(self, items: Sequence[str]) -> CommentedSeq:
        """Return a list that is written on one line."""
        made = CommentedSeq([self.scalar(item) for item in items])
        made.fa.set_flow_style()
        return made


def write_atomically(path: Path, text: str) -> None:
    """Replace a file. A new file has mode 600, because it holds keys.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = path.resolve()
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    replacement = target.with_name(f".{target.name}.new")
    try:
        with open(  # noqa: PTH123 - with a mode from the start: keys are in it
            os.open(replacement, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        replacement.chmod(mode)
        replacement.replace(target)
    except OSError:
        replacement.unlink(missing_ok=True)
        raise


def _uncommented(text: str) -> str:
    lines = [line.strip().removeprefix("#").removeprefix(" ") for line in text.splitlines()]
    return "\n".join(lines)


def _brief(error: YAMLError) -> str:
    """Return the position of the error. YAML's own message quotes the text, maybe a secret."""
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "it cannot be read"
