"""Agreements, a medical unit, an insurance designation and a care pathway of the demo city in different states."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove

CIVIL, HEALTH = "unit-civil-affairs", "unit-health-commission"


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the cases; of the agreements of last year one is to be evaluated, one waits for the second score, one has its result."""
    yield from _agreements(city)
    yield from _evaluations(city)
    yield from _units(city)
    yield from _pathways(city)


def _terms(city: DemoCity, home: str, provider: str, start: int, years: int = 1) -> dict[str, object]:
    return {
        "receiver": provider,
        "home": f"Organization/{home}",
        "provider": f"Organization/{provider}",
        "health_authority": f"Organization/{HEALTH}",
        "civil_authority": f"Organization/{CIVIL}",
        "mode": "contract",
        "content": ["rounds", "green-channel", "chronic", "training"],
        "fees": "巡诊不另收费；检查检验按医保规定结算。",
        "duties_home": "提供诊疗用房和老年人健康信息，安排陪同。",
        "duties_provider": "每周巡诊一次，开通绿色通道，每季度培训一次。",
        "start": city.day(start),
        "end": city.day(start + 365 * years),
    }


def _agreements(city: DemoCity) -> Iterator[DemoCase]:
    sign = {"first_signer": "院长", "first_signed_on": city.day(-2)}
    second = {"second_signer": "副院长", "second_signed_on": city.day(-1)}
    pairs = (
        ("elder-songping-home", "hospital-songping", 6, 3),
        ("elder-xiyang", "hospital-wangchuan", 12, 2),
        ("elder-guiyuan", "hospital-yunhu", 30, 4),
    )
    for home, provider, days, steps in pairs:
        moves = (
            DemoMove("sign", home, sign, 20),
            DemoMove("countersign", provider, second, 30),
            DemoMove("file-health", HEALTH, {"comment": "内容完整。"}, 20),
            DemoMove("file-civil", CIVIL, {}, 20),
        )
        terms = _terms(city, home, provider, -20 if steps == 4 else 10)
        yield DemoCase("medical_elder/agreement", home, days, terms, moves=moves[: steps - 1])


def _evaluations(city: DemoCity) -> Iterator[DemoCase]:
    """Yield agreements in force for a year: both authorities score, and the parties set right what was found."""
    health = {
        "health_services": 92,
        "health_channel": 88,
        "health_records": 76,
        "health_satisfaction": 90,
        "health_note": "巡诊按周完成，转诊交接单有缺项。",
    }
    civil = {
        "civil_services": 90,
        "civil_channel": 85,
        "civil_records": 80,
        "civil_satisfaction": 93,
        "evaluation_note": "服务和满意度良好；请补齐交接单，下季度抽查。",
    }
    pairs = (
        ("elder-yunxi-welfare", "hospital-yunhu", 383.0, 1),
        ("elder-luhe", "hospital-xijiang-central", 388.0, 2),
        ("elder-chaoyin", "hospital-xijiang-rehab", 396.0, 3),
    )
    for home, provider, days, steps in pairs:
        started = -round(days)
        moves = (
            DemoMove("sign", home, {"first_signer": "院长", "first_signed_on": city.day(started + 1)}, 20),
            DemoMove(
                "countersign",
                provider,
                {"second_signer": "副院长", "second_signed_on": city.day(started + 2)},
                30,
            ),
            DemoMove("file-health", HEALTH, {"comment": "内容完整。"}, 20),
            DemoMove("file-civil", CIVIL, {}, 20),
            DemoMove("take-effect", "", {}, 80),
            DemoMove("fall-due", "", {}, 365 * 24),
            DemoMove("evaluate", HEALTH, health, 8 * 24),
            DemoMove("co-evaluate", CIVIL, civil, 6 * 24),
        )
        terms = _terms(city, home, provider, started + 6, years=3)
        yield DemoCase("medical_elder/agreement", home, days, terms, moves=moves[: 5 + steps])


def _units(city: DemoCity) -> Iterator[DemoCase]:
    unit = {
        "receiver": HEALTH,
        "unit_name": "茶坡镇幸福院医务室",
        "unit_kind": "infirmary",
        "way": "filing",
        "person_in_charge": "何医师",
    }
    yield DemoCase("medical_elder/medical-unit", "elder-chapo", 9, unit)
    asked = {
        "receiver": "unit-medical-insurance",
        "opened_on": city.day(-220),
        "conditions_met": "人员、设备、信息系统符合定点条件。",
    }
    accept = DemoMove("accept", "unit-medical-insurance", {"comment": "材料齐全。"}, 30)
    yield DemoCase("medical_elder/insurance-designation", "elder-chaoyin", 15, asked, moves=(accept,))


def _pathways(city: DemoCity) -> Iterator[DemoCase]:
    stroke = [one for one in city.elders(70) if "I69.3" in one.conditions][:3]
    for order, resident in enumerate(stroke):
        hospitals = city.of_kind("secondary-hospital", "tertiary-hospital", district=resident.district)
        homes = city.of_kind("elder-institution", district=resident.district)
        if not hospitals or not homes:
            continue
        giver, home = hospitals[0].id, homes[0].id
        begun = {"begun_on": city.day(-12), "comment": "急性期治疗。"}
        told = {
            "stage": "rehabilitation",
            "next_unit": f"Organization/{home}",
            "indications": ["stable-rehabilitation"],
            "criterion": "生命体征平稳，达到出院标准。",
            "condition": "左侧肢体活动受限，需康复训练和防跌倒。",
            "medicines": "阿司匹林、阿托伐他汀，早餐后服。",
            "giver_signer": "主治医师",
        }
        signed = {"receiver_signer": "护理部主任", "received_on": city.day(-1), "medicines_checked": True}
        moves = [DemoMove("begin-hospital", giver, begun, 2), DemoMove("hand-over", giver, told, 150)]
        if order:
            moves.append(DemoMove("accept", "", signed, 10, on="handover"))
        opened = {
            "diagnosis": "脑梗死恢复期",
            "goals": "恢复步行，预防再发。",
            "family_contact": "其子",
            "consent": True,
        }
        yield DemoCase("medical_elder/pathway", giver, 12, opened, resident.id, tuple(moves))
