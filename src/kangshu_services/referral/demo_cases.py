"""Referrals of the demo city, from drafts to those followed up, some of them late."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import ANY, DemoCase, DemoCity, DemoMove, DemoOrganisation, DemoResident

_STAGES: tuple[tuple[str, int, float], ...] = (
    ("draft", 2, 0.3),
    ("sent", 4, 0.1),
    ("sent", 4, 3.0),  # late
    ("more-information", 3, 1.5),
    ("accepted", 5, 1.0),
    ("declined", 2, 2.0),
    ("booked", 7, 2.5),
    ("admitted", 4, 6.0),
    ("completed", 3, 9.0),
    ("down-referred", 3, 9.5),
    ("received", 5, 12.0),
    ("followed-up", 8, 35.0),
    ("cancelled", 2, 4.0),
)
"""(stage, how many, days since the start)."""

_REASONS = {
    "I10": ("高血压控制不佳", "poor-response", "规律服药三个月血压仍高于目标，建议专科评估用药。"),
    "E11.9": ("2型糖尿病血糖波动", "poor-response", "近两次随访空腹血糖偏高，需调整治疗方案。"),
    "I25.1": ("胸闷待查", "examination", "活动后胸闷反复发作，需完善心脏专科检查。"),
    "J44.9": ("慢性阻塞性肺疾病加重", "acute", "咳嗽咳痰加重伴活动后气促，需住院评估。"),
    "I69.3": ("脑梗死恢复期", "complication", "肢体活动受限，需康复专科评估。"),
}


_CRITERIA = {
    "poor-response": "admit-outpatient",
    "examination": "admit-outpatient",
    "acute": "admit-treatment",
    "complication": "admit-treatment",
}


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield the referrals, the residents' centres asking hospitals of their district or the city's."""
    organisations = {one.id: one for one in city.organisations}
    sick = [one for one in city.residents if _REASONS.keys() & one.conditions.keys()]
    people = iter(city.rng.sample(sick, min(len(sick), sum(count for _, count, _ in _STAGES))))
    for stage, count, days in _STAGES:
        for number in range(count):
            resident = next(people, None)
            if resident is None:
                return
            centre = organisations[resident.centre]
            hospital = _hospital(city, resident, number)
            yield _case(city, stage, days + number * 0.4, resident, centre, hospital, number)


def _hospital(city: DemoCity, resident: DemoResident, number: int) -> DemoOrganisation:
    near = city.of_kind("secondary-hospital", "tertiary-hospital", district=resident.district)
    return near[0] if near and number % 3 else city.of_kind("tertiary-hospital")[number % 3]


def _case(
    city: DemoCity,
    stage: str,
    days: float,
    resident: DemoResident,
    centre: DemoOrganisation,
    hospital: DemoOrganisation,
    number: int,
) -> DemoCase:
    code = next(one for one in _REASONS if one in resident.conditions)
    diagnosis, indication, summary = _REASONS[code]
    urgency = "urgent" if number % 4 == 1 else "routine"
    return DemoCase(
        "referral/referral",
        centre.id,
        days,
        {
            "direction": "up",
            "receiver": hospital.id,
            "urgency": urgency,
            "indication": [indication],
            "criterion": _CRITERIA[indication],
            "diagnosis": diagnosis,
            "summary": summary,
            "consent": True,
        },
        resident.id,
        tuple(_moves(stage, centre.id, hospital.id, diagnosis, city.day(1 - int(days)))),
    )


def _moves(stage: str, centre: str, hospital: str, diagnosis: str, arrival: str) -> Iterator[DemoMove]:
    if stage == "draft":
        return
    yield DemoMove("send", centre, hours=0.2)
    if stage == "sent":
        return
    if stage == "more-information":
        yield DemoMove("ask", hospital, {"question": "请补充近一个月的检验结果和用药记录。"}, 3)
        return
    if stage == "declined":
        reason = {"decline_reason": "no-bed", "comment": "近期专科床位已满，建议改转市级医院。"}
        yield DemoMove("decline", hospital, reason, 5)
        return
    if stage == "cancelled":
        yield DemoMove("cancel", centre, {"comment": "患者症状缓解，本人要求暂不转诊。"}, 6)
        return
    yield DemoMove("accept", hospital, {"department": "专科门诊"}, 2)
    if stage == "accepted":
        return
    if stage == "booked":
        yield DemoMove("book", hospital, {"slot": ANY, "comment": "请携带既往检查资料按时就诊。"}, 2)
        return
    yield DemoMove("arrange", hospital, {"arrival": arrival, "place": "专科门诊二诊室"}, 2)
    yield DemoMove("admit", hospital, {"admission": "AMB"}, 30)
    if stage == "admitted":
        return
    feedback = {
        "final_diagnosis": diagnosis,
        "feedback": "完善检查后调整治疗方案，目前病情平稳。",
        "follow_up_plan": "基层两周内随访一次，监测血压、血糖，不适随诊。",
    }
    yield DemoMove("complete", hospital, feedback, 48)
    if stage == "completed":
        return
    down = {
        "down_to": centre,
        "down_indication": ["chronic-follow-up"],
        "down_criterion": "discharge-control",
    }
    yield DemoMove("refer-down", hospital, down, 20)
    if stage == "down-referred":
        return
    yield DemoMove("accept-down", centre, {"care_team": "家庭医生团队"}, 6)
    if stage == "followed-up":
        yield DemoMove(
            "follow-up", centre, {"follow_up_date": ANY, "follow_up_result": "病情稳定，继续基层管理。"}, 90
        )
