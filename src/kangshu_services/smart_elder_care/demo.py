"""Smart elder care in the demo city: providers and their catalogue, people enrolled with devices and contacts, shifts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

from kangshu.sdk import DemoCity, DemoResident, Resource, code_system, concept, geolocation, structure

CALL_CENTRE = "call-centre"
PROVIDERS = (
    ("provider-lelin", "乐邻居家养老服务有限公司", "990102001", "admitted", "red"),
    ("provider-kanghe", "康禾健康照护服务中心", "990103001", "admitted", "none"),
    ("provider-nuanyang", "暖阳助餐配送服务社", "990104001", "admitted", "none"),
    ("provider-jieshi", "捷时家政服务部", "990105001", "suspended", "black"),
    ("provider-songtao", "松涛陪护服务中心", "990106101", "", "none"),
)
"""Id, name, town, standing and list of each provider; the last one asks to be admitted."""
OFFERS = (
    ("meals", "上门助餐（午餐）", "provider-nuanyang", "15.00", "份", ("990102", "990103", "990104"), True),
    ("cleaning", "居室清洁", "provider-lelin", "45.00", "小时", ("990102", "990103", "990104", "990105"), True),
    ("bathing", "上门助浴", "provider-lelin", "120.00", "次", ("990102", "990103"), True),
    ("walking", "陪同出行", "provider-lelin", "40.00", "小时", ("990102",), False),
    ("medical-help", "陪诊取药", "provider-kanghe", "60.00", "小时", ("990102", "990103", "990104"), True),
    ("escort", "诊后上门陪护", "provider-kanghe", "260.00", "天", ("990102", "990103"), False),
    ("home-nursing", "居家护理（压疮换药）", "provider-kanghe", "150.00", "次", ("990103", "990104"), False),
    ("bills", "代缴水电费", "provider-lelin", "5.00", "次", ("990102",), False),
    ("assistive-device", "轮椅租赁", "provider-kanghe", "180.00", "月", ("990100",), False),
    ("insurance", "老年意外险咨询", "provider-kanghe", "0.00", "次", ("990102",), False),
    ("assistive-device", "轮椅助行器租赁（送货上门）", "provider-lelin", "150.00", "月", ("990102",), False),
)  # fmt: skip
"""Kind, name, provider, price, unit, divisions served, whether government buys it."""
AGENTS = ("沐晨", "夏言", "顾小棠", "方可", "季明月", "柳长青")
WORKERS = (
    ("worker-01", "宁静", "provider-lelin", "home-carer", 300, 200),
    ("worker-02", "于大海", "provider-lelin", "home-carer", 400, 380),
    ("worker-03", "程暖", "provider-kanghe", "escort", 240, 500),
    ("worker-04", "冯时", "provider-nuanyang", "home-carer", 120, 90),
    ("worker-05", "邱平", "provider-lelin", "home-carer", -20, 60),
)
"""Id, name, provider, post, days until certificate and insurance end; the last one's certificate has ended."""
ENTITLED = 4
"""Of how many people of the first district government buys services at most, under the pilot."""
COMMUNITIES = ("990102001001", "990102001002", "990103001001")
_SHIFTS = ((0, 8), (8, 16), (16, 24))
_ZONE = timezone(timedelta(hours=8))
_KINDS = {
    "living-alone": "独居老人", "empty-nest": "空巢老人", "lost-only-child": "失独家庭",
    "extreme-poverty": "分散供养特困人员", "disabled": "失能失智老人家庭", "low-income": "低保家庭",
}  # fmt: skip
_MEDICINES = {"I10": ("苯磺酸氨氯地平片", "每日一次，每次5mg"), "E11.9": ("盐酸二甲双胍片", "每日两次，每次0.5g"), "I25.1": ("阿司匹林肠溶片", "每晚一次，每次100mg")}  # fmt: skip


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield organisations, staff and shifts, the catalogue, then the people."""
    yield from _organisations(city)
    yield from _staff(city)
    yield from _shifts(city)
    yield from _catalogue()
    for number, resident in enumerate(enrolled(city), 1):
        yield from _person(city, resident, number)
    since = city.today - timedelta(days=300)
    yield from (_entitlement(city, one, coverage_of(one), since, "500.00") for one in entitled(city))


def enrolled(city: DemoCity) -> list[DemoResident]:
    """Return the older residents who have an account, the frailest of each district first, more where work has gone
    farther."""
    found: list[DemoResident] = []
    for district in city.districts:
        near = sorted(
            (one for one in city.elders(65) if one.district == district.code),
            key=lambda one: (-one.frailty, one.id),
        )
        found += near[: max(2, round(len(near) * 0.45 * district.vigour))]
    return found


def entitled(city: DemoCity) -> list[DemoResident]:
    """Return those of the first district for whom government buys services under the pilot."""
    return [one for one in enrolled(city) if one.district == "990102"][:ENTITLED]


def coverage_of(resident: DemoResident) -> str:
    """Return the id of a resident's entitlement under the pilot."""
    return f"elder-service-pilot-{resident.id[9:]}"


