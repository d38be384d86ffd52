"""Guardians of the demo city's children, with the paper that proves it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from kangshu.sdk import DemoCity, DemoResident, Resource, code_system, concept, structure

_FAMILIES = 12
"""How many children have a parent registered."""


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
    """Yield a RelatedPerson and its proof for each family."""
    for child, parent in families(city):
        number = child.id.removeprefix("resident-")
        born = max(child.birth_date, date(2010, 1, 1))
        yield {
            "resourceType": "DocumentReference",
            "id": f"guardian-proof-{number}",
            "status": "current",
            "type": concept(code_system("document-kind"), "guardianship", "监护关系证明"),
            "subject": child.reference,
            "custodian": {"reference": f"Organization/{child.centre}"},
            "date": f"{born.isoformat()}T09:00:00+08:00",
            "description": "出生医学证明（演示）",
            "content": [
                {
                    "attachment": {
                        "contentType": "text/plain",
                        "title": "出生医学证明.txt",
                        "data": "5ryU56S65pWw5o2u77ya5Ye655Sf5Yy75a2m6K+B5piO",
                    }
                }
            ],
        }
        yield {
            "resourceType": "RelatedPerson",
            "id": f"guardian-{number}",
            "active": True,
            "patient": child.reference,
            "relationship": [concept(code_system("representation"), "guardian", "未成年人监护人")],
            "name": [{"text": parent.name}],
            "gender": parent.sex,
            "period": {"start": born.isoformat()},
            "extension": [
                {"url": structure("representative"), "valueReference": parent.reference},
                {
                    "url": structure("proof"),
                    "valueReference": {"reference": f"DocumentReference/guardian-proof-{number}"},
                },
                {
                    "url": structure("responsible-organisation"),
                    "valueReference": {"reference": f"Organization/{child.centre}"},
                },
            ],
        }
