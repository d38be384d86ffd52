"""Recognitions and admissions of the demo city in different states; one waits for the clinician, one for the patient."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCase, DemoCity, DemoMove
from kangshu_services.recognition.demo import CENTRE, demo

_FATES = ("recognised", "offered", "asked", "refused", "recognised", "declined", "recognised", "asked")
_REASONS = ("condition-changed", "major-treatment", "fast-changing", "other")


def demo_cases(city: DemoCity) -> Iterator[DemoCase]:
    """Yield what health centres do with results of hospitals for their own residents, and two admissions."""
    fates = iter(_FATES * 2)
    for number, (resident, centre, item, report) in enumerate(_results(city)):
        fate = next(fates, "")
        if not fate:
            break
        values = {
            "item": f"ActivityDefinition/recognition-item-{item}",
            "report": f"DiagnosticReport/{report}",
            "need": "慢性病复诊，需要近期结果评估控制情况。",
        }
        days = 0.1 if fate == "offered" else 0.8 if fate == "asked" else 1.5
        moves = tuple(_moves(fate, centre, resident, number))
        yield DemoCase("recognition/recognition", centre, days, values, resident, moves)
    hospitals = city.of_kind("secondary-hospital")
    for place, days in zip(hospitals[-2:], (6.0, 24.0), strict=True):
        values = {
            "centre": CENTRE,
            "institution": place.id,
            "item": "ActivityDefinition/recognition-item-cervical-cytology",
            "equipment": "液基薄层细胞学，病理医师两名，参加省级室间质评。",
        }
        refused = (DemoMove("refuse", CENTRE, {"comment": "尚无室间质评合格结果，合格后再申请。"}, 60.0),)
        yield DemoCase("recognition/admission", place.id, days, values, moves=refused if days > 7 else ())


def _moves(fate: str, centre: str, resident: str, number: int) -> Iterator[DemoMove]:
    if fate == "offered":
        return
    if fate == "refused":
        comment = "与当前症状不符，需要复查后再定治疗。"
        reason = _REASONS[number % len(_REASONS)]
        yield DemoMove("refuse", centre, {"reason": reason, "comment": comment, "explained": True}, 0.5)
        return
    yield DemoMove("confirm", centre, {"sufficient": True}, 0.5)
    if fate == "recognised":
        yield DemoMove("agree", f"Patient/{resident}", {}, 2.0)
    elif fate == "declined":
        yield DemoMove("decline", f"Patient/{resident}", {"wish": "希望在本中心再查一次。"}, 2.0)


def _results(city: DemoCity) -> Iterator[tuple[str, str, str, str]]:
    """Yield resident, health centre, item and report of certified hospital results that may be recognised today."""
    residents = {one.id: one for one in city.residents}
    made = list(demo(city))
    certified = {
        one["target"][0]["reference"].split("/")[1] for one in made if one["resourceType"] == "Provenance"
    }
    days = {
        one["name"]: next(e["valueInteger"] for e in one["extension"] if e["url"].endswith("/validity-days"))
        for one in made
        if one["resourceType"] == "ActivityDefinition"
    }
    admitted = {
        (one["providedBy"]["reference"], one["type"][0]["coding"][0]["code"]): [
            e["valueDate"] for e in one["extension"] if "valueDate" in e
        ]
        for one in made
        if one["resourceType"] == "HealthcareService" and one["active"]
    }
    for one in made:
        if one["resourceType"] != "DiagnosticReport" or one["id"] not in certified:
            continue
        item, day = one["code"]["coding"][0]["code"], one["effectiveDateTime"][:10]
        since, until = admitted.get((one["performer"][0]["reference"], item), ("9999", ""))
        resident = residents[one["subject"]["reference"].removeprefix("Patient/")]
        if since <= day <= until and city.day(-days[item] + 1) <= day:
            yield resident.id, resident.centre, item, one["id"]
