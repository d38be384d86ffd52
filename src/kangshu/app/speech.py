"""What the command line says, in English or Chinese, and how it says that something went wrong."""

from __future__ import annotations

import os
import sys

from kangshu.base.faults import Fault
from kangshu.base.text import Language


def take_language(arguments: list[str]) -> tuple[list[str], Language]:
    """Return `arguments` without `--lang xx`, and the language that it names (KANGSHU_LANG, else English)."""
    rest: list[str] = []
    wanted = os.environ.get("KANGSHU_LANG", "en")
    words = iter(arguments)
    for word in words:
        if word == "--lang":
            wanted = next(words, "en")
        elif word.startswith("--lang="):
            wanted = word.removeprefix("--lang=")
        else:
            rest.append(word)
    return rest, "zh" if wanted.lower().startswith("zh") else "en"


class Speech:
    """Chooses between two texts by the language of this run."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, en: str, zh: str) -> str:
        """Return the text in the language of this run."""
        return zh if self.language == "zh" else en

    def fault(self, fault: Fault) -> None:
        """Write one clear line about `fault` to standard error, with its further findings below."""
        word = self("error", "错误")
        print(f"{word}: {self(fault.text, fault.zh)}", file=sys.stderr)  # noqa: T201
        for issue in fault.issues[:20]:
            if issue.text != fault.text:
                place = f"{', '.join(issue.expression)}: " if issue.expression else ""
                print(f"  {place}{self(issue.text, issue.zh or issue.text)}", file=sys.stderr)  # noqa: T201
