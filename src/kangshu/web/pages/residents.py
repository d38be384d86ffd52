"""档案调阅: one resident's record as a timeline, charts of results, and tables; masked as the grant says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.base.canonical import RESIDENT_ID, structure
from kangshu.base.clock import today
from kangshu.base.faults import Fault
from kangshu.sdk import Resource
from kangshu.web import charts
from kangshu.web.language import Words
from kangshu.web.lookup import divisions, name_of, organisations, text_of
from kangshu.web.parts import Cell, Fact, Link
from kangshu.web.rows import work_rows
from kangshu.web.visit import Visit

_LOINC: Final = "http://loinc.org"
_SHOWN: Final = 60
_MOST_POINTS: Final = 24


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the timeline."""

    day: str
    title: str
    note: str
    tone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart with the names of its lines."""

    title: str
    note: str
    svg: Markup
    first: str
    second: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the record."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    none: str


@dataclass(slots=True)
class Holdings:
    """What the visitor may see of one resident, by kind, the newest first."""

    records: dict[str, list[Resource]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Resource]:
        """Return the records of one kind."""
        return self.records.get(kind, [])


_KINDS: Final[Mapping[str, str]] = {
    "Encounter": "patient", "Condition": "patient", "Observation": "patient", "Contract": "patient",
    "EpisodeOfCare": "patient",
}  # fmt: skip


async def resident(visit: Visit) -> Response:
    """Show one resident's record. What the grant does not admit is not there."""
    words, id_ = visit.words, visit.path("id")
    patient = (await visit.platform.store.read(visit.grant, "Patient", id_)).resource
    held = Holdings()
    for kind, parameter in _KINDS.items():
        try:
            found = await visit.platform.store.search_all(visit.grant, kind, f"{parameter}=Patient/{id_}")
        except Fault:
            found = []
        held.records[kind] = sorted(found, key=_day, reverse=True)
    names = await organisations(visit)
    try:
        cases = work_rows(
            words, await visit.platform.cases.worklist(visit.grant, "all", subject=f"Patient/{id_}")
        )
    except Fault:
        cases = []
    unmask = visit.grant.may("identity.read") or visit.grant.patient == id_
    born = str(patient.get("birthDate", ""))
    return visit.render(
        "resident.html",
        name=name_of(patient),
        gender={"male": words("男"), "female": words("女")}.get(
            str(patient.get("gender")), words("性别未知")
        ),
        age=words("{age} 岁", age=age_of(born)) if len(born) >= 4 else words("年龄未知"),
        marks=_marks(words, held, born, cases),
        facts=await _facts(visit, patient, names, unmask=unmask),
        masked=not unmask,
        starts=_starts(visit, id_),
        charts=_charts(words, held.of("Observation")),
        tables=_tables(words, held, names),
        timeline=_timeline(words, held, names, cases),
    )


def age_of(born: str, on: date | None = None) -> int:
    """Return full years since a birth date; of a partial date, since its first day."""
    parts = [int(part) for part in born.split("-")]
    year, month, day = [*parts, 1, 1][:3]
    now = on or today()
    return now.year - year - ((now.month, now.day) < (month, day))


