"""What the folders say to people, in the words of people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import kangshu_services

FOLDERS = Path(next(iter(kangshu_services.__path__)))
DECLARED = sorted(
    path for path in FOLDERS.glob("*/*/*.yaml") if path.parent.name not in ("scenarios", "questionnaires")
)
ROW_OF_THE_MISSION = re.compile(r"(?<![A-Za-z0-9-])([RCSDM]\d{2}|T\d{3})(?![0-9A-Za-z])")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
PROVENANCE = frozenset({"source", "clause"})
"""Where a row of the mission may be named: it tells the authority what a value rests on."""


def _texts(node: Any, at: str = "") -> Iterator[str]:
    """Yield the texts that pages show, not what they rest on."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in PROVENANCE or key in ("targets", "rules", "systems"):
                continue
            if key in ("zh", "en") and isinstance(value, str):
                yield value
            else:
                yield from _texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, at)


def test_an_office_reads_no_row_of_the_mission() -> None:
    # R28 or T103 mean nothing to those who work with the page
    found = [
        f"{path.relative_to(FOLDERS)}: {text}"
        for path in DECLARED
        for text in _texts(yaml.load(path.read_text("utf-8"), LOADER))
        if ROW_OF_THE_MISSION.search(text)
    ]
    assert DECLARED
    assert found == []
