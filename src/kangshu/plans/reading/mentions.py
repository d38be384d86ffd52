"""What a text names besides its clauses: things with names, documents that it cites. Read beside the plan, not within it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from kangshu.documents import Document
from kangshu.plans.reading.citations import read_citations
from kangshu.plans.reading.fold import fold
from kangshu.plans.reading.model import Anchor, Citation, NamedThing
from kangshu.plans.reading.named_things import read_named_things


@dataclass(frozen=True, slots=True)
class Mentions:
    """The named things and the cited documents of one text, in reading order."""

    named: tuple[NamedThing, ...] = ()
    citations: tuple[Citation, ...] = ()


def read_mentions(document: Document) -> Mentions:
    """Return what the text names and cites, each once, with every place where it stands."""
    folded = fold(document.text, unwrap=not document.tables)
    return Mentions(
        tuple(_anchored(document.text, one) for one in read_named_things(folded)),
        tuple(_anchored(document.text, one) for one in read_citations(folded)),
    )


Mention = TypeVar("Mention", NamedThing, Citation)


def _anchored(text: str, mention: Mention) -> Mention:
    """Return the mention with the hashes of its places."""
    places = tuple(Anchor.at(text, one.start, one.end) for one in mention.places)
    return replace(mention, anchor=places[0], places=places)
