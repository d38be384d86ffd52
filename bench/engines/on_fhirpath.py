"""A FHIRPath library over the NDJSON: expressions take each resource apart, Python adds up what they find.

Loading is the expressions, once for all measures; the measures are plain Python over what was found. The whole city takes
too long for a run of some minutes, so that a sample stands for it: every so many-th resident with the records of each. Its
numbers must be those that DuckDB finds for the same residents.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from engines import Asked, Cell, Skipped, Told, cells, timed

_SHANGHAI = timezone(timedelta(hours=8))
_OURS = "http://kangshu.org/fhir/StructureDefinition"
_PATIENT = re.compile(rb'"Patient/r(\d+)"')
_NUMBER = re.compile(rb'"id":"r(\d+)"')
_CODE = "code.coding.code.first()"
_COMPONENT = "component.where(code.coding.code = '{}').value.value"
_PATHS: dict[str, dict[str, str]] = {
    "Patient": {
        "resident": "'Patient/' + id",
        "gender": "gender",
        "born": "birthDate",
        "gone": "active = false",
        "died": "deceased",
        "centre": "managingOrganization.reference",
        "town": f"extension('{_OURS}/district').value",
    },
    "Encounter": {
        "resident": "subject.reference",
        "kind": "type.coding.code.first()",
        "status": "status",
        "starts": "period.start",
        "complete": f"extension('{_OURS}/complete-form').value",
    },
    "Contract": {
        "resident": "subject.reference.first()",
        "kind": "type.coding.code.first()",
        "status": "status",
        "starts": "applies.start",
        "ends": "applies.end",
    },
    "EpisodeOfCare": {
        "resident": "patient.reference",
        "hypertension": "type.coding.where(code = 'hypertension').exists()",
        "status": "status",
        "starts": "period.start",
        "ends": "period.end",
    },
    "Observation": {
        "id": "id",
        "resident": "subject.reference",
        "kind": _CODE,
        "status": "status",
        "taken": "effective",
        "upper": _COMPONENT.format("8480-6") + " | " + _COMPONENT.format("systolic"),
        "lower": _COMPONENT.format("8462-4") + " | " + _COMPONENT.format("diastolic"),
    },
}
Record = dict[str, Any]
Found = dict[str, list[Record]]


def run(asked: Asked) -> Told:
    """Take the sample apart and compute every measure once."""
    if find_spec("fhirpathpy") is None:
        raise Skipped("fhirpathpy is not installed: pip install fhirpathpy, in an environment of its own")
    compiled: Any = import_module("fhirpathpy").compile
    r4 = import_module("fhirpathpy.models").models["r4"]
    told = Told("fhirpath", version("fhirpathpy"))
    paths = {
        kind: {name: compiled(path, r4) for name, path in of_kind.items()} for kind, of_kind in _PATHS.items()
    }
    sample = {kind: list(_lines(asked, kind)) for kind in _PATHS}
    told.loading()
    found: Found = {
        kind: [_taken_apart(json.loads(line), paths[kind]) for line in lines]
        for kind, lines in sample.items()
    }
    told.loaded()
    told.more = {"sample_resources": sum(map(len, sample.values())), "every": asked.every}
    told.bytes = sum(one.stat().st_size for one in asked.files())
    for name, measure in _MEASURES.items():
        with timed(told.seconds, name):
            told.sampled[name] = measure(found, asked.end.replace(month=1, day=1), asked.end)
    told.passed()
    return told


def _lines(asked: Asked, kind: str) -> Iterator[bytes]:
    """Yield the lines of the sample's residents: each record names one resident alone."""
    number = _NUMBER if kind == "Patient" else _PATIENT
    for file in asked.files(kind):
        with file.open("rb") as lines:
            for line in lines:
                found = number.search(line)
                if found is not None and int(found[1]) % asked.every == 0:
                    yield line


def _taken_apart(resource: Any, paths: dict[str, Callable[..., list[Any]]]) -> Record:
    return {name: next(iter(path(resource)), None) for name, path in paths.items()}


def _day(moment: Any) -> date | None:
    """Return the day in Shanghai of a FHIR date or dateTime, which a made city always has complete."""
    text = str(moment or "")
    if "T" in text:
        return datetime.fromisoformat(text).astimezone(_SHANGHAI).date()
    return date.fromisoformat(text) if text else None


def _age(born: date, day: date) -> int:
    """Return completed years; who was born on 29 February completes one on the 28th where there is no 29th."""
    feast = 28 if (born.month, born.day) == (2, 29) and day.year % 4 else born.day
    return day.year - born.year - ((day.month, day.day) < (born.month, feast))


def _alive(one: Record, end: date) -> bool:
    died = _day(one["died"])
    return died is None or died > end


def _lives(one: Record, end: date) -> bool:
    return not one["gone"] and _alive(one, end)


