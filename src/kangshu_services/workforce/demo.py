"""Posts of the demo city's staff, those who have left among them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoPractitioner, Resource, code_system, concept, evidence, structure

_NAMES = {
    "general-practitioner": "全科医生",
    "physician": "医师",
    "nurse": "护士",
    "elder-care-worker": "养老护理员",
}


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield everyone's present post, and for some an earlier one elsewhere."""
    names = {one.id: one.name for one in city.organisations}
    for number, one in enumerate(city.practitioners):
        yield _post(one, names, f"post-{one.id[13:]}", one.organisation, one.since, None)
        if city.rng.random() < 0.12:
            kind = next(place.kind for place in city.organisations if place.id == one.organisation)
            peers = city.of_kind(kind)
            other = peers[number % len(peers)].id
            left = one.since - timedelta(days=city.rng.randrange(1, 90))
            start = left - timedelta(days=city.rng.randrange(300, 1500))
            yield _post(one, names, f"post-{one.id[13:]}-earlier", other, start, left)

    for home in filing_homes(city):
        yield evidence(f"filing-paper-{home}", home, "执业证书和聘用协议")


def filing_homes(city: DemoCity) -> tuple[str, ...]:
    """Return the ids of the homes for older people that file further sites."""
    return tuple(one.id for one in city.of_kind("elder-institution")[:3])


def _post(
    one: DemoPractitioner,
    names: dict[str, str],
    identifier: str,
    organisation: str,
    start: date,
    end: date | None,
) -> Resource:
    period = {"start": start.isoformat()}
    if end is not None:
        period["end"] = end.isoformat()
    frontline = [{"url": structure("care-post"), "valueCode": "frontline"}]
    return {
        "resourceType": "PractitionerRole",
        "id": identifier,
        **({"extension": frontline} if one.role == "elder-care-worker" else {}),
        "active": end is None,
        "period": period,
        "practitioner": one.reference,
        "organization": {"reference": f"Organization/{organisation}", "display": names[organisation]},
        "code": [concept(code_system("staff-role"), one.role, _NAMES[one.role])],
    }
