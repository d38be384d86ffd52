"""The demo city's Chinese medicine: constitutions of older residents, and services for children."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from kangshu.sdk import DemoCity, DemoResident, Resource, code_system, concept, structure

_ADVICE = (
    "少食生冷，适量八段锦，艾灸足三里",
    "饮食清淡，早睡，按揉太冲",
    "忌肥甘厚味，每日步行三十分钟",
    "情志舒畅，多参加社区活动",
)
_CONSTITUTIONS = ("气虚质", "阳虚质", "阴虚质", "痰湿质", "湿热质", "血瘀质", "气郁质", "特禀质")
_MONTHS = (6, 12, 18, 24, 30, 36)
_ADVISED = 0.95


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the constitutions of each year, then the children's services."""
    for resident in city.elders(65):
        for place, year in enumerate(city.record_years):
            share = (0.38 + 0.4 * city.vigour(resident.district)) * (0.8 + 0.2 * place / city.years)
            if year == city.today.year:
                share *= city.today.timetuple().tm_yday / 365
            if resident.age(date(year, 12, 31)) >= 65 and city.rng.random() < share:
                yield _constitution(city, resident, year)
    for child in city.residents:
        if child.age(city.today) < 4:
            yield from _services(city, child)


def _constitution(city: DemoCity, resident: DemoResident, year: int) -> Resource:
    balanced = city.rng.choice(("yes", "basically", "no", "no"))
    made: Resource = {
        "resourceType": "Observation",
        "id": f"tcm-constitution-{resident.id[9:]}-{year}",
        "status": "final",
        "code": concept(code_system("assessment"), "tcm-constitution", "中医体质辨识"),
        "subject": resident.reference,
        "effectiveDateTime": city.day_in(year).isoformat(),
        "performer": [{"reference": f"Organization/{resident.centre}"}],
        "interpretation": [{"coding": [{"code": balanced}]}],
    }
    if city.rng.random() < _ADVISED:
        made["extension"] = [{"url": structure("tcm-advice"), "valueString": city.rng.choice(_ADVICE)}]
    if balanced == "no":
        made["component"] = [
            {
                "code": {"text": city.rng.choice(_CONSTITUTIONS)},
                "valueCodeableConcept": {"coding": [{"code": "yes", "display": "是"}]},
            }
        ]
    return made


def _services(city: DemoCity, child: DemoResident) -> Iterator[Resource]:
    for month in _MONTHS:
        day = child.birth_date + timedelta(days=month * 30.44 + city.rng.randrange(12))
        if (
            city.rng.random() < 0.55 + 0.35 * city.vigour(child.district)
            and city.first_day <= day < city.today
        ):
            yield {
                "resourceType": "Encounter",
                "id": f"child-tcm-{child.id[9:]}-{month}",
                "extension": [{"url": structure("due-month"), "valueInteger": month}],
                "status": "finished",
                "class": {
                    "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": "AMB",
                    "display": "ambulatory",
                },
                "type": [concept(code_system("encounter-kind"), "child-tcm", "儿童中医药健康管理")],
                "subject": child.reference,
                "period": {"start": day.isoformat(), "end": day.isoformat()},
                "serviceProvider": {"reference": f"Organization/{child.centre}"},
            }