def masked(text: str) -> str:
    """Return `text` with its middle hidden."""
    if len(text) < 5:
        return text[:1] + "*" * (len(text) - 1)
    keep = min(6, len(text) // 3)
    return text[:keep] + "*" * (len(text) - keep - 2) + text[-2:]


async def _facts(visit: Visit, patient: Resource, names: Mapping[str, str], *, unmask: bool) -> list[Fact]:
    words = visit.words
    number = next(
        (
            str(one.get("value", ""))
            for one in patient.get("identifier", ())
            if one.get("system") == RESIDENT_ID
        ),
        "",
    )
    phone = next((str(one.get("value", "")) for one in patient.get("telecom", ())), "")
    address = next((str(one.get("text", "")) for one in patient.get("address", ())), "")
    places = await divisions(visit)
    district = extension(patient, "district")
    return [
        Fact(words("身份证号"), number if unmask else masked(number)),
        Fact(words("出生日期"), str(patient.get("birthDate", ""))),
        Fact(words("电话"), phone if unmask else masked(phone)),
        Fact(words("住址"), address if unmask else masked(address)),
        Fact(words("所属区域"), " · ".join(filter(None, (places.get(district[:6]), places.get(district))))),
        Fact(words("管理机构"), organisation(patient.get("managingOrganization"), names)),
        Fact(words("户号"), extension(patient, "household")),
    ]


def extension(resource: Resource, name: str) -> str:
    """Return the value of one of our extensions as text, "" for none."""
    for one in resource.get("extension", ()):
        if one.get("url") == structure(name):
            return next((str(value) for key, value in one.items() if key.startswith("value")), "")
    return ""


def organisation(reference: Any, names: Mapping[str, str]) -> str:
    """Return the name of the organisation that a reference points to."""
    if not isinstance(reference, dict):
        return ""
    id_ = str(reference.get("reference", "")).removeprefix("Organization/")
    return str(reference.get("display") or names.get(id_, id_))


def _marks(words: Words, held: Holdings, born: str, cases: list[Any]) -> list[Cell]:
    marks = []
    if len(born) >= 4 and age_of(born) >= 65:
        marks.append(Cell(words("65 岁及以上"), tone="accent"))
    marks.extend(
        Cell(text_of(one.get("code")), tone="amber")
        for one in held.of("Condition")[:4]
        if text_of(one.get("code"))
    )
    day = today().isoformat()
    signed = any(
        _coded(one.get("type"), "family-doctor") and str(one.get("applies", {}).get("end", "9999")) >= day
        for one in held.of("Contract")
    )
    if held.of("Contract"):
        marks.append(
            Cell(
                words("家医签约在期") if signed else words("家医签约已到期"),
                tone="green" if signed else "red",
            )
        )
    if any(one.get("status") == "active" for one in held.of("EpisodeOfCare")):
        marks.append(Cell(words("入住养老机构"), tone="blue"))
    if cases:
        marks.append(Cell(words("在办 {count} 件", count=len(cases)), tone="blue"))
    return marks


def _coded(concept: Any, code: str) -> bool:
    concepts = concept if isinstance(concept, list) else [concept]
    return any(
        coding.get("code") == code
        for one in concepts
        if isinstance(one, dict)
        for coding in one.get("coding", ())
    )


def _starts(visit: Visit, id_: str) -> list[Link]:
    return [
        Link(visit.words.of(one.title), f"/cases/start/{one.code}?subject=Patient/{id_}")
        for one in visit.platform.cases.startable(visit.grant)
        if one.subject_type == "Patient"
    ][:3]


def _day(resource: Resource) -> str:
    """Return when a record happened, as its date lexeme; "" where it does not say."""
    for element in ("effectiveDateTime", "onsetDateTime", "recordedDate", "issued", "date"):
        if resource.get(element):
            return str(resource[element])[:10]
    for element in ("period", "applies", "effectivePeriod"):
        if isinstance(resource.get(element), dict) and resource[element].get("start"):
            return str(resource[element]["start"])[:10]
    return ""


def _loinc(resource: Resource) -> str:
    codings = (resource.get("code") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == _LOINC), "")


def _value(part: Mapping[str, Any]) -> float | None:
    quantity = part.get("valueQuantity")
    if isinstance(quantity, dict) and quantity.get("value") is not None:
        return float(quantity["value"])
    return float(part["valueInteger"]) if "valueInteger" in part else None


def _charts(words: Words, observations: Iterable[Resource]) -> list[Chart]:
    """Return the charts of what was measured at least twice."""
    by_code: dict[str, list[Resource]] = {}
    for one in observations:
        by_code.setdefault(_loinc(one), []).append(one)
    found = []
    pressure = sorted(by_code.get("85354-9", []), key=_day)[-_MOST_POINTS:]
    if len(pressure) >= 2:
        upper = [charts.Point(_day(one), _component(one, "8480-6")) for one in pressure]
        lower = [charts.Point(_day(one), _component(one, "8462-4")) for one in pressure]
        title = words("血压")
        svg = charts.trend(upper, second=lower, title=title, unit="mmHg")
        found.append(Chart(title, _span(words, pressure), svg, words("收缩压"), words("舒张压")))
    for code, title, unit in (
        ("2339-0", words("血糖"), "mmol/L"),
        ("29463-7", words("体重"), "kg"),
        ("8302-2", words("身高"), "cm"),
    ):
        results = sorted(by_code.get(code, []), key=_day)[-_MOST_POINTS:]
        if len(results) >= 2 and code != "8302-2":
            shown = results[0].get("valueQuantity", {}).get("unit") or unit
            svg = charts.trend(
                [charts.Point(_day(one), _value(one)) for one in results], title=title, unit=str(shown)
            )
            found.append(Chart(title, _span(words, results), svg, title))
    return found


def _component(resource: Resource, code: str) -> float | None:
    return next((_value(part) for part in resource.get("component", ()) if _loinc(part) == code), None)


def _span(words: Words, records: list[Resource]) -> str:
    return words(
        "{count} 次，{first} 至 {last}", count=len(records), first=_day(records[0]), last=_day(records[-1])
    )


