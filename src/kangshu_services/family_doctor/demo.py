"""Family doctors of the demo city: packages, teams with their duty, alliances, contracts, services given, key groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from kangshu.sdk import (
    DemoCity,
    DemoOrganisation,
    DemoPractitioner,
    DemoResident,
    Resource,
    at,
    code_system,
    concept,
    structure,
)

_ZONE: Final = ZoneInfo("Asia/Shanghai")
CENTRES: Final = ("community-health-centre", "township-health-centre")
PACKAGES: Final = (
    ("basic", "基本签约服务包", "0", "", ("all",), (("public-health", "健康档案更新与健康评估", 1), ("education", "健康教育与咨询", 2), ("booking", "优先预约", 1))),
    ("older", "老年人健康守护包", "0", "", ("older",), (("management", "年度健康体检与评估", 1), ("follow-up", "季度健康随访", 4), ("tcm", "中医体质辨识与指导", 1), ("education", "健康教育与咨询", 2))),
    ("chronic", "高血压糖尿病管理包", "120", "云汐市基层医疗服务价目表（演示）", ("chronic",), (("follow-up", "血压血糖随访", 6), ("medication", "用药指导", 4), ("long-prescription", "长期处方", 4), ("management", "并发症筛查", 1))),
    ("home", "居家老人上门服务包", "360", "云汐市基层医疗服务价目表（演示）", ("older", "disabled"), (("home-visit", "出诊上门服务", 6), ("medication", "药品配送与用药指导", 6), ("follow-up", "电话随访", 6))),
)  # fmt: skip
"""(id, title, price a year, price list, for whom, items: kind, title, times a year)."""
_GROUP_NAMES: Final = {
    "pregnant": "孕产妇",
    "disabled": "残疾人",
    "low-income": "低收入（脱贫、低保）人口",
    "family-planning": "计划生育特殊家庭",
}
_SUMMARIES: Final = {
    "follow-up": "测量血压、血糖，询问用药和生活方式，给予指导。",
    "education": "讲解饮食、运动和用药注意事项，解答疑问。",
    "management": "完成年度体检和健康评估，结果已告知本人。",
    "public-health": "核对并更新健康档案，完成健康评估。",
    "medication": "核对在用药品，指导按时服药，送药到家。",
    "home-visit": "上门测量生命体征，检查伤口和压疮风险，指导家属照护。",
    "tcm": "完成中医体质辨识，给予起居饮食指导。",
    "long-prescription": "病情稳定，开具长期处方。",
    "booking": "为居民优先预约上级医院专家门诊。",
}


@dataclass(frozen=True, slots=True)
class Team:
    """A team with its members by role."""

    id: str
    name: str
    centre: DemoOrganisation
    members: tuple[tuple[str, DemoPractitioner], ...]

    @property
    def reference(self) -> dict[str, str]:
        """Return a FHIR reference with display."""
        return {"reference": f"CareTeam/{self.id}", "display": self.name}


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the service's records, a resident's oldest contract first."""
    yield from _packages(city)
    hospitals = alliances(city)
    for number, (centre, hospital) in enumerate(hospitals.items(), 1):
        yield _alliance(city, number, city.organisation(centre), hospital)
    staffed = teams(city)
    for members in staffed.values():
        for team in members:
            yield _team(city, team)
            yield from _shifts(city, team)
    asked = {one.id for one in undecided(city)}
    for resident in city.residents:
        if resident.id in asked:
            yield from _tags(city, resident)
            continue
        yield from _of_resident(city, resident, staffed.get(resident.centre, ()), hospitals)


