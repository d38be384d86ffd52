"""The accounts of a demonstration as they were made: its own secret, shown to whoever runs it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from kangshu.app.installation import Identity, Installation

CITY_CODE = "990100"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account to sign in with."""

    name: str
    display: str
    password: str


def demo_identity() -> Identity:
    """Return what a demonstration says of itself."""
    return Identity("", "云汐市大健康", "Yunxi City", CITY_CODE, demo=True)


def kept_accounts(installation: Installation) -> list[DemoAccount]:
    """Return the accounts of a demonstration that was made before; none where another data folder has them."""
    path = _file(installation)
    if not path.exists():
        return []
    return [DemoAccount(**one) for one in json.loads(path.read_text("utf-8"))]


def keep_accounts(installation: Installation, accounts: list[DemoAccount]) -> None:
    """Keep the accounts among the secrets of the installation."""
    path = _file(installation)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(one) for one in accounts], file, ensure_ascii=False, indent=1)


def _file(installation: Installation) -> Path:
    return installation.folder / "secrets" / "demo-accounts.json"
