"""What opens a resident's records to an organisation: the rules of the care relation, as data (care.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

import yaml

from kangshu.base.text import Text

BASES: Final = ("statutory", "contract", "consent", "emergency")
"""Grounds on which personal information is handled; PIPL Art. 13(1), items 3, 2, 1 and 4."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Codings of `system` in `element` (a CodeableConcept, or several); any of them where no `codes` are listed."""

    element: str
    system: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CareRule:
    """One relation. A record of `type` opens its resident's records to the organisations in `organisation`.

    `word` is the scope word of roles that it belongs to; `coded` the codings of which the record has one (None: any
    record); `period` the element that bounds it ("": open until the record says otherwise); `refusable` whether the
    resident's refusal closes it.
    """

    relation: str
    title: Text
    word: str
    type: str
    organisation: tuple[str, ...]
    status: tuple[str, ...]
    coded: Coded | None
    intent: tuple[str, ...]
    period: str
    refusable: bool
    basis: str
    clause: str


@cache
def care_rules() -> Mapping[str, CareRule]:
    """Return the rules by relation, as the product ships them."""
    document: dict[str, Any] = yaml.safe_load((files("kangshu.access") / "care.yaml").read_text("utf-8"))
    return MappingProxyType({id_: _rule(id_, body) for id_, body in document["relations"].items()})


def relations_of(word: str) -> frozenset[str]:
    """Return the relations that a scope word (`own-patients`, `shared-patients`) stands for."""
    return frozenset(id_ for id_, rule in care_rules().items() if rule.word == word)


def _rule(id_: str, body: Mapping[str, Any]) -> CareRule:
    return CareRule(
        relation=id_,
        title=Text(body["title"]["zh"], body["title"]["en"]),
        word=body["word"],
        type=body["type"],
        organisation=tuple(body["organisation"]),
        status=tuple(body.get("status", ())),
        coded=_coded(body["coded"]) if "coded" in body else None,
        intent=tuple(body.get("intent", ())),
        period=body.get("period", ""),
        refusable=bool(body["refusable"]),
        basis=body["basis"],
        clause=body["clause"],
    )


def _coded(body: Mapping[str, Any]) -> Coded:
    return Coded(body["element"], body["system"], tuple(body.get("codes", ())))
