"""Measures in FHIR: $evaluate-measure, $collect-data.

Source: FHIR R4 measure-operation-evaluate-measure.html, measure-operation-collect-data.html.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from kangshu.api.defined import declared_measures
from kangshu.api.interactions import Call
from kangshu.api.parameters import Inputs, read_inputs
from kangshu.api.response import Response
from kangshu.api.telling import tell
from kangshu.base.clock import today
from kangshu.base.faults import Invalid, NotFound
from kangshu.base.whole_numbers import whole_number
from kangshu.measures import (
    individual_report,
    measure_report,
    parts_of,
    period_of,
)
from kangshu.sdk import MeasureDeclaration

if TYPE_CHECKING:
    from kangshu.access import Grant
    from kangshu.measures import Snapshot

_LISTED: Final = 1000
_COLLECTED: Final = 500
_TYPES: Final = ("", "summary", "population", "subject-list", "patient-list", "subject", "individual")
"""reportType: R4's codes, those of STU3 that clients still send, and the type of the report itself."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A measure at a period, with what is computed on: the snapshot, the parameters in force, the caller's grant."""

    measure: MeasureDeclaration
    start: date
    end: date
    values: Mapping[str, Any]
    snapshot: Snapshot
    grant: Grant

    @property
    def given(self) -> tuple[Grant, MeasureDeclaration, Mapping[str, Any], date, date]:
        """The first arguments of every call of the snapshot."""
        return self.grant, self.measure, self.values, self.start, self.end


async def evaluate_measure(call: Call) -> Response:
    """Compute a measure from the published snapshot.

    Input: periodStart, periodEnd, reportType (summary, subject-list, subject), subject, and ours: `by` (dimensions),
    `district`, `level` (percent, for confidence limits), `_count` (subjects listed per population, 1000 at most).
    """
    inputs = await read_inputs(call.request)
    kind, subject = inputs.text("reportType"), inputs.text("subject")
    by = tuple(one for one in inputs.text("by").split(",") if one)
    district, level, count = inputs.text("district"), _level(inputs), _count(inputs)
    asked = await _asked(call, inputs)
    if kind not in _TYPES:
        raise Invalid(
            "reportType is summary, subject-list or subject",
            zh="reportType须为summary、subject-list或subject",
        )
    if subject or kind in ("subject", "individual"):
        return await _individual(call, asked, subject)
    result = await asyncio.to_thread(
        asked.snapshot.evaluate, *asked.given, by=by, district=district, level=level
    )
    await tell(
        call.platform,
        call.grant,
        "measure",
        "Measure",
        asked.measure.id,
        " ".join(filter(None, (*by, district))),
    )
    if kind not in ("subject-list", "patient-list"):
        return Response(resource=measure_report(asked.measure, result))
    pages = {}
    for part in parts_of(asked.measure):
        if part == "gap" or (asked.measure.kind == "count" and part == "denominator"):
            continue
        code = {"exclusion": "denominator-exclusion"}.get(part, part)
        pages[code] = await asyncio.to_thread(
            asked.snapshot.subjects, *asked.given, part=part, district=district, limit=count
        )
    await tell(call.platform, call.grant, "measure-subjects", "Measure", asked.measure.id, district)
    return Response(resource=measure_report(asked.measure, result, subjects=pages))


async def collect_data(call: Call) -> Response:
    """Return a resident's records that a measure is computed from, with a MeasureReport that names them.

    Input: periodStart, periodEnd, subject (Patient/id). Each record is read under the caller's grant.
    """
    inputs = await read_inputs(call.request)
    subject = inputs.text("subject", required=True)
    asked = await _asked(call, inputs)
    if not subject.startswith("Patient/"):
        raise Invalid("subject is a resident: Patient/id", zh="subject须为居民：Patient/id")
    store = call.platform.store
    await store.read(call.grant, "Patient", subject.partition("/")[2])  # not readable: not found
    named = await asyncio.to_thread(
        asked.snapshot.records, asked.grant, asked.measure, subject.partition("/")[2]
    )
    resources = []
    for name in named[:_COLLECTED]:
        type_, _, id_ = name.partition("/")
        try:
            resources.append((await store.read(call.grant, type_, id_)).resource)
        except NotFound:  # changed since the snapshot, or not the caller's
            continue
    await tell(call.platform, call.grant, "measure-subjects", "Measure", asked.measure.id, subject)
    found = await _individual_of(asked, subject)
    as_of = asked.snapshot.position, asked.snapshot.instant
    kept = [f"{one['resourceType']}/{one['id']}" for one in resources]
    report = individual_report(asked.measure, found, (asked.start, asked.end), as_of, kept)
    parameters = [{"name": "measureReport", "resource": report}]
    parameters += [{"name": "resource", "resource": one} for one in resources]
    return Response(resource={"resourceType": "Parameters", "parameter": parameters})


async def _individual(call: Call, asked: _Asked, subject: str) -> Response:
    if not subject:
        raise Invalid("reportType subject needs a subject", zh="reportType为subject时须给出subject")
    found = await _individual_of(asked, subject)
    await tell(call.platform, call.grant, "measure-subjects", "Measure", asked.measure.id, subject)
    as_of = asked.snapshot.position, asked.snapshot.instant
    return Response(resource=individual_report(asked.measure, found, (asked.start, asked.end), as_of))


async def _individual_of(asked: _Asked, subject: str) -> Any:
    return await asyncio.to_thread(asked.snapshot.individual, *asked.given, subject)


async def _asked(call: Call, inputs: Inputs) -> _Asked:
    """Return what the call asks of its measure; ends the inputs. Raises NotFound for an unknown measure."""
    start, end = _day(inputs, "periodStart"), _day(inputs, "periodEnd")
    inputs.end()
    call.grant.require("measure.read")
    measure = declared_measures(call).get(call.id)
    if measure is None:
        raise NotFound("there is no such measure", zh="没有此指标")
    last = end or today()
    first = start or period_of(measure, last)[0]
    if last < first:
        raise Invalid("periodEnd lies before periodStart", zh="结束日期早于开始日期")
    place = call.platform.settings.jurisdiction
    values = {one: call.platform.parameters.value(one, place, last) for one in measure.parameters}
    snapshot = await asyncio.to_thread(call.platform.snapshot)
    return _Asked(measure, first, last, values, snapshot, await call.platform.store.resolve_care(call.grant))


def _count(inputs: Inputs) -> int:
    text = inputs.text("_count")
    count = whole_number(text) if text else _LISTED
    if count is None or not 1 <= count <= _LISTED:
        raise Invalid(f"_count is a number up to {_LISTED}", zh=f"_count须为不超过{_LISTED}的数")
    return count


def _level(inputs: Inputs) -> float:
    text = inputs.text("level")
    level = whole_number(text) if text else 0
    if level is None or not (level == 0 or 50 <= level <= 99):
        raise Invalid("level is a percentage from 50 to 99", zh="level须为50至99的百分数")
    return float(level)


def _day(inputs: Inputs, name: str) -> date | None:
    text = inputs.text(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{name} is a date such as 2026-01-31", zh=f"{name}须为日期，例如2026-01-31") from error
