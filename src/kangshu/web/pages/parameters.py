"""系统管理: dated parameters, their versions, and the entry of a new value with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import enter_parameter as enter_parameter_value
from kangshu.api import parameter_value
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Invalid, NotFound, Unprocessable
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Text
from kangshu.sdk import Field
from kangshu.web.forms import form_fields, told
from kangshu.web.language import Words
from kangshu.web.lookup import divisions
from kangshu.web.parts import Cell
from kangshu.web.visit import Visit, texts

UNITS: Final = {
    "1": "",
    "min": "分钟",
    "h": "小时",
    "mo": "个月",
    "month": "个月",
    "d": "天",
    "day": "天",
    "hour": "小时",
    "working day": "个工作日",
    "working-day": "个工作日",
    "%": "%",
}


def version_text(words: Words, version: ParameterVersion) -> str:
    """Return a value with its unit as people write it."""
    if version.says is not None:
        return words("是") if version.says else words("否")
    return f"{version.value} {words(UNITS.get(version.unit, version.unit))}".strip()


@dataclass(frozen=True, slots=True)
class ParameterLine:
    """One parameter with the value in force today; `value` is "" where none is."""

    title: str
    address: str
    value: str
    since: str
    source: str
    by: str


async def parameters(visit: Visit) -> Response:
    """Show every dated parameter with the value in force today; those that nobody has verified stand first."""
    words, table, place = visit.words, visit.platform.parameters, visit.platform.settings.jurisdiction
    open_lines: list[ParameterLine] = []
    verified: list[ParameterLine] = []
    for id_ in table.ids():
        version = table.find(id_, place, today())
        if version is None:
            title = words.of(table.versions(id_)[0].title)
            open_lines.insert(0, ParameterLine(title, f"/admin/parameters/{id_}", "", "", "", ""))
            continue
        line = ParameterLine(
            words.of(version.title),
            f"/admin/parameters/{id_}",
            version_text(words, version),
            version.valid_from.isoformat(),
            version.source,
            version.entered_by or words("随服务发布"),
        )
        (verified if version.verified else open_lines).append(line)
    return visit.render(
        "parameters.html",
        open=open_lines,
        verified=verified,
        missing=sum(not one.value for one in open_lines),
        may_write=visit.grant.may("parameter.write"),
    )


_VERSION = (
    Field("value", Text("新值", "New value"), required=True),
    Field("valid_from", Text("生效日期", "Valid from"), "date", required=True),
    Field("valid_to", Text("失效日期", "Valid to"), "date", help=Text("留空表示长期有效", "empty: open")),
    Field(
        "source",
        Text("来源条款", "Source clause"),
        "paragraph",
        required=True,
        help=Text("文件名、文号与条款，如 ××〔2026〕1号 第三条", "document, number and clause"),
    ),
)


async def parameter(visit: Visit) -> Response:
    """Show the versions of one parameter and the form that adds one."""
    place = visit.platform.settings.jurisdiction
    held = visit.platform.parameters.find(visit.path("id"), place, today())
    values = {"valid_from": today().isoformat()}
    if held is not None and not held.verified:
        values["value"] = version_text(visit.words, held) if isinstance(held.value, bool) else str(held.value)
    return await _parameter(visit, values)


async def _parameter(visit: Visit, values: Mapping[str, Any], fault: Fault | None = None) -> Response:
    words, id_ = visit.words, visit.path("id")
    versions = visit.platform.parameters.versions(id_)
    if not versions:
        raise NotFound("there is no such parameter", zh="没有这个参数")
    places = await divisions(visit)
    held = visit.platform.parameters.find(id_, visit.platform.settings.jurisdiction, today())
    unverified = held is None or not held.verified
    rows = [
        [
            Cell(version_text(words, one)),
            Cell(places.get(one.jurisdiction.ljust(6, "0"), one.jurisdiction) or words("全国")),
            Cell(one.valid_from.isoformat()),
            Cell(one.valid_to.isoformat() if one.valid_to else words("长期")),
            Cell(one.source),
            Cell(words("已核对") if one.verified else words("待主管部门确认")),
            Cell(one.entered_by or words("随服务发布")),
        ]
        for one in versions
    ]
    return visit.render(
        "parameter.html",
        422 if fault else 200,
        title=words.of(versions[0].title),
        id=id_,
        heads=[
            words("值"),
            words("适用地区"),
            words("生效日期"),
            words("失效日期"),
            words("来源条款"),
            words("核对"),
            words("录入"),
        ],
        rows=rows,
        unverified=unverified,
        may_enter=visit.grant.may("parameter.write"),
        issues=told(words, fault) if fault else [],
        fields=form_fields(words, _fields(versions[0]), values),
    )


def _fields(version: ParameterVersion) -> tuple[Field, ...]:
    """Return the fields of a new value; how yes and no are written stands beside it."""
    if version.says is None:
        return _VERSION
    how = (
        Text("填“是”或“否”", "是 for yes, 否 for no")
        if isinstance(version.value, bool)
        else Text("填 1（是）或 0（否）", "1 for yes, 0 for no")
    )
    return (replace(_VERSION[0], help=how), *_VERSION[1:])


async def enter_parameter(visit: Visit) -> Response:
    """Add a dated value with its source; nothing is overwritten."""
    form, id_ = texts(await visit.form()), visit.path("id")
    versions = visit.platform.parameters.versions(id_)
    if not versions:
        raise NotFound("there is no such parameter", zh="没有这个参数")
    try:
        version = ParameterVersion(
            id=id_,
            title=versions[0].title,
            value=parameter_value(versions[0].value, form.get("value", "")),
            unit=versions[0].unit,
            jurisdiction=visit.platform.settings.jurisdiction,
            valid_from=_day(form.get("valid_from", "")),
            valid_to=_day(form["valid_to"]) if form.get("valid_to") else None,
            source=form.get("source", ""),
            verified=True,
        )
        await enter_parameter_value(visit.platform, visit.grant, version)
    except (Invalid, Unprocessable) as fault:
        return await _parameter(visit, form, fault)
    return visit.go(f"/admin/parameters/{id_}", said="saved")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("a date is written as 2026-03-01", zh="日期格式应为 2026-03-01") from error
