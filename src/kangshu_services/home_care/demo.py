"""The demo city's catalogue of home visits, beds at home, visits made and transfers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from kangshu.sdk import DemoCity, DemoResident, Resource, at, code_system, concept, structure

_HOME = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CATALOGUE: tuple[tuple[str, str, str, str, str], ...] = (
    ("round", "circuit", "困难失能高龄老人巡诊", "测血压、血糖，查看用药，健康指导", "0"),
    ("check", "medical", "上门诊视", "全科医生上门问诊、查体、调整治疗方案", "60"),
    ("advice", "consultation", "上门保健咨询", "饮食、运动、防跌倒和家庭照护指导", "0"),
    ("injection", "nursing", "上门注射", "核对医嘱后皮下、肌肉注射，观察反应", "50"),
    ("catheter", "nursing", "更换导尿管", "由有资质的护士操作，记录尿液性状", "120"),
    ("sores", "nursing", "压疮换药", "评估分期、清创换药、体位指导", "90"),
    ("moves", "rehabilitation", "居家康复训练", "关节活动、床椅转移、步行训练", "80"),
    ("bath", "daily", "助浴", "两人上门，评估后擦浴或助浴", "100"),
)
"""(id, kind, title, content, price)."""
_PROVIDER = "home-care-yijia"
_FAMILY_BEDS, _HOSPITAL_BEDS = 46, 22


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the provider, the catalogue, and the beds with their visits."""
    yield {
        "resourceType": "Organization",
        "id": _PROVIDER,
        "active": True,
        "type": [concept(code_system("organisation-kind"), "service-provider", "运营企业与社会组织")],
        "name": "云汐宜家护理服务公司",
        "extension": [{"url": structure("district"), "valueCode": city.districts[0].code}],
    }
    yield from (_item(city, *one) for one in _CATALOGUE)
    people = bedded(city)
    frail = frailest(city)
    for number, resident in enumerate(people):
        family = number < _FAMILY_BEDS
        yield from _bed(city, resident, number, family=family)
    for number, resident in enumerate(frail[140:200]):
        yield _visit(city, resident, number)


def frailest(city: DemoCity) -> list[DemoResident]:
    """Return those over 72, the frailest first."""
    return sorted((one for one in city.elders(72)), key=lambda one: (-one.frailty, one.id))


def bedded(city: DemoCity) -> list[DemoResident]:
    """Return those who have a bed at home, family care beds first; nobody in a small city."""
    return frailest(city)[40 : 40 + _FAMILY_BEDS + _HOSPITAL_BEDS]


def _item(city: DemoCity, id_: str, kind: str, name: str, content: str, price: str) -> Resource:
    return {
        "resourceType": "HealthcareService",
        "id": f"home-visit-{id_}",
        "active": True,
        "category": [concept(code_system("service-category"), "home-visit", "上门服务")],
        "type": [concept(code_system("home-visit-kind"), kind, name)],
        "name": name,
        "comment": content,
        "extraDetails": "上门前电话确认；出示工作证；服务后由老人或家属签字。",
        "extension": [
            {"url": structure("price"), "valueDecimal": Decimal(price)},
            {"url": structure("price-unit"), "valueString": "次"},
            {"url": structure("price-basis"), "valueString": "演示价格，以本市物价文件为准"},
        ],
    }


def _bed(city: DemoCity, resident: DemoResident, number: int, *, family: bool) -> Iterator[Resource]:
    kind, title = ("family-care-bed", "家庭养老照护床位") if family else ("home-hospital-bed", "家庭病床")
    provider = (
        f"Organization/{_PROVIDER}" if family and number % 3 == 0 else f"Organization/{resident.centre}"
    )
    start = city.today - timedelta(days=30 + city.rng.randrange(300))
    closed = number % 9 == 8
    bed: Resource = {
        "resourceType": "EpisodeOfCare",
        "id": f"{kind}-{number}",
        "status": "finished" if closed else "active",
        "type": [concept(code_system("episode-kind"), kind, title)],
        "patient": resident.reference,
        "managingOrganization": {"reference": provider},
        "period": {"start": start.isoformat()},
    }
    last = city.today - timedelta(days=city.rng.randrange(1, 20)) if closed else city.today
    if closed:
        bed["period"]["end"] = last.isoformat()
    elif family:
        # a visit comes every fourteen days: where more was agreed some are due or have been missed
        agreed = ("week", 1) if number % 5 == 1 else ("month", 2)
        bed["extension"] = [
            {"url": structure("visit-times"), "valueInteger": agreed[1]},
            {"url": structure("visit-period"), "valueCode": agreed[0]},
            {"url": structure("visit-since"), "valueDate": start.isoformat()},
        ]
    yield bed
    day = start + timedelta(days=7)
    while day < last:
        yield _round(resident, bed, day, provider, family=family)
        day += timedelta(days=14 if family else 10)
    if family and number % 11 == 3 and not closed:
        yield _transfer(city, resident, number, start)


def _round(resident: DemoResident, bed: Resource, day: date, provider: str, *, family: bool) -> Resource:
    kind, title = ("home-visit", "上门服务") if family else ("home-bed-round", "家庭病床查床")
    made: Resource = {
        "resourceType": "Encounter",
        "id": f"visit-{bed['id']}-{day:%Y%m%d}",
        "status": "finished",
        "class": {"system": _HOME, "code": "HH", "display": "home health"},
        "type": [concept(code_system("encounter-kind"), kind, title)],
        "subject": resident.reference,
        "episodeOfCare": [{"reference": f"EpisodeOfCare/{bed['id']}"}],
        "period": {"start": at(day, 10), "end": at(day, 11)},
        "serviceProvider": {"reference": provider},
    }
    if family:
        made["extension"] = [{"url": structure("visit-kind"), "valueCode": "bed"}]
    return made


def _visit(city: DemoCity, resident: DemoResident, number: int) -> Resource:
    planned = city.today - timedelta(days=3 + city.rng.randrange(280))
    made = planned + timedelta(days=1 if number % 8 == 7 else 0)
    kind = ("circuit", "nursing", "rehabilitation", "medical", "daily")[number % 5]
    return {
        "resourceType": "Encounter",
        "id": f"visit-order-{number}",
        "status": "finished",
        "class": {"system": _HOME, "code": "HH", "display": "home health"},
        "type": [concept(code_system("encounter-kind"), "home-visit", "上门服务")],
        "subject": resident.reference,
        "period": {"start": at(made, 9, 30), "end": at(made, 10, 20)},
        "serviceProvider": {"reference": f"Organization/{resident.centre}"},
        "extension": [
            {"url": structure("planned-on"), "valueDate": planned.isoformat()},
            {"url": structure("visit-kind"), "valueCode": kind},
        ],
    }


def _transfer(city: DemoCity, resident: DemoResident, number: int, start: date) -> Resource:
    home = city.of_kind("elder-institution")[number % 3]
    direction = "home" if number % 2 else "institution"
    return {
        "resourceType": "Basic",
        "id": f"care-transfer-{number}",
        "code": concept(code_system("record-kind"), "care-transfer", "居家与机构互转"),
        "subject": resident.reference,
        "created": (start + timedelta(days=20)).isoformat(),
        "author": home.reference,
        "extension": [
            {"url": structure("transfer-direction"), "valueCode": direction},
            {"url": structure("transfer-to"), "valueReference": home.reference},
        ],
    }
