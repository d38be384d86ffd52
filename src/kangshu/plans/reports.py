"""Reported values (填报): a unit submits a target's value with evidence, somebody else reviews it.

A reported value is a MeasureReport of our own measure URL; `pending` until it is reviewed, then `complete` or
`error`. Only reviewed values light a target.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from kangshu.access import Grant
from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT, structure
from kangshu.base.clock import instant, now
from kangshu.plans.lights import Known
from kangshu.plans.model import PlanView, TargetView
from kangshu.plans.view import extension_value
from kangshu.sdk import Resource

RESPONSIBLE: Final = structure("responsible-organisation")
SUBMITTED_BY, REVIEWED_BY = structure("submitted-by"), structure("reviewed-by")
EVIDENCE, COMMENT = structure("evidence"), structure("review-comment")


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """A value that a unit has submitted. `state` is submitted, accepted or returned."""

    id: str
    version: int
    target: str
    unit: str
    value: Decimal
    day: date
    evidence: str
    state: str
    submitted_by: str
    reviewed_by: str
    comment: str


_STATES: Final = {"pending": "submitted", "complete": "accepted", "error": "returned"}


def canonical(plan: str, target: str) -> str:
    """Return the measure URL of a target's reported values."""
    return f"{BASE}/Measure/reported-{plan}-{target}"


def new_report(
    plan: PlanView, target: TargetView, value: Decimal, day: date, evidence: str, grant: Grant, sent: str
) -> Resource:
    """Return the MeasureReport of a submitted value, without id."""
    report: Resource = {
        "resourceType": "MeasureReport",
        "extension": [
            {"url": DISTRICT, "valueCode": plan.jurisdiction},
            {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{grant.organisation}"}},
            {"url": SUBMITTED_BY, "valueString": grant.account},
            {"url": EVIDENCE, "valueString": evidence},
        ],
        "status": "pending",
        "type": "summary",
        "measure": canonical(plan.id, target.id),
        "date": sent,
        "reporter": {"reference": f"Organization/{grant.organisation}"},
        "period": {"start": f"{day.year}-01-01", "end": day.isoformat()},
        "group": [{"measureScore": {"value": value, **({"unit": target.unit} if target.unit else {})}}],
    }
    if plan.demo:
        report["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return report


def reviewed(report: Resource, accept: bool, comment: str, grant: Grant) -> Resource:
    """Return the report after its review."""
    kept = [one for one in report.get("extension", ()) if one.get("url") not in (REVIEWED_BY, COMMENT)]
    kept.append({"url": REVIEWED_BY, "valueString": grant.account})
    if comment:
        kept.append({"url": COMMENT, "valueString": comment})
    return {**report, "extension": kept, "status": "complete" if accept else "error"}


def read_report(report: Resource) -> ReportedValue:
    """Return a reported value from its MeasureReport."""
    score = report["group"][0]["measureScore"]
    return ReportedValue(
        id=str(report["id"]),
        version=int(report.get("meta", {}).get("versionId", 0) or 0),
        target="target-" + str(report["measure"]).rsplit("-target-", 1)[-1],
        unit=str(report.get("reporter", {}).get("reference", "")).removeprefix("Organization/"),
        value=Decimal(str(score["value"])),
        day=date.fromisoformat(report["period"]["end"]),
        evidence=str(extension_value(report, EVIDENCE) or ""),
        state=_STATES.get(str(report.get("status")), "submitted"),
        submitted_by=str(extension_value(report, SUBMITTED_BY) or ""),
        reviewed_by=str(extension_value(report, REVIEWED_BY) or ""),
        comment=str(extension_value(report, COMMENT) or ""),
    )


def newest(reports: Iterable[ReportedValue]) -> dict[str, Known]:
    """Return the newest accepted value of each target."""
    found: dict[str, Known] = {}
    for one in sorted(reports, key=lambda report: (report.day, report.id)):
        if one.state == "accepted":
            found[one.target] = Known(one.value, one.day, one.day.isoformat(), "reported")
    return found


def stamp() -> str:
    """Return the present instant for a report's date."""
    return instant(now())
