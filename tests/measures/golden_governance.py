"""Proposals, issues of the conference and reviews of the small city, counted by hand for 2021."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kangshu.sdk import Resource, code_system, structure


def governed(
    id_: str, kind: str, state: str, *, status: str = "in-progress", started: str = "2021-02-01", part_of: str = "",
    replaced: int = 0, made: str = "", **kept: Any,
) -> Resource:  # fmt: skip
    """Return a case: what its forms keep (value[x] by field), what it made, and the case it is part of."""
    field = code_system("case-field")
    task: Resource = {
        "resourceType": "Task",
        "id": id_,
        "status": status,
        "intent": "order",
        "code": {"coding": [{"system": code_system("case-kind"), "code": kind}]},
        "businessStatus": {"coding": [{"system": code_system("case-state"), "code": state}]},
        "owner": {"reference": "Organization/chc-1"},
        "authoredOn": f"{started}T09:00:00+08:00",
        "lastModified": "2021-06-01T09:00:00+08:00",
        "input": [
            {"type": {"coding": [{"system": field, "code": name}]}, **value} for name, value in kept.items()
        ],
    }
    if not task["input"]:
        del task["input"]
    if part_of:
        task["partOf"] = [{"reference": f"Task/{part_of}"}]
    if made:
        kind_of_output = {"coding": [{"system": field, "code": "promise-1"}]}
        task["output"] = [{"type": kind_of_output, "valueReference": {"reference": f"Task/{made}"}}]
    if replaced:
        task["extension"] = [{"url": structure("replacements"), "valueInteger": replaced}]
    return task


def day(text: str) -> dict[str, str]:
    return {"valueDate": text}


def expert(id_: str, end: str, *, active: bool = True) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": id_,
        "active": active,
        "identifier": [{"system": "http://kangshu.org/fhir/sid/expert", "value": id_}],
        "extension": [
            {"url": structure("expert-field"), "valueCode": "tcm"},
            {"url": structure("expert-term"), "valuePeriod": {"start": "2019-01-01", "end": end}},
        ],
    }


def data_use(
    id_: str, *, place: str = "mainland", extracts: int = 1, started: str = "2021-02-01", **kept: Any
) -> Resource:
    """Return an application to use data with a basis; `kept` replaces what it says (None: says nothing)."""
    said = {
        "legal_basis": {"valueCode": "statutory"},
        "basis_text": {"valueString": "某条"},
        "place": {"valueCode": place},
        **kept,
    }
    asked = {name: value for name, value in said.items() if value is not None}
    task = governed(id_, "data_protection/data-use", "in-use", started=started, **asked)
    return {**task, "extension": [{"url": structure("extracts-made"), "valueInteger": extracts}]}


_ABROAD: dict[str, Any] = {
    "consent_basis": {"valueString": "逐人书面"},
    "transfer_basis": {"valueCode": "standard-contract"},
    "transfer_file": {"valueReference": {"reference": "DocumentReference/contract"}},
}
_SAID = {"valueCode": "satisfied"}
GOVERNANCE: list[Resource] = [
    governed("p1", "proposals/proposal", "closed", due=day("2021-06-30"), answered_on=day("2021-06-30"), satisfaction=_SAID),
    governed("p2", "proposals/proposal", "receipt-not-satisfied", due=day("2021-06-30"), answered_on=day("2021-07-01")),
    governed("p3", "proposals/proposal", "accepted", due=day("2021-12-31")),
    governed("p4", "proposals/proposal", "withdrawn", due=day("2021-06-30")),
    governed("p5", "proposals/proposal", "sent", due=day("2022-01-01"), answered_on=day("2021-12-31")),
    governed("p1-reply", "proposals/reply", "signed", made="p1-duty"),
    governed("p2-reply", "proposals/reply", "signed", made="p2-duty"),
    governed("p1-duty", "works/duty", "completed", status="completed", part_of="p1-reply", due=day("2021-12-31")),
    governed("p2-duty", "works/duty", "in-progress", part_of="p2-reply", due=day("2021-10-01")),
    governed("p1-other", "works/duty", "completed", status="completed", part_of="p1", due=day("2021-10-01")),  # no promise
    governed("i1", "conference/issue", "closed", status="completed", started="2021-03-01", decided_on=day("2021-03-11")),
    governed("i2", "conference/issue", "being-carried-out", started="2021-03-01", decided_on=day("2021-03-31")),
    governed("i3", "conference/issue", "closed", status="completed", started="2021-12-31"),
    governed("i4", "conference/issue", "raised", started="2022-01-01"),
    governed("i5", "conference/issue", "withdrawn", status="cancelled"),
    governed("v1", "experts/review", "used", status="completed", spread={"valueDecimal": Decimal("12.5")}, replaced=2),
    governed("v2", "experts/review", "scored", spread={"valueDecimal": Decimal("7.5")}),
    governed("v3", "experts/review", "requested"),
    governed("v4", "experts/review", "used", status="completed", started="2020-12-31", spread={"valueDecimal": Decimal("40.5")}),
    data_use("use1"),
    data_use("use2", basis_text=None),
    data_use("use3", place="abroad", **_ABROAD),
    data_use("use4", place="hong-kong", **{**_ABROAD, "transfer_file": None}),
    data_use("use5", extracts=0),
    data_use("use6", started="2020-12-31"),
    expert("x1", "2021-12-31"),
    expert("x2", "2021-12-30"),
    expert("x3", "2023-12-31", active=False),
]  # fmt: skip

EXPECTED: dict[str, tuple[int, int]] = {
    "proposals-answered-on-time": (1, 3),  # p1 of p1 p2 p3
    "proposal-satisfaction": (1, 2),  # p1 of p1 p2
    "proposal-commitments-kept": (1, 2),  # p1-duty of p1-duty p2-duty
    "conference-issues-open": (1, 1),  # i2
    "conference-days-to-decision": (40, 2),  # 10 and 30 days
    "conference-decisions-carried-out": (1, 2),  # i1 of i1 i2
    "experts-in-library": (1, 1),  # x1
    "expert-reviews": (1, 1),  # v1
    "review-score-spread": (20, 2),  # 12.5 and 7.5
    "review-replacements": (2, 2),  # v1 of v1 v2
    "exchanges-with-basis": (2, 4),  # use1 use3 of use1 to use4
}
SUBJECTS = {"conference-days-to-decision": 2, "review-score-spread": 2, "review-replacements": 1}
"""How many records stand behind a number that is a sum of more than one each."""
