"""Where each declaration is written, so that a check can say file:line of what it found."""

from __future__ import annotations

from pathlib import Path

from kangshu.services.entry import Entry
from kangshu.services.findings import Finding


class Places:
    """The file and the line of every declaration of one draft, by identity."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[Path, int]] = {}
        self._kept: list[object] = []

    def note(self, declaration: object, entry: Entry) -> None:
        """Remember where `declaration` is written."""
        self._kept.append(declaration)  # keeps the identity from being used again
        self._found[id(declaration)] = (entry.file, entry.line)

    def finding(self, declaration: object, text: str, zh: str) -> Finding:
        """Return an error at the place of `declaration`."""
        file, line = self._found.get(id(declaration), (Path("service.yaml"), 1))
        return Finding(file, line, text, zh)
