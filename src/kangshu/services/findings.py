"""What the checks of a service folder say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding, with the place to mend. An `error` keeps the folder from being loaded."""

    file: Path
    line: int
    text: str
    zh: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.text}"
