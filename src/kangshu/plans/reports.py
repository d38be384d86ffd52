"""A target's values as MeasureReports of our own measure URL: reported by a unit (填报) or released (统计发布). Pure.

A value is `pending` until it is reviewed, then `complete` or `error` (returned). A published value that was corrected
stays, marked with who corrected it, when and why; the correction is a value of its own that names it. Only published
values that stand light a target.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from kangshu.access import Grant
from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT, structure
from kangshu.base.clock import CITY_ZONE
from kangshu.base.text import Text
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.lights import Known
from kangshu.plans.model import Observation, PlanView, TargetView
from kangshu.sdk import Resource

RESPONSIBLE: Final = structure("responsible-organisation")
SUBMITTED_BY, REVIEWED_BY = structure("submitted-by"), structure("reviewed-by")
CHECKED_BY: Final = structure("checked-by")
EVIDENCE, COMMENT = structure("evidence"), structure("review-comment")
EVIDENCE_FILE: Final = structure("evidence-file")
CORRECTS, CORRECTED, RELEASE = structure("corrects"), structure("corrected"), structure("statistics-release")

ValueState = Literal["submitted", "checked", "published", "returned", "corrected"]
ReleaseKind = Literal["preliminary", "final", "revised"]
RELEASE_KINDS: Final[dict[ReleaseKind, Text]] = {
    "preliminary": Text("初步数", "Preliminary"),
    "final": Text("最终数", "Final"),
    "revised": Text("修订数", "Revised"),
}
_RANK: Final[dict[str, int]] = {"preliminary": 0, "final": 1, "revised": 2}


@dataclass(frozen=True, slots=True)
class Release:
    """Where a statistic was released: the bulletin's name and number, its day, and how final the figure is."""

    bulletin: str
    number: str
    day: date
    kind: ReleaseKind


@dataclass(frozen=True, slots=True)
class Correction:
    """Why a published value no longer stands: the value in its place, who corrected it, when and why."""

    report: str
    by: str
    on: str
    reason: str


@dataclass(frozen=True, slots=True)
class Submission:
    """What is sent as a target's value: the figure, its day, its evidence, and the files that prove it.

    `corrects` is the id of a published value that it takes the place of, with the `reason`.
    """

    value: Decimal
    day: date
    evidence: str
    files: tuple[str, ...] = ()
    corrects: str = ""
    reason: str = ""
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """A value of a target. `state` is submitted, checked, published, returned or corrected."""

    id: str
    version: int
    target: str
    unit: str
    value: Decimal
    day: date
    evidence: str
    state: ValueState
    submitted_by: str
    reviewed_by: str
    comment: str
    files: tuple[str, ...] = ()
    """Ids of the DocumentReferences that prove it."""
    sent: date | None = None
    """The day on which it was submitted."""
    checked_by: str = ""
    release: Release | None = None
    corrects: str = ""
    """Id of the published value that this one takes the place of."""
    reason: str = ""
    correction: Correction | None = None
    """Set where this value was corrected: it is kept and counts no more."""

    @property
    def source(self) -> Literal["reported", "statistics"]:
        """Return whether a unit reported it or the statistics office released it."""
        return "statistics" if self.release else "reported"

    @property
    def waits(self) -> bool:
        """Return whether it waits for a review."""
        return self.state in ("submitted", "checked")


def canonical(plan: str, target: str) -> str:
    """Return the measure URL of a target's values."""
    return f"{BASE}/Measure/reported-{plan}-{target}"


