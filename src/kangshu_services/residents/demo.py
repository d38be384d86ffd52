"""Conditions and clinic visits of the demo city's residents, with blood pressure, glucose and body measures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from zlib import crc32

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    DemoResident,
    Resource,
    at,
    code_system,
    concept,
    structure,
)

_LOINC = "http://loinc.org"
_ICD = "http://hl7.org/fhir/sid/icd-10"
_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_UCUM = "http://unitsofmeasure.org"

_NAMES = {
    "I10": "原发性高血压",
    "E11.9": "2型糖尿病",
    "E78.5": "高脂血症",
    "I25.1": "冠状动脉粥样硬化性心脏病",
    "J44.9": "慢性阻塞性肺疾病",
    "I69.3": "脑梗死后遗症",
    "F03": "老年期痴呆",
}
_OTHER_REASONS = ("急性上呼吸道感染", "腰痛", "急性胃肠炎", "皮炎", "头晕", "膝关节痛", "失眠", "健康咨询")
_CHILD_REASONS = ("急性上呼吸道感染", "儿童保健", "预防接种咨询", "急性支气管炎", "腹泻")


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield conditions, then each resident's visits with what was measured."""
    clinics = _Clinics(city)
    for resident in city.residents:
        yield from _conditions(resident)
        visit = 0
        for year in city.record_years:
            if resident.birth_date.year > year:
                continue
            for _ in range(_visits(city, resident, year)):
                day = city.day_in(year)
                if day < resident.birth_date:
                    continue
                visit += 1
                yield from _visit(city, resident, day, visit, clinics.of(resident))


class _Clinics:
    """Where a resident goes: mostly the own centre, else a hospital, of the own district first."""

    def __init__(self, city: DemoCity) -> None:
        self._city = city
        self._hospitals = city.of_kind("tertiary-hospital", "secondary-hospital")
        self._near = {
            one.code: city.of_kind("tertiary-hospital", "secondary-hospital", district=one.code)
            for one in city.districts
        }
        self._centres = {one.id: one for one in city.organisations}

    def of(self, resident: DemoResident) -> DemoOrganisation:
        draw = self._city.rng.random()
        if draw < 0.35 + 0.25 * self._city.vigour(resident.district):
            return self._centres[resident.centre]
        near = self._near[resident.district]
        return self._city.rng.choice(near if near and draw < 0.85 else self._hospitals)


def _conditions(resident: DemoResident) -> Iterator[Resource]:
    for number, (code, since) in enumerate(sorted(resident.conditions.items()), 1):
        yield {
            "resourceType": "Condition",
            "id": f"condition-{resident.id[9:]}-{number}",
            "clinicalStatus": concept(_CLINICAL, "active"),
            "code": concept(_ICD, code, _NAMES[code]),
            "subject": resident.reference,
            "onsetDateTime": since.isoformat(),
            "recordedDate": since.isoformat(),
        }


def _visits(city: DemoCity, resident: DemoResident, year: int) -> int:
    age = resident.age(city.today)
    mean = (1.8 if age >= 60 else 0.6 if age >= 15 else 1.0) + 0.5 * len(resident.conditions)
    if year == city.today.year:
        mean *= city.today.timetuple().tm_yday / 365
    whole = int(mean)
    return whole + (city.rng.random() < mean - whole) - (whole > 0 and city.rng.random() < 0.3)