def undecided(city: DemoCity, count: int = 11) -> tuple[DemoResident, ...]:
    """Return up to `count` adults of the first centre whose team has a doctor: they have no contract yet, cases ask them."""
    centre = next(id_ for id_, found in teams(city).items() if found and found[0].members[0][0] == "gp")
    people = [one for one in city.residents if one.centre == centre and 18 <= one.age(city.today) < 60]
    return tuple(people[:: max(1, len(people) // count)][:count])


def alliances(city: DemoCity) -> Mapping[str, DemoOrganisation]:
    """Return the tertiary hospital of each centre's alliance, by the centre's id; a few centres have none yet."""
    tertiary = city.of_kind("tertiary-hospital")
    return {
        one.id: tertiary[number % len(tertiary)]
        for number, one in enumerate(city.of_kind(*CENTRES))
        if number % 11 != 7
    }


def teams(city: DemoCity) -> Mapping[str, tuple[Team, ...]]:
    """Return the teams of each centre, by the centre's id: one for every two general practitioners, one at least.

    Where a centre has no general practitioner of its own its team has none either: a gap that the city has to close.
    """
    found = {}
    for centre in city.of_kind(*CENTRES):
        staff = [one for one in city.practitioners if one.organisation == centre.id]
        doctors = [one for one in staff if one.role == "general-practitioner"]
        others = [one for one in staff if one.role == "physician"]
        nurses = [one for one in staff if one.role == "nurse"]
        made = []
        for number in range(max(1, (len(doctors) + 1) // 2) if staff else 0):
            members = [("gp", one) for one in doctors[number * 2 : number * 2 + 2]]
            members += [("nurse", one) for one in nurses[number : number + 1]]
            members += [("public-health", one) for one in others[number * 2 : number * 2 + 1]]
            members += [("tcm", one) for one in others[number * 2 + 1 : number * 2 + 2]]
            members += [("manager", one) for one in nurses[-1:] if len(nurses) > number + 1]
            name = f"{members[0][1].name}家庭医生团队"
            made.append(Team(f"team-{centre.id}-{number + 1}", name, centre, tuple(members)))
        found[centre.id] = tuple(made)
    return found


def _packages(city: DemoCity) -> Iterator[Resource]:
    office = city.unit("health-commission")
    for id_, title, price, source, groups, items in PACKAGES:
        extensions: list[Resource] = [
            {
                "url": structure("package-class"),
                "valueCode": "basic" if price == "0" else "personal",
            },
            {"url": structure("unit-price"), "valueDecimal": Decimal(price)},
            {
                "url": structure("for-groups"),
                "valueCodeableConcept": {
                    "coding": [{"system": code_system("key-group"), "code": one} for one in groups]
                },
            },
            {"url": structure("responsible-organisation"), "valueReference": office.reference},
        ]
        if source:
            extensions.append({"url": structure("price-source"), "valueString": source})
        yield {
            "resourceType": "PlanDefinition",
            "id": f"package-{id_}",
            "extension": extensions,
            "title": title,
            "status": "active",
            "type": concept(code_system("package-kind"), "family-doctor", "家庭医生签约服务包"),
            "action": [
                {
                    "title": name,
                    "code": [concept(code_system("family-doctor-service"), kind)],
                    "timingTiming": {"repeat": {"frequency": times, "period": 1, "periodUnit": "a"}},
                }
                for kind, name, times in items
            ],
        }


def _alliance(city: DemoCity, number: int, centre: DemoOrganisation, hospital: DemoOrganisation) -> Resource:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": f"alliance-{number:03d}",
        "active": True,
        "period": {"start": city.first_day.isoformat()},
        "organization": hospital.reference,
        "participatingOrganization": centre.reference,
        "code": [concept(code_system("affiliation-kind"), "medical-alliance", "医联体")],
    }


def _team(city: DemoCity, team: Team) -> Resource:
    return {
        "resourceType": "CareTeam",
        "id": team.id,
        "status": "active",
        "category": [concept(code_system("team-kind"), "family-doctor", "家庭医生团队")],
        "name": team.name,
        "managingOrganization": [team.centre.reference],
        "telecom": [{"system": "phone", "value": f"0900-{7000000 + city.rng.randrange(999999):07d}"}],
        "participant": [
            {"role": [concept(code_system("team-role"), role)], "member": one.reference}
            for role, one in team.members
        ],
    }


def _shifts(city: DemoCity, team: Team) -> Iterator[Resource]:
    """Yield the duty of three shifts a day, some of them with nobody where the work has not come far."""
    people = [one for _, one in team.members]
    for offset in range(-2, 6):
        day = city.today + timedelta(days=offset)
        for hour in (0, 8, 16):
            if city.rng.random() > 0.7 + 0.3 * city.vigour(team.centre.district):
                continue
            begin = datetime(day.year, day.month, day.day, hour, tzinfo=_ZONE)
            person = people[(offset * 3 + hour // 8) % len(people)]
            yield {
                "resourceType": "Schedule",
                "id": f"duty-{team.id}-{day:%m%d}-{hour:02d}",
                "extension": [
                    {"url": structure("care-team"), "valueReference": team.reference},
                    {"url": structure("responsible-organisation"), "valueReference": team.centre.reference},
                ],
                "active": True,
                "serviceType": [concept(code_system("duty-post"), "family-doctor", "家庭医生团队值班")],
                "actor": [person.reference],
                "planningHorizon": {
                    "start": begin.isoformat(),
                    "end": (begin + timedelta(hours=8)).isoformat(),
                },
            }


def _of_resident(
    city: DemoCity,
    resident: DemoResident,
    staffed: tuple[Team, ...],
    hospitals: Mapping[str, DemoOrganisation],
) -> Iterator[Resource]:
    """Yield a resident's contracts year by year, what was given under the last one, ratings and tags."""
    wish, start = _wish(city, resident), None
    team = staffed[int(resident.id[9:]) % len(staffed)] if staffed else None
    for place, year in enumerate(city.record_years):
        grown = 0.72 + 0.28 * (place + 1) / city.years
        if city.rng.random() >= wish * grown:
            start = None
            continue
        start = start + timedelta(days=365) if start else city.day_in(year)
        if start > city.today or start < resident.birth_date:
            start = None
            continue
        contract = _contract(city, resident, start, year, team, hospitals.get(resident.centre))
        yield contract
        if start + timedelta(days=364) >= city.today and team is not None:
            yield from _services(city, resident, team, contract, start)
            yield from _rating(city, resident, contract, start)
    yield from _tags(city, resident)


def _wish(city: DemoCity, resident: DemoResident) -> float:
    """Return how likely the resident has a contract in a good year."""
    vigour, age = city.vigour(resident.district), resident.age(city.today)
    if age >= 60:
        return min(0.99, 0.58 + 0.42 * vigour + 0.06 * bool(resident.conditions))
    if age < 7:
        return 0.35 + 0.45 * vigour
    return 0.18 + 0.18 * vigour + (0.3 if resident.conditions else 0.0)


def package_of(city: DemoCity, resident: DemoResident) -> tuple[Any, ...]:
    """Return the package that fits a resident."""
    age = resident.age(city.today)
    if age >= 80 and resident.frailty > 0.6:
        return PACKAGES[3]
    if {"I10", "E11.9"} & resident.conditions.keys() and age < 65:
        return PACKAGES[2]
    return PACKAGES[1] if age >= 60 else PACKAGES[0]


def _contract(
    city: DemoCity,
    resident: DemoResident,
    start: date,
    year: int,
    team: Team | None,
    hospital: DemoOrganisation | None,
) -> Resource:
    centre = city.organisation(resident.centre)
    package = package_of(city, resident)
    extensions = [
        {
            "url": structure("service-package"),
            "valueReference": {"reference": f"PlanDefinition/package-{package[0]}", "display": package[1]},
        },
        {"url": structure("signed-by"), "valueCode": "online" if city.rng.random() < 0.3 else "paper"},
    ]
    if team is not None:
        extensions.append({"url": structure("care-team"), "valueReference": team.reference})
    if hospital is not None and city.rng.random() < 0.35 + 0.6 * city.vigour(resident.district):
        extensions.append({"url": structure("tertiary-hospital"), "valueReference": hospital.reference})
        extensions += _hospital_part(resident, start)
    return {
        "resourceType": "Contract",
        "id": f"family-doctor-{resident.id[9:]}-{year}",
        "extension": extensions,
        "identifier": [
            {
                "system": "http://kangshu.org/fhir/sid/family-doctor-contract",
                "value": f"签〔{year}〕Y{resident.id[9:]}号",
            }
        ],
        "status": "executed",
        "type": concept(code_system("contract-kind"), "family-doctor", "家庭医生签约服务协议"),
        "issued": f"{start.isoformat()}T09:00:00+08:00",
        "applies": {
            "start": start.isoformat(),
            "end": (start + timedelta(days=364)).isoformat(),
        },
        "subject": [resident.reference],
        "authority": [centre.reference],
    }


def _hospital_part(resident: DemoResident, start: date) -> list[Resource]:
    """Return how far the hospital has come with its part: most are confirmed, some wait, a few were declined."""
    number = sum(ord(sign) for sign in resident.id) % 10
    state = "declined" if number == 0 else "waiting" if number < 3 else "confirmed"
    found: list[Resource] = [{"url": structure("hospital-state"), "valueCode": state}]
    if state == "confirmed":
        found.append({"url": structure("hospital-confirmed"), "valueDate": start.isoformat()})
    return found


def _services(
    city: DemoCity, resident: DemoResident, team: Team, contract: Resource, start: date
) -> Iterator[Resource]:
    """Yield what was given of each item that is due by today."""
    days = (city.today - start).days + 1
    for kind, _, times in package_of(city, resident)[5]:
        for number in range(times * days // 365):
            if city.rng.random() > 0.55 + 0.4 * city.vigour(resident.district):
                continue
            day = start + timedelta(
                days=min(days - 1, (number + 1) * 365 // times - city.rng.randrange(1, 20))
            )
            if day < start:
                continue
            way = "HH" if kind in ("home-visit", "medication") else "AMB" if number % 2 else "VR"
            person = team.members[(number + len(kind)) % len(team.members)][1]
            yield {
                "resourceType": "Encounter",
                "id": f"{contract['id']}-{kind}-{number + 1}",
                "extension": [
                    {
                        "url": structure("contract"),
                        "valueReference": {"reference": f"Contract/{contract['id']}"},
                    },
                    {"url": structure("family-doctor-service"), "valueCode": kind},
                    {"url": structure("service-summary"), "valueString": _SUMMARIES[kind]},
                ],
                "status": "finished",
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": way},
                "type": [concept(code_system("encounter-kind"), "family-doctor-service", "家庭医生签约服务")],
                "subject": resident.reference,
                "participant": [{"individual": person.reference}],
                "period": {"start": day.isoformat(), "end": day.isoformat()},
                "serviceProvider": team.centre.reference,
            }


def _rating(city: DemoCity, resident: DemoResident, contract: Resource, start: date) -> Iterator[Resource]:
    if city.rng.random() > 0.12:
        return
    score = city.rng.choices("54321", (42, 38, 13, 5, 2))[0]
    day = max(start, date(city.today.year, 1, 1))
    day += timedelta(days=city.rng.randrange((city.today - day).days + 1))
    yield {
        "resourceType": "Observation",
        "id": f"{contract['id']}-rating",
        "extension": [
            {
                "url": structure("responsible-organisation"),
                "valueReference": {"reference": f"Organization/{resident.centre}"},
            }
        ],
        "status": "final",
        "code": concept(code_system("assessment"), "contract-satisfaction", "家庭医生签约满意度"),
        "subject": resident.reference,
        "focus": [{"reference": f"Contract/{contract['id']}"}],
        "effectiveDateTime": at(day, 10 + city.rng.randrange(8), city.rng.randrange(60)),
        "performer": [resident.reference],
        "valueCodeableConcept": concept(code_system("satisfaction"), score),
    }


def _tags(city: DemoCity, resident: DemoResident) -> Iterator[Resource]:
    age, draw = resident.age(city.today), city.rng.random()
    group = ""
    if resident.sex == "female" and 22 <= age <= 40 and draw < 0.05:
        group = "pregnant"
    elif draw < 0.03:
        group = "low-income"
    elif draw < 0.055:
        group = "disabled"
    elif age >= 49 and draw < 0.062:
        group = "family-planning"
    if group:
        since = city.day_in(city.today.year if group == "pregnant" else city.first_day.year)
        yield {
            "resourceType": "Flag",
            "id": f"key-group-{resident.id[9:]}",
            "status": "active",
            "category": [concept(code_system("flag-kind"), "key-group", "重点人群")],
            "code": concept(code_system("key-group"), group, _GROUP_NAMES[group]),
            "subject": resident.reference,
            "period": {"start": since.isoformat()},
        }
