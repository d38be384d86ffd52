"""The words of the pages: Chinese in the code, English from one catalogue."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from importlib.resources import files

import yaml

from kangshu.base.clock import CITY_ZONE
from kangshu.base.text import Language, Text

LANGUAGES: tuple[Language, ...] = ("zh", "en")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@lru_cache(maxsize=1)
def catalogue() -> dict[str, str]:
    """Return every Chinese text of the pages with its English, from every catalogue*.yaml."""
    found: dict[str, str] = {}
    for file in sorted(files("kangshu.web").iterdir(), key=lambda one: one.name):
        if file.name.startswith("catalogue") and file.name.endswith(".yaml"):
            read = yaml.load(file.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - both are safe loaders
            found.update({str(zh): str(en) for zh, en in read.items()})
    return found


class Words:
    """Says the product's texts in one language; a page holds one as `_`."""

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    @property
    def english(self) -> bool:
        """Return whether the pages are read in English."""
        return self.language == "en"

    def __call__(self, zh: str, /, **values: object) -> str:
        """Return the text written in Chinese as `zh`, its {names} filled in."""
        said = catalogue().get(zh, zh) if self.language == "en" else zh
        return said.format(**values) if values else said

    def of(self, text: object) -> str:
        """Return a declaration's `Text` in this language; anything else as its own text."""
        if isinstance(text, Text):
            return text.in_language(self.language)
        return "" if text is None else str(text)

    def day(self, moment: date | datetime | str | None) -> str:
        """Return a date as people here write it: 2026-03-05; "—" where there is none."""
        if moment is None or moment == "":
            return "—"
        if isinstance(moment, datetime):
            return moment.astimezone(CITY_ZONE).date().isoformat()
        if isinstance(moment, date):
            return moment.isoformat()
        return local(moment).date().isoformat() if "T" in moment else moment

    def moment(self, moment: datetime | str | None) -> str:
        """Return an instant as the city's date and time to the minute; "—" where there is none."""
        if moment is None or moment == "":
            return "—"
        if isinstance(moment, str):
            if "T" not in moment:
                return moment
            moment = local(moment)
        return moment.astimezone(CITY_ZONE).strftime("%Y-%m-%d %H:%M")

    def figure(self, value: object, decimals: int = 1) -> str:
        """Return a number with thousands grouped; "—" where it is unknown. Whole numbers take no decimals."""
        if value is None or value == "":
            return "—"
        if isinstance(value, bool | str):
            return str(value)
        number = float(str(value))
        if number == int(number) and (decimals == 0 or isinstance(value, int)):
            return f"{int(number):,}"
        return f"{number:,.{decimals}f}"


def local(lexeme: str) -> datetime:
    """Return a FHIR dateTime with a time part as an aware datetime; without a zone it is the city's."""
    moment = datetime.fromisoformat(lexeme)
    return moment if moment.tzinfo else moment.replace(tzinfo=CITY_ZONE)
