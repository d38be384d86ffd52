"""Text in the product's two languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in Chinese and English. Chinese comes first everywhere."""

    zh: str
    en: str

    def in_language(self, language: Language) -> str:
        """Return the text in `language`; the other one where it is empty."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)

    def __str__(self) -> str:
        return self.zh or self.en