def new_report(plan: PlanView, target: TargetView, sent: Submission, grant: Grant, now: str) -> Resource:
    """Return the MeasureReport of a value, without id: released statistics stand at once, others wait for review."""
    parts: list[Resource] = [
        {"url": DISTRICT, "valueCode": plan.jurisdiction},
        {"url": RESPONSIBLE, "valueReference": {"reference": f"Organization/{grant.organisation}"}},
        {"url": SUBMITTED_BY, "valueString": grant.account},
        {"url": EVIDENCE, "valueString": sent.evidence},
        *(
            {"url": EVIDENCE_FILE, "valueReference": {"reference": f"DocumentReference/{one}"}}
            for one in sent.files
        ),
    ]
    if sent.corrects:
        parts.append(
            {
                "url": CORRECTS,
                "extension": [
                    {"url": "report", "valueReference": {"reference": f"MeasureReport/{sent.corrects}"}},
                    {"url": "reason", "valueString": sent.reason},
                ],
            }
        )
    if sent.release:
        parts.append(_release(sent.release))
    report: Resource = {
        "resourceType": "MeasureReport",
        "extension": parts,
        "status": "complete" if sent.release else "pending",
        "type": "summary",
        "measure": canonical(plan.id, target.id),
        "date": now,
        "reporter": {"reference": f"Organization/{grant.organisation}"},
        "period": {"start": f"{sent.day.year}-01-01", "end": sent.day.isoformat()},
        "group": [{"measureScore": {"value": sent.value, **({"unit": target.unit} if target.unit else {})}}],
    }
    if plan.demo:
        report["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return report


def _release(release: Release) -> Resource:
    return {
        "url": RELEASE,
        "extension": [
            {"url": "bulletin", "valueString": release.bulletin},
            *([{"url": "number", "valueString": release.number}] if release.number else []),
            {"url": "day", "valueDate": release.day.isoformat()},
            {"url": "kind", "valueCode": release.kind},
        ],
    }


def checked(report: Resource, grant: Grant) -> Resource:
    """Return the report after the lead unit has checked it."""
    after = {**report, "extension": list(report.get("extension", ()))}
    replace_extension(after, CHECKED_BY, {"url": CHECKED_BY, "valueString": grant.account})
    return after


def reviewed(report: Resource, accept: bool, comment: str, grant: Grant) -> Resource:
    """Return the report after its review: published or returned."""
    kept = [one for one in report.get("extension", ()) if one.get("url") not in (REVIEWED_BY, COMMENT)]
    kept.append({"url": REVIEWED_BY, "valueString": grant.account})
    if comment:
        kept.append({"url": COMMENT, "valueString": comment})
    return {**report, "extension": kept, "status": "complete" if accept else "error"}


def corrected(report: Resource, by: str, account: str, day: str, reason: str) -> Resource:
    """Return a published report after the value `by` took its place; its figure stays as it was."""
    part: Resource = {
        "url": CORRECTED,
        "extension": [
            {"url": "report", "valueReference": {"reference": f"MeasureReport/{by}"}},
            {"url": "by", "valueString": account},
            {"url": "on", "valueString": day},
            {"url": "reason", "valueString": reason},
        ],
    }
    return {**report, "extension": [*report.get("extension", ()), part]}


def read_report(report: Resource) -> ReportedValue:
    """Return a value from its MeasureReport."""
    score = report["group"][0]["measureScore"]
    corrects = next(extensions(report, CORRECTS), None)
    held = next(extensions(report, CORRECTED), None)
    correction = None
    if held is not None:
        correction = Correction(
            _reference(held, "report"),
            *(str(extension_value(held, one) or "") for one in ("by", "on", "reason")),
        )
    checked_by = str(extension_value(report, CHECKED_BY) or "")
    return ReportedValue(
        id=str(report["id"]),
        version=int(report.get("meta", {}).get("versionId", 0) or 0),
        target="target-" + str(report["measure"]).rsplit("-target-", 1)[-1],
        unit=str(report.get("reporter", {}).get("reference", "")).removeprefix("Organization/"),
        value=Decimal(str(score["value"])),
        day=date.fromisoformat(report["period"]["end"]),
        evidence=str(extension_value(report, EVIDENCE) or ""),
        state=_state(str(report.get("status")), checked_by, correction),
        submitted_by=str(extension_value(report, SUBMITTED_BY) or ""),
        reviewed_by=str(extension_value(report, REVIEWED_BY) or ""),
        comment=str(extension_value(report, COMMENT) or ""),
        files=tuple(
            str(one.get("valueReference", {}).get("reference", "")).removeprefix("DocumentReference/")
            for one in extensions(report, EVIDENCE_FILE)
        ),
        sent=_day(report.get("date")),
        checked_by=checked_by,
        release=_read_release(next(extensions(report, RELEASE), None)),
        corrects=_reference(corrects, "report") if corrects else "",
        reason=str(extension_value(corrects, "reason") or "") if corrects else "",
        correction=correction,
    )


def _state(status: str, checked_by: str, correction: Correction | None) -> ValueState:
    if correction is not None:
        return "corrected"
    if status == "complete":
        return "published"
    if status == "error":
        return "returned"
    return "checked" if checked_by else "submitted"


def _read_release(held: Resource | None) -> Release | None:
    if held is None:
        return None
    kind = str(extension_value(held, "kind"))
    return Release(
        str(extension_value(held, "bulletin") or ""),
        str(extension_value(held, "number") or ""),
        date.fromisoformat(str(extension_value(held, "day"))),
        next((one for one in RELEASE_KINDS if one == kind), "final"),
    )


def _reference(element: Resource, url: str) -> str:
    return str((extension_value(element, url) or {}).get("reference", "")).rpartition("/")[2]


def _day(lexeme: object) -> date | None:
    return datetime.fromisoformat(str(lexeme)).astimezone(CITY_ZONE).date() if lexeme else None


def standing(values: Iterable[ReportedValue], target: str) -> tuple[ReportedValue, ...]:
    """Return the published values of a target that stand, one per day, the oldest first.

    Of one day's statistics the revised figure stands before the final one, that before the preliminary; of equal ones
    the last to be entered (ids grow with time).
    """

    def weight(one: ReportedValue) -> tuple[date, int, date, str]:
        release = one.release
        rank = _RANK[release.kind] if release else 0
        return one.day, rank, release.day if release else one.day, one.id

    published = (one for one in values if one.target == target and one.state == "published")
    by_day = {one.day: one for one in sorted(published, key=weight)}
    return tuple(by_day[day] for day in sorted(by_day))


def newest(values: Iterable[ReportedValue], kinds: Mapping[str, str]) -> dict[str, Known]:
    """Return the newest standing value of each target with those before it; `kinds` is what proves each target.

    Where statistics prove a target, released figures come before reported ones.
    """
    listed = tuple(values)
    found: dict[str, Known] = {}
    for target, kind in kinds.items():
        stands = standing(listed, target)
        released = tuple(one for one in stands if one.release)
        used = released if released and kind == "statistics" else stands
        if used:
            last = used[-1]
            history = tuple(Observation(one.day, one.value) for one in used[:-1])
            found[target] = Known(last.value, last.day, last.day.isoformat(), last.source, history=history)
    return found