def _cells(people: Iterator[tuple[Record, bool]], end: date) -> list[Cell]:
    def row(one: Record, counts: bool) -> tuple[str, str, str, float, float]:
        band = str(min(_age(_day(one["born"]) or end, end) // 5, 17) * 5)
        return (one["town"] or "")[:9], one["gender"] or "", band, float(counts), 1.0

    return cells(row(one, counts) for one, counts in people)


def _within(moment: Any, start: date, end: date) -> bool:
    day = _day(moment)
    return day is not None and start <= day <= end


def _managed_elders(found: Found, start: date, end: date) -> list[Cell]:
    managed = {
        one["resident"] for one in found["Encounter"]
        if one["kind"] == "elder-health-management" and one["status"] == "finished" and one["complete"]
        and _within(one["starts"], start, end)
    }  # fmt: skip
    old = (one for one in found["Patient"] if _lives(one, end) and _age(_day(one["born"]) or end, end) >= 65)
    return _cells(((one, one["resident"] in managed) for one in old), end)


def _signed(found: Found, start: date, end: date) -> list[Cell]:
    signed = {
        one["resident"] for one in found["Contract"]
        if one["kind"] == "family-doctor" and one["status"] == "executed"
        and (_day(one["starts"]) or date.max) <= end <= (_day(one["ends"]) or date.max)
    }  # fmt: skip
    old = (one for one in found["Patient"] if _lives(one, end) and _age(_day(one["born"]) or end, end) >= 60)
    return _cells(((one, one["resident"] in signed) for one in old), end)


def _last(found: Found, kind: str, start: date, end: date) -> dict[str, Record]:
    """Return each resident's last observation of a kind in the period."""
    by_resident: dict[str, list[Record]] = defaultdict(list)
    for one in found["Observation"]:
        final = one["status"] in ("final", "amended", "corrected")
        if one["kind"] == kind and final and _within(one["taken"], start, end):
            by_resident[one["resident"]].append(one)
    return {
        resident: max(several, key=lambda one: (_day(one["taken"]), one["taken"], one["id"]))
        for resident, several in by_resident.items()
    }


def _enrolled(found: Found, end: date) -> Iterator[tuple[str, date, date]]:
    """Yield resident, first and last day of each enrolment for hypertension that has begun."""
    for one in found["EpisodeOfCare"]:
        first = _day(one["starts"])
        if (
            one["hypertension"]
            and one["status"] in ("active", "onhold", "finished")
            and first is not None
            and first <= end
        ):
            yield one["resident"], first, _day(one["ends"]) or date.max


def _controlled(found: Found, start: date, end: date) -> list[Cell]:
    until: dict[str, date] = {}
    for resident, _, last in _enrolled(found, end):
        if last >= start:
            until[resident] = max(last, until.get(resident, date.min))
    latest = _last(found, "hypertension-follow-up", start, end)

    def controlled(one: Record) -> bool:
        visit = latest.get(one["resident"])
        if visit is None or visit["upper"] is None or visit["lower"] is None:
            return False
        age = _age(_day(one["born"]) or end, _day(visit["taken"]) or end)
        return bool(visit["lower"] < 90 and visit["upper"] < (150 if age >= 65 else 140))

    def counts(one: Record) -> bool:
        last = until.get(one["resident"], date.min)
        return _alive(one, end) and last > end and (not one["gone"] or last < date.max)

    return _cells(((one, controlled(one)) for one in found["Patient"] if counts(one)), end)


def _last_pressure(found: Found, start: date, end: date) -> list[Cell]:
    latest = _last(found, "85354-9", start, end)
    measured = (
        (one, latest[one["resident"]])
        for one in found["Patient"]
        if one["resident"] in latest and _lives(one, end)
    )
    return _cells(((one, bool(last["upper"] < 140 and last["lower"] < 90)) for one, last in measured), end)


def _patients(found: Found, start: date, end: date) -> list[Cell]:
    managed = {resident for resident, _, last in _enrolled(found, end) if last > end}
    counted = (one for one in found["Patient"] if _lives(one, end) and one["resident"] in managed)
    return _cells(((one, True) for one in counted), end)


def _used(found: Found, start: date, end: date) -> list[Cell]:
    used = {
        one["resident"] for one in found["Encounter"]
        if one["status"] == "finished" and _within(one["starts"], start, end)
    }  # fmt: skip
    kept = (one for one in found["Patient"] if _lives(one, end) and one["centre"])
    return _cells(((one, one["resident"] in used) for one in kept), end)


_MEASURES: dict[str, Callable[[Found, date, date], list[Cell]]] = {
    "elder-management-rate-65": _managed_elders,
    "family-doctor-coverage-60": _signed,
    "hypertension-control-rate": _controlled,
    "last-blood-pressure": _last_pressure,
    "managed-hypertension": _patients,
    "record-use-rate": _used,
}
