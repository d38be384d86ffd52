"""Guardians of the demo city's children, and whom its older people have charged with their affairs, with the papers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from kangshu.sdk import DemoCity, DemoResident, Resource, code_system, concept, structure

_FAMILIES = 12
"""How many children have a parent registered."""
_AGENT = "community-agent-01"
_GIVERS = 5
"""How many older people have charged the community agent; the one after them charges a parent of the first family."""


def families(city: DemoCity) -> Iterator[tuple[DemoResident, DemoResident]]:
    """Yield (child under fourteen, parent of the same household), in the order of the residents."""
    homes: dict[str, list[DemoResident]] = {}
    for one in city.residents:
        homes.setdefault(one.household, []).append(one)
    found = 0
    for child in city.residents:
        age = child.age(city.today)
        parents = [
            one
            for one in homes[child.household]
            if 18 <= one.age(city.today) - age <= 45 and one.age(city.today) >= 20
        ]
        if age < 14 and parents and found < _FAMILIES:
            found += 1
            yield child, parents[0]


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield a RelatedPerson and its proof for each family, and the mandates of some older people."""
    found = list(families(city))
    for child, parent in found:
        number = child.id.removeprefix("resident-")
        born = max(child.birth_date, date(2010, 1, 1))
        yield _paper(child, f"guardian-proof-{number}", "guardianship", "监护关系证明", "出生医学证明", born)
        yield _relation(
            child, f"guardian-{number}", "guardian", "未成年人监护人", parent.reference, f"guardian-proof-{number}",
            {"start": born.isoformat()}, name=[{"text": parent.name}], gender=parent.sex,
        )  # fmt: skip
    yield from _mandates(city, found[0][1] if found else None)


def _mandates(city: DemoCity, family: DemoResident | None) -> Iterator[Resource]:
    """Yield the community agent and the mandates of the city's first older people."""
    centre = next(city.elders(75)).centre
    yield {
        "resourceType": "Practitioner",
        "id": _AGENT,
        "active": True,
        "name": [{"text": "乔安（社区代办员）"}],
        "extension": [
            {
                "url": structure("responsible-organisation"),
                "valueReference": {"reference": f"Organization/{centre}"},
            }
        ],
    }
    since = city.today - timedelta(days=60)
    period = {"start": since.isoformat(), "end": (since + timedelta(days=365)).isoformat()}
    for number, elder in zip(range(_GIVERS + 1), city.elders(75), strict=False):
        agent = number < _GIVERS
        person = {"reference": f"Practitioner/{_AGENT}"}
        if not agent:
            if family is None:
                return
            person = family.reference
        code, title = ("agent-mandate", "社区代办委托") if agent else ("mandate", "书面委托代办")
        yield _paper(elder, f"mandate-proof-{number}", "mandate", "授权委托书", "授权委托书", since)
        yield _relation(elder, f"mandate-{number}", code, title, person, f"mandate-proof-{number}", period)


def _paper(of: DemoResident, id_: str, kind: str, title: str, name: str, day: date) -> Resource:
    content = {
        "contentType": "text/plain",
        "title": f"{name}.txt",
        "data": b64encode(f"演示数据：{name}".encode()).decode(),
    }
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": "current",
        "type": concept(code_system("document-kind"), kind, title),
        "subject": of.reference,
        "custodian": {"reference": f"Organization/{of.centre}"},
        "date": f"{day.isoformat()}T09:00:00+08:00",
        "description": f"{name}（演示）",
        "content": [{"attachment": content}],
    }


def _relation(
    of: DemoResident,
    id_: str,
    code: str,
    title: str,
    person: dict[str, str],
    paper: str,
    period: dict[str, str],
    **more: Any,
) -> Resource:
    return {
        "resourceType": "RelatedPerson",
        "id": id_,
        "active": True,
        "patient": of.reference,
        "relationship": [concept(code_system("representation"), code, title)],
        "period": period,
        "extension": [
            {"url": structure("representative"), "valueReference": person},
            {"url": structure("proof"), "valueReference": {"reference": f"DocumentReference/{paper}"}},
            {
                "url": structure("responsible-organisation"),
                "valueReference": {"reference": f"Organization/{of.centre}"},
            },
        ],
        **more,
    }
