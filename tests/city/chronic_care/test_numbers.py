"""The rates of the norm agree with their second computation over people at the edges; lists; scales at their limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import kangshu_services
from kangshu.access import system_grant
from kangshu.base.parameters import ParameterTable
from kangshu.measures import ListAsked, Snapshot
from kangshu.questionnaires import reckon
from kangshu.sdk import Resource
from kangshu.services import read_folder
from tests.measures.city import service_of, snapshot_of

SERVICE = service_of("chronic_care")
RESIDENTS = read_folder(Path(kangshu_services.__path__[0]) / "residents")
EVERYTHING = system_grant("test")
DAY = date(2025, 12, 31)
PSYCHIATRY = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
_CS = "http://kangshu.org/fhir/CodeSystem"
_SD = "http://kangshu.org/fhir/StructureDefinition"
_PEOPLE: Mapping[str, dict[str, Any]] = {
    "steady": {},
    "moved": {"active": False},  # the enrolment was never ended
    "left": {"active": False},  # it was
    "died": {"deceasedDateTime": "2025-08-01"},
    "long-dead": {"deceasedDateTime": "2024-12-31T15:59:00Z"},
    "died-at-midnight": {"deceasedDateTime": "2025-12-31T16:00:00Z"},  # 1 January here
    "leap": {"birthDate": "1960-02-29"},  # 65 on 28 February
    "turns-65": {"birthDate": "1960-06-15"},
    "by-year": {"birthDate": "1960"},  # surely 65 from the year's last day on
    "young": {"birthDate": "1991-01-01"},
    "twice": {},
    "stopped": {},
    "new": {},
    "nobody": {},
    "by-telephone": {},
    "by-video": {},
    "unmeasured": {},
    "mistaken": {},
}
_ENDS = {"left": "2025-07-01", "died": "2025-08-01", "stopped": "2025-12-31", "twice": "2025-05-01"}


def _sheet(who: str, disease: str, done: str, way: str, figures: Mapping[str, str], **more: Any) -> Resource:
    system = f"http://kangshu.org/fhir/Questionnaire/chronic-care-{disease}"
    parts: list[Resource] = [
        {"code": {"coding": [{"system": system, "code": name}]}, "valueQuantity": {"value": Decimal(value)}}
        for name, value in figures.items()
    ]
    coded = {"way": way, "emergency": more.pop("emergency", "no")}
    parts += [
        {
            "code": {"coding": [{"system": system, "code": name}]},
            "valueCodeableConcept": {"coding": [{"code": code}]},
        }
        for name, code in coded.items()
    ]
    return {
        "resourceType": "Observation",
        "id": f"{who}-{disease}-{done.replace(':', '').replace('+', '')}",
        "status": more.pop("status", "final"),
        "code": {"coding": [{"system": f"{_CS}/assessment", "code": f"{disease}-follow-up"}]},
        "subject": {"reference": f"Patient/{who}"},
        "effectiveDateTime": done,
        "interpretation": [{"coding": [{"code": more.pop("found", "satisfied")}]}],
        "component": parts,
        **more,
    }


def _enrolment(who: str, disease: str, since: str, until: str = "", number: int = 1) -> Resource:
    kind = "mental-care" if disease == "severe-mental" else "chronic-care"
    made: Resource = {
        "resourceType": "EpisodeOfCare",
        "id": f"{who}-{disease}-{number}",
        "status": "finished" if until else "active",
        "type": [
            {"coding": [{"system": f"{_CS}/episode-kind", "code": kind}]},
            {"coding": [{"system": f"{_CS}/managed-disease", "code": disease}]},
        ],
        "patient": {"reference": f"Patient/{who}"},
        "period": {"start": since, **({"end": until} if until else {})},
    }
    if disease == "severe-mental":
        made["meta"] = {"security": PSYCHIATRY}
        made["extension"] = [{"url": f"{_SD}/management-consent", "valueBoolean": who == "steady"}]
    return made


def _visits(who: str) -> Iterator[Resource]:
    """Yield the follow-ups of one person for both diseases."""
    days = ["2025-01-10", "2025-04-10", "2025-07-10", "2025-10-10"]
    if who in ("leap", "turns-65", "by-year"):
        days = [{"leap": "2025-02-28", "turns-65": "2025-06-14", "by-year": "2025-12-30"}[who]]
    if who == "new":
        days = ["2025-12-31T15:59:00Z"]
    if who in ("nobody", "stopped"):
        days = []
    for day in days:
        way = {"by-telephone": "phone", "by-video": "online"}.get(who, "clinic")
        pressure = (
            {"systolic": "144", "diastolic": "86"}
            if len(days) == 1
            else {"systolic": "138", "diastolic": "89"}
        )
        yield _sheet(who, "hypertension", day, way, pressure)
        yield _sheet(who, "diabetes", day, way, {"glucose": "6.9"})


@pytest.fixture(scope="module")
def city() -> list[Resource]:
    """People at the edges of the definitions, each managed for both diseases."""
    made: list[Resource] = []
    for who, more in _PEOPLE.items():
        extension = [{"url": f"{_SD}/district", "valueCode": "990102001"}]
        made.append(
            {"resourceType": "Patient", "id": who, "birthDate": "1950-05-05", "extension": extension, **more}
        )
        for code in ("I10", "E11.9"):
            made.append(
                {
                    "resourceType": "Condition",
                    "id": f"{who}-{code}",
                    "clinicalStatus": {"coding": [{"code": "active"}]},
                    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}]},
                    "subject": {"reference": f"Patient/{who}"},
                    "onsetDateTime": "2019-01-01",
                }
            )
        if who == "young":
            continue
        since = "2025-12-01" if who == "new" else "2020-01-01"
        for disease in ("hypertension", "diabetes"):
            made.append(_enrolment(who, disease, since, _ENDS.get(who, "")))
        made += _visits(who)
    return [
        *made,
        _enrolment("twice", "hypertension", "2025-05-01", number=2),
        # of the year after, by the city's clock, and of the year before it
        _sheet("steady", "hypertension", "2025-12-31T16:00:00Z", "clinic", {"systolic": "190", "diastolic": "99"}),
        _sheet("nobody", "hypertension", "2024-12-31T15:59:59Z", "clinic", {"systolic": "120", "diastolic": "80"}),
        _sheet("twice", "hypertension", "2025-10-10T16:00:00+08:00", "clinic", {"systolic": "152", "diastolic": "89"}),
        _sheet("unmeasured", "hypertension", "2025-11-10", "phone", {}),
        _sheet("unmeasured", "diabetes", "2025-11-10", "phone", {}),
        _sheet("mistaken", "diabetes", "2025-12-10", "clinic", {"glucose": "12"}, status="entered-in-error"),
        _sheet("leap", "hypertension", "2025-12-20", "clinic", {"systolic": "186", "diastolic": "99"}, found="unsatisfied", emergency="yes"),
        _sheet("turns-65", "diabetes", "2025-12-20", "clinic", {"glucose": "8"}, found="unsatisfied"),
        _sheet("turns-65", "diabetes", "2025-12-30", "clinic", {"glucose": "9"}, found="adverse"),
        *(_enrolment(who, "severe-mental", "2021-01-01") for who in ("steady", "new", "died")),
        *(
            _sheet("steady", "severe-mental", f"2025-{month:02d}-01", "home", {}, meta={"security": PSYCHIATRY}, found="stable")
            for month in (2, 5, 8, 11)
        ),
        {
            "resourceType": "Encounter",
            "id": "examined",
            "status": "finished",
            "class": {"code": "AMB"},
            "type": [{"coding": [{"system": f"{_CS}/encounter-kind", "code": "chronic-examination"}]}],
            "subject": {"reference": "Patient/steady"},
            "period": {"start": "2025-12-31T23:30:00+08:00"},
        },
    ]  # fmt: skip


@pytest.fixture(scope="module")
def snapshot(city: list[Resource], tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return snapshot_of(tmp_path_factory.mktemp("views"), city, [*RESIDENTS.views, *SERVICE.views])


def values(**more: Any) -> dict[str, Any]:
    declared = {one.id: one.value for folder in (RESIDENTS, SERVICE) for one in folder.parameters}
    return declared | {name.replace("_", "-"): value for name, value in more.items()}


CHOICES: tuple[dict[str, Any], ...] = (
    {},
    {"chronic_left_in_year": "keep"},
    {"chronic_part_year": "full"},
    {"chronic_managed_needs_follow_up": 1},
    {"chronic_standard_examination": 1},
    {"chronic_control_value": "previous"},
    {"chronic_control_any_way": 0},
    {"hypertension_age_date": "year-end"},
    {"chronic_face_to_face_ways": "clinic,home,phone"},
    {"mental_denominator": "consented"},
)


@pytest.mark.parametrize("figures", CHOICES, ids=lambda one: next(iter(one), "as declared"))
def test_every_rate_agrees_with_its_second_computation(
    snapshot: Snapshot, city: list[Resource], figures: dict[str, Any]
) -> None:
    given = values(**figures)
    for measure in SERVICE.measures:
        for end in (DAY, date(2025, 6, 30)):
            start = date(2025, 1, 1) if measure.period == "year" else end
            result = snapshot.evaluate(EVERYTHING, measure, given, start, end)
            counted = SERVICE.checks[measure.id](city, start, end, given)
            assert (result.numerator, result.denominator) == counted, (measure.id, end)
            assert result.denominator, measure.id


@pytest.mark.parametrize(
    ("id_", "figures"),
    [
        ("hypertension-management-rate", {"chronic_left_in_year": "keep"}),
        ("hypertension-management-rate", {"chronic_managed_needs_follow_up": 1}),
        ("hypertension-standardised-rate", {"chronic_left_in_year": "keep"}),
        ("hypertension-standardised-rate", {"chronic_part_year": "full"}),
        ("hypertension-standardised-rate", {"chronic_standard_examination": 1}),
        ("hypertension-standardised-rate", {"chronic_face_to_face_ways": "clinic,home,phone"}),
        ("hypertension-control-rate", {"chronic_control_value": "previous"}),
        ("hypertension-control-rate", {"chronic_control_any_way": 0}),
        ("hypertension-control-rate", {"hypertension_age_date": "year-end"}),
        ("diabetes-control-rate", {"chronic_control_value": "previous"}),
        ("severe-mental-standardised-rate", {"mental_denominator": "consented"}),
    ],
)
def test_each_choice_that_the_norm_leaves_open_changes_the_number(
    snapshot: Snapshot, id_: str, figures: dict[str, Any]
) -> None:
    measure = next(one for one in SERVICE.measures if one.id == id_)
    found = [
        snapshot.evaluate(EVERYTHING, measure, values(**more), date(2025, 1, 1), DAY)
        for more in ({}, figures)
    ]
    assert len({(one.numerator, one.denominator) for one in found}) == 2


def test_who_has_left_is_counted_apart_with_the_reason(snapshot: Snapshot) -> None:
    measure = next(one for one in SERVICE.measures if one.id == "hypertension-control-rate")
    result = snapshot.evaluate(EVERYTHING, measure, values(), date(2025, 1, 1), DAY)
    assert dict(result.excluded) == {"died": 2, "moved": 2, "stopped": 1}


def test_nobody_at_all_is_unknown(snapshot: Snapshot) -> None:
    for measure in SERVICE.measures:
        if measure.kind == "proportion":
            day = date(1999, 12, 31)
            assert snapshot.evaluate(EVERYTHING, measure, values(), date(1999, 1, 1), day).value is None


def test_lists_hold_what_is_to_do(snapshot: Snapshot) -> None:
    def listed(id_: str) -> set[tuple[str, Any]]:
        declared = next(one for one in SERVICE.lists if one.id == id_)
        page = snapshot.listed(EVERYTHING, declared, values(), date(2025, 12, 31), ListAsked(limit=100))
        return {(one.subject.removeprefix("Patient/"), one.values.get("disease")) for one in page.rows}

    assert {who for who, _ in listed("not-enrolled")} == {
        "stopped",
        "twice",
    }  # the young one is a day too young
    assert listed("uncontrolled-twice") == {("turns-65", "diabetes")}
    assert listed("urgent-not-followed") == {("leap", "hypertension-follow-up")}
    due = listed("follow-ups-due")
    assert {("nobody", "hypertension"), ("new", "severe-mental"), ("turns-65", "hypertension")} <= due
    assert ("leap", "hypertension") in due  # two weeks are over within the days of notice
    assert ("steady", "severe-mental") not in due


QUESTIONNAIRES = {one.id: one for one in SERVICE.questionnaires}
_PLAIN: Mapping[str, dict[str, Any]] = {
    "hypertension": {"way": "clinic", "target": "general", "systolic": Decimal(139), "diastolic": Decimal(89), "taking": "regular", "adverse": False, "complication": False},
    "diabetes": {"way": "home", "glucose": Decimal("6.9"), "systolic": Decimal(130), "diastolic": Decimal(80), "taking": "regular", "adverse": False, "complication": False},
    "severe-mental": {"way": "home", "danger": "0", "symptoms": "gone", "insight": "full", "function": "fair", "severe_reaction": False, "severe_illness": False, "taking": "regular"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("id_", "answers", "found", "emergency"),
    [
        ("hypertension", {}, "satisfied", "no"),
        ("hypertension", {"systolic": Decimal(140)}, "unsatisfied", "no"),
        ("hypertension", {"systolic": Decimal(149), "target": "older"}, "satisfied", "no"),
        ("hypertension", {"diastolic": Decimal(90), "target": "older"}, "unsatisfied", "no"),
        ("hypertension", {"systolic": Decimal(180)}, "unsatisfied", "yes"),
        ("hypertension", {"diastolic": Decimal(110)}, "unsatisfied", "yes"),
        ("hypertension", {"danger_signs": ["chest"]}, "satisfied", "yes"),
        ("hypertension", {"adverse": True}, "adverse", "no"),
        ("hypertension", {"adverse": True, "complication": True}, "complication", "no"),
        ("diabetes", {}, "satisfied", "no"),
        ("diabetes", {"glucose": Decimal("7.0")}, "unsatisfied", "no"),
        ("diabetes", {"glucose": Decimal("3.9")}, "satisfied", "yes"),
        ("diabetes", {"glucose": Decimal("16.7")}, "unsatisfied", "yes"),
        ("diabetes", {"random": Decimal("16.7")}, "satisfied", "yes"),
        ("diabetes", {"random": Decimal("16.6")}, "satisfied", "no"),
        ("severe-mental", {}, "stable", "no"),
        ("severe-mental", {"danger": "1"}, "basically-stable", "no"),
        ("severe-mental", {"danger": "2"}, "basically-stable", "no"),
        ("severe-mental", {"danger": "3"}, "unstable", "yes"),
        ("severe-mental", {"function": "poor"}, "basically-stable", "no"),
        ("severe-mental", {"symptoms": "marked"}, "basically-stable", "no"),
        ("severe-mental", {"symptoms": "marked", "insight": "none"}, "unstable", "yes"),
        ("severe-mental", {"severe_illness": True}, "unstable", "yes"),
    ],
)
def test_a_visit_is_classed_at_its_limits(
    id_: str, answers: dict[str, Any], found: str, emergency: str
) -> None:
    table = ParameterTable(SERVICE.parameters)
    outcome = reckon(
        QUESTIONNAIRES[id_], {**_PLAIN[id_], **answers}, lambda name: table.version(name, "990100", DAY)
    )
    levels = {name: one.option.code for name, one in outcome.levels.items()}
    assert outcome.missing == ()
    assert (levels["class"], levels["emergency"]) == (found, emergency)