def _visit(
    city: DemoCity, resident: DemoResident, day: date, number: int, place: DemoOrganisation
) -> Iterator[Resource]:
    rng = city.rng
    known = [code for code, since in resident.conditions.items() if since <= day]
    if known and rng.random() < 0.6:
        reason = _NAMES[rng.choice(known)]
    else:
        reason = rng.choice(_CHILD_REASONS if resident.age(day) < 7 else _OTHER_REASONS)
    hour, minute = rng.choice((8, 9, 9, 10, 10, 11, 14, 15, 16)), rng.randrange(0, 60, 5)
    identifier = f"{resident.id[9:]}-{number:02d}"
    encounter = f"visit-{identifier}"
    yield {
        "resourceType": "Encounter",
        "id": encounter,
        "extension": [{"url": structure("received-at"), "valueInstant": _received(city, day, identifier)}],
        "status": "finished",
        "class": {"system": _CLASS, "code": "AMB", "display": "ambulatory"},
        "type": [concept(code_system("encounter-kind"), "outpatient", "门诊")],
        "subject": resident.reference,
        "period": {"start": at(day, hour, minute), "end": at(day, hour, min(59, minute + 12))},
        "reasonCode": [{"text": reason}],
        "serviceProvider": place.reference,
    }
    if resident.age(day) < 18:
        return
    common = {
        "status": "final",
        "subject": resident.reference,
        "encounter": {"reference": f"Encounter/{encounter}"},
        "effectiveDateTime": at(day, hour, minute),
        "performer": [place.reference],
    }
    if "I10" in known or rng.random() < 0.35:
        yield _blood_pressure(city, resident, day, f"bp-{identifier}", common, "I10" in known)
    if "E11.9" in known or rng.random() < 0.08:
        mean = 7.6 - 0.9 * _progress(city, resident, day) if "E11.9" in known else 5.2
        value = max(3.4, rng.gauss(mean, 1.1 if "E11.9" in known else 0.5))
        yield _quantity(f"glucose-{identifier}", "2339-0", "血糖", value, "mmol/L", common, "laboratory")
    if number == 1 or rng.random() < 0.05:
        man = resident.sex == "male"
        height = rng.gauss(168.5 if man else 157.0, 5.5) - max(0, resident.age(day) - 50) * 0.12
        weight = max(16.5, rng.gauss(24.4, 3.0)) * (height / 100) ** 2
        yield _quantity(f"height-{identifier}", "8302-2", "身高", height, "cm", common, "vital-signs")
        yield _quantity(f"weight-{identifier}", "29463-7", "体重", weight, "kg", common, "vital-signs")


def _received(city: DemoCity, day: date, identifier: str) -> str:
    """Return when the visit came in: a day or a few later, of one in twenty far too late."""
    drawn = crc32(identifier.encode()) % 100
    return at(min(city.today, day + timedelta(days=12 + drawn if drawn < 5 else 1 + drawn % 4)), 20)


def _progress(city: DemoCity, resident: DemoResident, day: date) -> float:
    years = (day - city.first_day).days / (365 * city.years)
    return city.vigour(resident.district) * (0.4 + 0.6 * years)


def _blood_pressure(
    city: DemoCity, resident: DemoResident, day: date, identifier: str, common: Resource, known: bool
) -> Resource:
    rng = city.rng
    mean = 148 - 14 * _progress(city, resident, day) if known else 114 + 0.28 * resident.age(day)
    upper = round(min(210.0, max(88.0, rng.gauss(mean, 12))))
    lower = round(min(upper - 18.0, max(48.0, 0.42 * upper + rng.gauss(26, 6))))
    return {
        "resourceType": "Observation",
        "id": identifier,
        **common,
        "category": [concept(_CATEGORY, "vital-signs")],
        "code": concept(_LOINC, "85354-9", "血压"),
        "component": [
            {"code": concept(_LOINC, code, name), "valueQuantity": _value(Decimal(value), "mm[Hg]", "mmHg")}
            for code, name, value in (("8480-6", "收缩压", upper), ("8462-4", "舒张压", lower))
        ],
    }


def _value(value: Decimal, code: str, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": _UCUM, "code": code}


def _quantity(
    identifier: str, code: str, name: str, value: float, unit: str, common: Resource, category: str
) -> Resource:
    return {
        "resourceType": "Observation",
        "id": identifier,
        **common,
        "category": [concept(_CATEGORY, category)],
        "code": concept(_LOINC, code, name),
        "valueQuantity": _value(Decimal(f"{value:.1f}"), unit, unit),
    }
