"""Where each declaration is written, so that a check can say file:line of what it found."""

from __future__ import annotations

from pathlib import Path

from kangshu.services.entry import Entry
from kangshu.services.findings import Finding


class Places:
    """The file and the line of every declaration of one draft, by identity."""

    def __init__(self) -> None:
        self._found: dict[int, Entry] = {}
        self._texts: dict[tuple[int, str], tuple[Path, int]] = {}
        self._kept: list[object] = []

    def note(self, declaration: object, entry: Entry) -> None:
        """Remember where `declaration` is written."""
        self._kept.append(declaration)  # keeps the identity from being used again
        self._found[id(declaration)] = entry

    def note_like(self, declaration: object, like: object, *parts: str) -> None:
        """Remember that `declaration` is made of `like`, and stands where that does; so do its texts `parts`."""
        self._kept.append(declaration)
        if id(like) in self._found:
            self._found[id(declaration)] = self._found[id(like)]
        for part in parts:
            if (id(like), part) in self._texts:
                self._texts[id(declaration), part] = self._texts[id(like), part]

    def note_text(self, declaration: object, part: str, file: Path, line: int) -> None:
        """Remember where the first line of a text of `declaration` is written."""
        self._texts[id(declaration), part] = (file, line)

    def finding(self, declaration: object, text: str, zh: str, *, part: str = "", line: int = 0) -> Finding:
        """Return an error at the place of `declaration`, or of its part: a path such as `select[0].column[1]`.

        `line` is the line within the part, from 0, where the part is a text of several.
        """
        key = id(declaration)
        if (key, part) in self._texts:
            file, first = self._texts[key, part]
            return Finding(file, first + line, text, zh)
        if key not in self._found:
            return Finding(Path("service.yaml"), 1, text, zh)
        entry = self._found[key]
        return Finding(entry.file, entry.line_at(part), text, zh)
