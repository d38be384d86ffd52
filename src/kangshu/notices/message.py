"""What is said outside the product: a few fixed sentences without personal data. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from kangshu.base.text import Text

Occasion = Literal["organisation", "urgent", "person", "code", "trial"]

_WORD: Final = re.compile(r"\{(\w+)\}")
_EVERYWHERE: Final = frozenset({"city", "count", "link"})
ALLOWED: Final[Mapping[str, frozenset[str]]] = {
    "organisation": _EVERYWHERE | {"kinds"},
    "urgent": _EVERYWHERE | {"kinds"},
    "person": _EVERYWHERE,
    "code": frozenset({"city", "code", "minutes"}),
    "trial": frozenset({"city", "link"}),
}
"""The words that a sentence may hold, by occasion. None of them can be of a person."""
_MOST_KINDS: Final = 3


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `id` is the same when it is sent again: a receiver drops what it has had."""

    id: str
    occasion: Occasion
    text: Text
    count: int = 1
    kinds: tuple[str, ...] = ()
    """Codes of the kinds of cases, for a system that receives them."""
    numbers: tuple[str, ...] = ()
    """Ids of the cases, for a system that receives them and asks for each under its own grant."""
    link: str = ""


def check_templates(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all that is wrong with a document of sentences: missing ones, one language alone, words not allowed."""
    found = [f"'{one}' is missing" for one in ALLOWED if one not in document]
    found += [f"'{one}' is no occasion" for one in document if one not in ALLOWED]
    for occasion, allowed in ALLOWED.items():
        said = document.get(occasion)
        if not isinstance(said, Mapping):
            continue
        for language in ("zh", "en"):
            text = said.get(language)
            if not isinstance(text, str) or not text.strip():
                found.append(f"'{occasion}' has no words in {language}")
                continue
            found += [
                f"'{occasion}' may not say {{{one}}}" for one in _WORD.findall(text) if one not in allowed
            ]
    return tuple(found)


def compose(occasion: Occasion, id_: str, city: Text, link: str = "", **words: str) -> Message:
    """Return a message that is not about cases: a code, a trial. `words` are those of the occasion."""
    return Message(id_, occasion, _said(occasion, city, {"link": link, **words}), link=link)


def about_cases(
    occasion: Occasion,
    id_: str,
    city: Text,
    link: str,
    kinds: Sequence[tuple[str, Text]],
    numbers: Iterable[str],
) -> Message:
    """Return the message about some notices. `kinds` has (code, title) once per notice."""
    counted = Counter(kinds)
    named = [one for one, _ in counted.most_common()]
    zh, en = (_listed([title.in_language(one) for _, title in named], one) for one in ("zh", "en"))
    said = _template(occasion)
    text = Text(
        _filled(said.zh, {"city": city.zh, "count": str(len(kinds)), "kinds": zh, "link": link}),
        _filled(said.en, {"city": city.en, "count": str(len(kinds)), "kinds": en, "link": link}),
    )
    told = occasion != "person"
    return Message(
        id_,
        occasion,
        text,
        len(kinds),
        tuple(code for code, _ in named) if told else (),
        tuple(numbers) if told else (),
        link,
    )


def _listed(titles: Sequence[str], language: str) -> str:
    distinct = list(dict.fromkeys(filter(None, titles)))
    comma, more = ("、", "等") if language == "zh" else (", ", " …")
    return comma.join(distinct[:_MOST_KINDS]) + (more if len(distinct) > _MOST_KINDS else "")


def _said(occasion: Occasion, city: Text, words: Mapping[str, str]) -> Text:
    said = _template(occasion)
    return Text(_filled(said.zh, {**words, "city": city.zh}), _filled(said.en, {**words, "city": city.en}))


def _filled(template: str, words: Mapping[str, str]) -> str:
    return _WORD.sub(lambda found: words.get(found[1], ""), template).strip()


@cache
def _templates() -> Mapping[str, Text]:
    document = yaml.safe_load(files(__package__).joinpath("templates.yaml").read_text("utf-8"))
    return {name: Text(said["zh"], said["en"]) for name, said in document.items()}


def _template(occasion: Occasion) -> Text:
    return _templates()[occasion]