def _organisations(city: DemoCity) -> Iterator[Resource]:
    names = {code: name for town in city.towns for code, name in town.communities.items()}
    for number, (id_, name, town, state, listed) in enumerate(PROVIDERS, 1):
        extensions = [
            {"url": structure("district"), "valueCode": town[:6]},
            {"url": structure("provider-list"), "valueCode": listed},
        ]
        if state:
            extensions.append({"url": structure("provider-state"), "valueCode": state})
            extensions += [
                {"url": structure("account-holder"), "valueString": name},
                {"url": structure("account-bank"), "valueString": "云汐农村商业银行"},
                {"url": structure("account-number"), "valueString": f"62280011{number:011d}"},
            ]
        yield {
            "resourceType": "Organization",
            "id": id_,
            "extension": extensions,
            "active": state == "admitted",
            "type": [concept(code_system("organisation-kind"), "service-provider", "养老服务商")],
            "name": name,
            "telecom": [{"system": "phone", "value": f"0900-6800100{number}", "use": "work"}],
            "address": [{"text": f"{city.name}", "extension": [geolocation(city.position(town, id_))]}],
        }
    for number, code in enumerate(COMMUNITIES, 1):
        yield {
            "resourceType": "Organization",
            "id": f"community-{code}",
            "extension": [{"url": structure("district"), "valueCode": code}],
            "active": True,
            "type": [concept(code_system("organisation-kind"), "village-committee", "村（居）民委员会")],
            "name": f"{names[code]}居民委员会",
            "telecom": [{"system": "phone", "value": f"0900-6810100{number}", "use": "work"}],
            "address": [{"text": names[code], "extension": [geolocation(city.position(code, "office"))]}],
        }


def _staff(city: DemoCity) -> Iterator[Resource]:
    for number, name in enumerate(AGENTS, 1):
        yield {
            "resourceType": "Practitioner",
            "id": f"call-agent-{number:02d}",
            "active": True,
            "name": [{"text": name}],
        }
    for id_, name, provider, role, certificate, insured in WORKERS:
        ends = [city.today + timedelta(days=days) for days in (certificate, insured)]
        yield {"resourceType": "Practitioner", "id": id_, "active": True, "name": [{"text": name}]}
        yield {
            "resourceType": "PractitionerRole",
            "id": f"{id_}-{role}",
            "extension": [
                {"url": structure("certificate-number"), "valueString": f"HLY-{id_[-2:]}-2024"},
                {"url": structure("certificate-until"), "valueDate": ends[0].isoformat()},
                {"url": structure("insured-until"), "valueDate": ends[1].isoformat()},
            ],
            "active": True,
            "period": {
                "start": city.day(-400),
                "end": min(ends).isoformat(),
            },
            "practitioner": {"reference": f"Practitioner/{id_}", "display": name},
            "organization": {"reference": f"Organization/{provider}"},
            "code": [concept(code_system("staff-role"), role, "护工" if role == "home-carer" else "陪护员")],
        }


def _shifts(city: DemoCity) -> Iterator[Resource]:
    """Yield two weeks of shifts, two people by day and one by night; the coming night is open."""
    turn = 0
    for offset in range(-3, 12):
        day = city.today + timedelta(days=offset)
        for first, last in _SHIFTS:
            if offset == 1 and first == 0:
                continue
            for place in range(1 if first == 0 else 2):
                agent = turn % len(AGENTS)
                turn += 1
                yield {
                    "resourceType": "Schedule",
                    "id": f"shift-{day.isoformat()}-{first:02d}-{place}",
                    "extension": [
                        {
                            "url": structure("responsible-organisation"),
                            "valueReference": {"reference": f"Organization/{CALL_CENTRE}"},
                        }
                    ],
                    "active": True,
                    "serviceType": [concept(code_system("duty-post"), "call-desk", "接警席")],
                    "actor": [
                        {
                            "reference": f"Practitioner/call-agent-{agent + 1:02d}",
                            "display": AGENTS[agent],
                        }
                    ],
                    "planningHorizon": {"start": _hour(day, first), "end": _hour(day, last)},
                }


def _hour(day: date, hour: int) -> str:
    moment = datetime.combine(day, time(0), _ZONE) + timedelta(hours=hour)
    return moment.isoformat()


def _catalogue() -> Iterator[Resource]:
    for number, (kind, name, provider, price, per, areas, bought) in enumerate(OFFERS, 1):
        for area in areas:
            yield {
                "resourceType": "HealthcareService",
                "id": f"elder-service-{number:02d}-{area}",
                "extension": [
                    {"url": structure("price"), "valueDecimal": Decimal(price)},
                    {"url": structure("price-unit"), "valueString": per},
                    {"url": structure("government-bought"), "valueBoolean": bought},
                ],
                "active": True,
                "providedBy": {"reference": f"Organization/{provider}"},
                "category": [concept(code_system("elder-service"), kind, name)],
                "name": name if len(areas) == 1 else f"{name}（{area}）",
                "coverageArea": [{"reference": f"Location/division-{area}"}],
            }


