"""One small city whose numbers on 31 December 2021 were counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from kangshu.sdk import Resource

from .city import assessment, bed, contract, management, organisation, post, resident, slot
from .golden_governance import EXPECTED as GOVERNED
from .golden_governance import GOVERNANCE

START, END = date(2021, 1, 1), date(2021, 12, 31)

RESIDENTS: list[Resource] = [
    resident("r1", "1961-12-31", insurance="employee"),  # becomes 60 on the last day
    resident("r2", "1962-01-01"),  # 59
    resident("r3", "1960-02-29", insurance="none"),  # 61
    resident("r4", "1950-05-05", deceasedDateTime="2021-12-30T23:59:00+08:00"),  # died the day before
    resident("r5", "1950-05-05", deceasedDateTime="2021-12-31T16:00:00Z"),  # died at 0:00 on 1 January here
    resident("r6", "1950-05-05", active=False),  # moved away
    resident("r7", "1955", insurance="commercial"),  # the day is not known; surely 66
    resident("r8", "1950-05-05", deceasedBoolean=True),  # died, day unknown
    resident("r9", "1940-01-01", "990103001", gender="male"),
]
ORGANISATIONS: list[Resource] = [
    organisation("chc-1", "community-health-centre"),
    organisation("chc-2", "community-health-centre", "990103"),
    organisation("chc-closed", "community-health-centre", active=False),
    organisation("township-1", "township-health-centre"),
    organisation("home-1", "elder-institution", unit=True),
    organisation("home-2", "elder-institution", "990103", unit=False, owner="private"),
    organisation("home-3", "elder-institution", unit=True, active=False),
    organisation("home-4", "elder-institution"),  # nobody registered whether it has a unit
    organisation("home-5", "elder-institution", unit=False),
    organisation("tertiary-1", "tertiary-hospital"),
    organisation("secondary-1", "secondary-hospital", "990103"),
]
BEDS: list[Resource] = [
    bed("b1", "home-1", "nursing"),
    bed("b2", "home-1", "nursing"),
    bed("b3", "home-1"),
    bed("b4", "home-2"),
    bed("b5", "home-2"),
    bed("b6", "home-2", "nursing", status="suspended"),
    bed("b7", "home-3", "nursing"),  # closed home
    bed("b8", "tertiary-1", "nursing"),  # a hospital's
    {"resourceType": "Location", "id": "division-990102", "status": "active"},
]
CONTRACTS: list[Resource] = [
    contract("f1", "family-doctor", "Patient/r1", "2021-01-01", "2021-12-31"),
    contract("f2", "family-doctor", "Patient/r1", "2021-06-01", "2022-05-31"),  # the second of one person
    contract("f3", "family-doctor", "Patient/r3", "2021-01-01", "2021-12-30"),  # ended a day too early
    contract("f4", "family-doctor", "Patient/r5", "2021-03-01", "2021-12-31"),  # its last day
    contract("f5", "family-doctor", "Patient/r7", "2021-01-01", None, status="cancelled"),
    contract("f6", "family-doctor", "Patient/r9", "2021-12-31T16:30:00Z", None),  # begins on 1 January here
    contract("f7", "family-doctor", "Patient/r2", "2021-01-01", None),  # too young
    contract("m1", "medical-elder", "Organization/home-2", "2021-01-01", "2022-12-31"),
    contract("m2", "medical-elder", "Organization/home-5", "2020-01-01", "2021-06-30"),  # ended
    contract("m3", "medical-elder", "Organization/home-3", "2021-01-01", None),  # closed home
]
HEALTH: list[Resource] = [
    management("e1", "r1", "2021-12-31T23:30:00+08:00"),
    management("e2", "r3", "2020-12-31T16:30:00Z"),  # half past midnight of 1 January 2021 here
    management("e3", "r5", "2021-05-05T09:00:00+08:00", status="cancelled"),
    management("e4", "r7", "2021-12-31T16:30:00Z"),  # 2022 here
    management("e5", "r9", "2021-02-02T09:00:00+08:00"),
    management("e6", "r9", "2021-08-02T09:00:00+08:00"),
    management("e7", "r4", "2021-02-02T09:00:00+08:00"),  # died later
    assessment("a1", "r5", "2021-05-05", status="preliminary"),
    assessment("a2", "r7", "2021-06-01"),
    assessment("a3", "r9", "2021-12-31T23:59:59+08:00", status="amended"),
    assessment("a4", "r1", "2021-05-05"),  # 60, not 65
]
SLOTS: list[Resource] = [
    slot("s1", "tertiary-1", "2021-03-01T08:00:00+08:00", "2021-03-01T09:00:00+08:00", reserved=True),
    slot("s2", "tertiary-1", "2021-03-01T09:00:00+08:00", "2021-03-01T10:01:00+08:00", reserved=True),
    slot("s3", "tertiary-1", "2021-03-01T10:00:00+08:00", "2021-03-01T10:30:00+08:00", status="busy"),
    slot("s4", "tertiary-1", "2021-03-01T11:00:00+08:00", "2021-03-01T11:00:00+08:00"),  # without length
    slot("s5", "tertiary-1", "2021-12-31T16:00:00Z", "2021-12-31T17:00:00Z", reserved=True),  # 2022 here
    slot(
        "s6",
        "tertiary-1",
        "2021-03-02T08:00:00+08:00",
        "2021-03-02T09:00:00+08:00",
        status="entered-in-error",
    ),
    slot("s7", "secondary-1", "2021-03-01T08:00:00+08:00", "2021-03-01T12:00:00+08:00", reserved=True),
    slot("s8", "secondary-1", "2021-03-01T08:00:00+08:00", "2021-03-01T12:00:00+08:00"),
    slot("s9", "secondary-1", "2021-03-01T08:00:00+08:00", "2021-03-01T12:00:00+08:00"),
    slot("s0", "chc-1", "2021-03-01T08:00:00+08:00", "2021-03-01T09:00:00+08:00", reserved=True),
]
POSTS: list[Resource] = [
    post("p1", "d1", "chc-1"),
    post("p2", "d1", "chc-2"),  # one doctor in two centres
    post("p3", "d2", "chc-1", active=False, period={"start": "2015-01-01", "end": "2021-06-30"}),
    post("p4", "d3", "chc-1", role="nurse"),
    post("p5", "d4", "chc-2", active=False),
    post("p6", "d5", "chc-2", start="2022-01-01"),
    post("p7", "d6", "chc-1"),
    post("p8", "d6", "chc-1", start="2018-01-01"),  # the same doctor and centre again
    post("p9", "d7", "township-1", active=False, period={"start": "2015-01-01", "end": "2021-12-31"}),
]


def consent(id_: str, status: str, until: str, state: str, changed: str) -> list[Resource]:
    """Return a Consent of r1 and the case that carries it."""
    system = "http://kangshu.org/fhir/CodeSystem/"
    return [
        {
            "resourceType": "Consent",
            "id": id_,
            "status": status,
            "patient": {"reference": "Patient/r1"},
            "provision": {"type": "permit", "period": {"end": until}},
        },
        {
            "resourceType": "Task",
            "id": f"case-{id_}",
            "status": "completed",
            "intent": "proposal",
            "code": {"coding": [{"system": f"{system}case-kind", "code": "data_protection/consent"}]},
            "businessStatus": {"coding": [{"system": f"{system}case-state", "code": state}]},
            "for": {"reference": "Patient/r1"},
            "focus": {"reference": f"Consent/{id_}"},
            "lastModified": changed,
        },
    ]


CONSENTS: list[Resource] = [
    *consent("c1", "inactive", "2021-06-01", "withdrawn", "2021-06-01T10:00:00+08:00"),
    *consent("c2", "active", "2022-03-31", "withdrawn", "2021-05-01T10:00:00+08:00"),  # a fault
    *consent("c3", "inactive", "2020-06-01", "withdrawn", "2020-12-31T23:59:59+08:00"),
    *consent("c4", "active", "2021-11-30", "active", "2021-02-01T10:00:00+08:00"),  # the clock stood still
    *consent("c5", "inactive", "2021-03-01", "expired", "2021-03-02T00:00:00+08:00"),
    *consent("c6", "rejected", "2021-03-01", "rejected", "2021-03-02T00:00:00+08:00"),
    *consent("c7", "inactive", "2021-12-31", "withdrawn", "2022-01-01T00:00:00+08:00"),
]


def supervised(
    id_: str, kind: str, state: str, changed: str, *, status: str = "in-progress", started: str = "",
    until: str = "", day: str = "", events: Sequence[tuple[str, str]] = (),
) -> Resource:  # fmt: skip
    """Return a case of supervision: its deadline `until`, its own date `day`, its events (move, time)."""
    system, extension = "http://kangshu.org/fhir/CodeSystem/", "http://kangshu.org/fhir/StructureDefinition/"
    field = "correct_by" if kind == "finding" else "due"
    event = f"{extension}case-event"
    return {
        "resourceType": "Task",
        "id": id_,
        "status": status,
        "intent": "order",
        "code": {"coding": [{"system": f"{system}case-kind", "code": f"supervision/{kind}"}]},
        "businessStatus": {"coding": [{"system": f"{system}case-state", "code": state}]},
        "owner": {"reference": "Organization/chc-1"},
        "authoredOn": started or changed,
        "lastModified": changed,
        **({"restriction": {"period": {"end": until}}} if until else {}),
        **(
            {
                "input": [
                    {"type": {"coding": [{"system": f"{system}case-field", "code": field}]}, "valueDate": day}
                ]
            }
            if day
            else {}
        ),
        "note": [
            {
                "extension": [{"url": event, "extension": [{"url": "move", "valueCode": move}]}],
                "time": time,
                "text": move,
            }
            for move, time in events
        ],
    }


_NIGHT = "T23:59:59+08:00"
DUTIES: list[Resource] = [
    supervised("u1", "duty", "in-progress", "2021-03-01T09:00:00+08:00", until=f"2021-12-30{_NIGHT}"),  # late
    supervised("u2", "duty", "assigned", "2021-03-01T09:00:00+08:00", until=f"2021-12-31{_NIGHT}"),  # its last day
    supervised("u3", "duty", "in-progress", "2021-03-01T09:00:00+08:00", events=[("dispute", "2021-03-02T09:00:00+08:00")]),
    supervised(
        "u4", "duty", "completed", "2021-07-01T09:00:00+08:00", status="completed", started="2020-12-01T09:00:00+08:00",
        day="2021-06-30", events=[("report", "2021-06-30T23:00:00+08:00"), ("report", "2021-07-01T08:00:00+08:00")],
    ),
    supervised("u5", "duty", "reported", "2021-05-01T09:00:00+08:00", day="2021-04-30", events=[("report", "2021-05-01T00:10:00+08:00")]),
    supervised("u6", "duty", "cancelled", "2021-05-01T09:00:00+08:00", status="cancelled"),
    supervised("u7", "duty", "in-progress", "2022-01-01T00:00:00+08:00", until=f"2021-12-01{_NIGHT}"),  # begun after
    supervised("f1", "finding", "cleared", "2021-04-30T20:00:00+08:00", status="completed", day="2021-04-30"),
    supervised("f2", "finding", "cleared", "2021-05-01T00:00:00+08:00", status="completed", day="2021-04-30"),
    supervised("f3", "finding", "cleared", "2021-05-01T00:00:00+08:00", status="completed"),  # no day
    supervised("f4", "finding", "accountability", "2021-12-31T23:00:00+08:00", status="failed", day="2021-04-30"),
    supervised("f5", "finding", "accountability", "2022-01-01T00:00:00+08:00", status="failed"),
    supervised("e1", "evaluation", "closed", "2021-01-01T00:00:00+08:00", status="completed"),
    supervised("e2", "evaluation", "reported", "2021-02-01T00:00:00+08:00"),
]  # fmt: skip
CITY = [
    *ORGANISATIONS,
    *RESIDENTS,
    *BEDS,
    *CONTRACTS,
    *HEALTH,
    *SLOTS,
    *POSTS,
    *CONSENTS,
    *DUTIES,
    *GOVERNANCE,
]

EXPECTED: dict[str, tuple[int, int]] = {
    "nursing-bed-share": (2, 5),
    "private-bed-share": (2, 5),
    "elder-beds-per-thousand": (5, 5),  # r1 r3 r5 r7 r9
    "family-doctor-coverage-60": (2, 5),  # r1 r5
    "elder-management-rate-60": (3, 5),  # r1 r3 r9
    "elder-management-rate-65": (1, 3),  # r9 of r5 r7 r9
    "elder-assessment-65": (2, 3),  # r7 r9
    "medical-elder-agreement-coverage": (1, 3),  # home-2 of 2, 4, 5
    "elder-institution-medical-coverage": (2, 4),  # home-1 home-2 of 1, 2, 4, 5
    "tertiary-referral-slot-share": (2, 4),  # s1 s2 of s1 to s4
    "secondary-referral-slot-share": (1, 3),
    "slot-hour-precision": (2, 4),  # s1 s3
    "gp-per-ten-thousand": (3, 6),  # d1 d6 d7 for r1 r2 r3 r5 r7 r9
    "consent-withdrawals-honoured": (1, 2),  # c1 of c1 c2
    "consents-within-term": (3, 4),  # c1 c3 c5 of c1 c3 c4 c5
    "duties-overdue-share": (1, 4),  # u1 of u1 u2 u3 u5
    "duties-completed-share": (1, 5),  # u4 of u1 to u5
    "duty-reports-on-time": (1, 2),  # u4 of u4 u5
    "duties-disputed-share": (1, 5),  # u3 of u1 u2 u3 u5 u6
    "findings-cleared-in-time": (1, 2),  # f1 of f1 f2
    "accountability-cases": (1, 1),  # f4
    "evaluations-done": (1, 1),  # e1
    "chc-two-gps": (1, 2),  # chc-1 has d1 and d6, chc-2 d1 alone
    **GOVERNED,
}