def _result(resource: Resource) -> str:
    """Return an observation's result as text."""
    if resource.get("component"):
        parts = [_value(part) for part in resource["component"]]
        unit = str((resource["component"][0].get("valueQuantity") or {}).get("unit", ""))
        return f"{'/'.join(f'{one:g}' for one in parts if one is not None)} {unit}".strip()
    level = text_of(resource.get("interpretation"))
    value = _value(resource)
    unit = str((resource.get("valueQuantity") or {}).get("unit", ""))
    text = f"{value:g} {unit}".strip() if value is not None else text_of(resource.get("valueCodeableConcept"))
    return f"{text}（{level}）" if level and text else text or level


def _tables(words: Words, held: Holdings, names: Mapping[str, str]) -> list[Table]:
    states = {
        "active": words("进行中"), "finished": words("已结束"), "executed": words("有效"), "planned": words("计划中"),
        "cancelled": words("已取消"), "terminated": words("已终止"), "resolved": words("已缓解"),
    }  # fmt: skip

    def state(one: Resource) -> str:
        status = str(one.get("status") or text_of(one.get("clinicalStatus")))
        return states.get(status, status)

    def period(one: Resource) -> str:
        held_for = one.get("period") or one.get("applies") or {}
        return " – ".join(
            filter(None, (str(held_for.get("start", ""))[:10], str(held_for.get("end", ""))[:10]))
        )

    return [
        Table(
            words("诊断与慢病"),
            [words("诊断"), words("开始时间"), words("状态")],
            [[text_of(one.get("code")), _day(one), state(one)] for one in held.of("Condition")[:_SHOWN]],
            words("没有诊断记录"),
        ),
        Table(
            words("检查与评估结果"),
            [words("日期"), words("项目"), words("结果"), words("机构")],
            [
                [
                    _day(one),
                    text_of(one.get("code")),
                    _result(one),
                    organisation(next(iter(one.get("performer", ())), None), names),
                ]
                for one in held.of("Observation")[:_SHOWN]
            ],
            words("没有检查或评估结果"),
        ),
        Table(
            words("签约与协议"),
            [words("类型"), words("机构"), words("有效期"), words("状态")],
            [
                [
                    text_of(one.get("type")),
                    organisation(next(iter(one.get("authority", ())), None), names),
                    period(one),
                    state(one),
                ]
                for one in held.of("Contract")[:_SHOWN]
            ],
            words("没有签约记录"),
        ),
        Table(
            words("就诊与服务"),
            [words("日期"), words("类型"), words("原因"), words("机构")],
            [
                [
                    _day(one),
                    text_of(one.get("type")),
                    text_of(one.get("reasonCode")),
                    organisation(one.get("serviceProvider"), names),
                ]
                for one in held.of("Encounter")[:_SHOWN]
            ],
            words("没有就诊记录"),
        ),
    ]


def _timeline(words: Words, held: Holdings, names: Mapping[str, str], cases: list[Any]) -> list[Happening]:
    """Return what happened, the newest first; single measurements are left to the charts."""
    found = []
    for one in held.of("Encounter"):
        reason = text_of(one.get("reasonCode"))
        found.append(
            Happening(
                _day(one),
                text_of(one.get("type")) or words("就诊"),
                " · ".join(filter(None, (reason, organisation(one.get("serviceProvider"), names)))),
            )
        )
    for one in held.of("Condition"):
        found.append(Happening(_day(one), words("诊断：{name}", name=text_of(one.get("code"))), "", "amber"))
    for one in held.of("Contract"):
        end = str(one.get("applies", {}).get("end", ""))[:10]
        note = organisation(next(iter(one.get("authority", ())), None), names)
        found.append(
            Happening(
                _day(one),
                text_of(one.get("type")) or words("签约"),
                " · ".join(filter(None, (note, end and words("至 {day}", day=end)))),
            )
        )
    for one in held.of("EpisodeOfCare"):
        found.append(
            Happening(
                _day(one),
                text_of(one.get("type")) or words("入住"),
                organisation(one.get("managingOrganization"), names),
            )
        )
    for one in held.of("Observation"):
        if not _loinc(one):
            found.append(Happening(_day(one), text_of(one.get("code")), _result(one)))
    for row in cases:
        day = row.started.date().isoformat() if row.started else ""
        found.append(
            Happening(day, row.title, f"{row.state} · {row.owner}", "red" if row.late else "", row.address)
        )
    found.sort(key=lambda one: one.day, reverse=True)
    return found[:_SHOWN]