def _person(city: DemoCity, resident: DemoResident, number: int) -> Iterator[Resource]:
    """Yield the account of an enrolled resident, a device for most, contacts, medicines, marks and entitlements."""
    rng, short = city.rng, resident.id[9:]
    since = city.today - timedelta(days=rng.randrange(30, 700))
    special = resident.frailty > 0.55 or rng.random() < 0.2
    if special:
        kind = rng.choice(tuple(_KINDS))
        yield {
            "resourceType": "Flag",
            "id": f"special-family-{short}",
            "identifier": [
                {"system": "http://kangshu.org/fhir/sid/special-family", "value": f"TS{number:05d}"}
            ],
            "status": "active",
            "category": [concept(code_system("flag-kind"), "special-family", "特殊家庭")],
            "code": concept(code_system("special-family"), kind, _KINDS[kind]),
            "subject": resident.reference,
            "period": {"start": since.isoformat()},
        }
    if special and rng.random() < 0.15:
        return  # of a special family and not online yet: work to be done
    services = ("rescue", *rng.choice(((), (), ("living",), ("health",), ("living", "comfort"))))
    yield {
        "resourceType": "Account",
        "id": f"smart-{short}",
        "extension": [
            {
                "url": structure("basic-service"),
                "valueCodeableConcept": {
                    "coding": [{"system": code_system("basic-service"), "code": one} for one in services]
                },
            }
        ],
        "status": "active",
        "type": concept(code_system("account-kind"), "smart-elder-care", "智慧养老平台账户"),
        "subject": [resident.reference],
        "servicePeriod": {"start": since.isoformat()},
        "owner": {"reference": f"Organization/{CALL_CENTRE}"},
    }
    if rng.random() < (0.95 if special else 0.6):
        yield _device(city, resident, number, since)
        yield from _contacts(city, resident, number)
        yield from _medicines(resident)
    if special and rng.random() < 0.5:
        yield _entitlement(city, resident, f"elder-service-{short}", since, "300.00")


def _entitlement(city: DemoCity, resident: DemoResident, id_: str, since: date, monthly: str) -> Resource:
    return {
        "resourceType": "Coverage",
        "id": id_,
        "extension": [{"url": structure("monthly-amount"), "valueDecimal": Decimal(monthly)}],
        "status": "active",
        "type": concept(code_system("coverage-kind"), "elder-service", "政府购买居家养老服务"),
        "beneficiary": resident.reference,
        "payor": [city.unit("civil-affairs").reference],
        "period": {"start": since.isoformat()},
    }


def _device(city: DemoCity, resident: DemoResident, number: int, since: date) -> Resource:
    silent = number % 37 == 0
    last = datetime.combine(city.today, time(6), _ZONE) - timedelta(
        days=9 if silent else 0, minutes=number % 50
    )
    return {
        "resourceType": "Device",
        "id": f"one-touch-{resident.id[9:]}",
        "extension": [
            {"url": structure("installed-in"), "valueCode": resident.community},
            {"url": structure("installed-on"), "valueDate": since.isoformat()},
            {"url": structure("heartbeat"), "valueDateTime": last.isoformat()},
            {"url": structure("battery"), "valueInteger": 9 if silent else 40 + number % 60},
        ],
        "identifier": [{"system": "http://kangshu.org/fhir/sid/device", "value": f"YJT-{number:04d}"}],
        "status": "active",
        "manufacturer": "YJT-2",
        "type": concept(code_system("device-kind"), "one-touch", "一键通呼叫器"),
        "patient": resident.reference,
    }


def _contacts(city: DemoCity, resident: DemoResident, number: int) -> Iterator[Resource]:
    family = resident.name[0]
    people = (
        ("child", "子女", f"{family}{city.rng.choice('宁清远安和')}"),
        ("neighbour", "邻居", f"{city.rng.choice('赵钱孙李周吴')}阿姨"),
    )
    for rank, (kind, title, name) in enumerate(people, 1):
        yield {
            "resourceType": "RelatedPerson",
            "id": f"contact-{resident.id[9:]}-{rank}",
            "active": True,
            "patient": resident.reference,
            "relationship": [concept(code_system("relationship"), kind, title)],
            "name": [{"text": name}],
            "telecom": [{"system": "phone", "value": f"0900-7{rank}{number:06d}", "rank": rank}],
        }


def _medicines(resident: DemoResident) -> Iterator[Resource]:
    for place, code in enumerate(sorted(resident.conditions), 1):
        if code in _MEDICINES:
            name, dosage = _MEDICINES[code]
            yield {
                "resourceType": "MedicationStatement",
                "id": f"medicine-{resident.id[9:]}-{place}",
                "status": "active",
                "medicationCodeableConcept": {"text": name},
                "subject": resident.reference,
                "dosage": [{"text": dosage}],
            }
