"""Rates of health records against their check queries, on records made by chance and on edges of time."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from typing import Any

from kangshu.access import system_grant
from kangshu.base.canonical import DISTRICT
from kangshu.measures import period_of
from kangshu.sdk import Resource, structure
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("residents")
EVERYTHING = system_grant("test")
VALUES = {one.id: one.value for one in SERVICE.parameters}
DAYS = ("2024-12-31T15:59:59Z", "2024-12-31T16:00:00Z", "2025-08-31", "2025-12-31T16:00:00Z", "2025-02-01")


def at_random(draw: random.Random) -> list[Resource]:
    found: list[Resource] = []
    gone: tuple[dict[str, Any], ...] = (
        {}, {}, {}, {"active": False}, {"deceasedDateTime": "2025-08-31T23:59:59+08:00"}, {"deceasedBoolean": True},
    )  # fmt: skip
    for number in range(120):
        since = draw.choice(
            ("", "", "2025-02-28", "2025-03-01", "2025-03", "2025", "2025-06-30", "2025-07-01")
        )
        extension = [{"url": DISTRICT, "valueCode": "990102001"}]
        if since:
            extension.append({"url": structure("living-here-since"), "valueDate": since})
        one: Resource = {
            "resourceType": "Patient", "id": f"r{number}", "birthDate": "1970", "extension": extension, **draw.choice(gone),
        }  # fmt: skip
        if draw.random() < 0.8:
            one["managingOrganization"] = {"reference": "Organization/c"}
        if draw.random() < 0.7:
            one["identifier"] = [
                {"system": "urn:oid:2.16.156.10011.1.2", "value": f"99010200100100{number:03d}"}
            ]
        found.append(one)
        about = {"subject": {"reference": f"Patient/r{number}"}}
        if draw.random() < 0.4:
            status = draw.choice(("finished", "finished", "planned"))
            found.append({"resourceType": "Encounter", "id": f"e{number}", "status": status, "class": {"code": "AMB"}, "period": {"start": draw.choice(DAYS)}, **about})  # fmt: skip
        if draw.random() < 0.4:
            status = draw.choice(("final", "amended", "preliminary"))
            code, value = draw.choice(
                (
                    ("85354-9", {}),
                    ("2339-0", {"valueQuantity": {"value": 5}}),
                    ("2339-0", {"valueString": "?"}),
                )
            )
            found.append({"resourceType": "Observation", "id": f"o{number}", "status": status, "effectiveDateTime": draw.choice(DAYS), "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, **value, **about})  # fmt: skip
    return found


def test_every_measure_agrees_with_its_check_query(tmp_path: Path) -> None:
    resources = at_random(random.Random(1))
    snapshot = snapshot_of(tmp_path, resources, SERVICE.views)
    excluded = False
    for end in (date(2025, 12, 31), date(2025, 8, 31)):
        for values in (VALUES, {**VALUES, "record-use-findings": 0, "resident-months": 2}):
            for measure in SERVICE.measures:
                start, _ = period_of(measure, end)
                result = snapshot.evaluate(EVERYTHING, measure, values, start, end)
                wanted = SERVICE.checks[measure.id](resources, start, end, values)
                assert (result.numerator, result.denominator) == wanted, (measure.id, end, values)
                assert result.numerator
                assert result.numerator < (result.denominator or 0)
                excluded |= any(result.excluded.values())
    assert excluded
    snapshot.close()
