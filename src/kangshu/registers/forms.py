"""Form values: checked against their fields, read from and written into a resource."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Issue
from kangshu.base.identity import check_resident_id, check_uscc
from kangshu.registers.paths import read_path, write_path
from kangshu.sdk import Field, Resource

REFERENCE_TYPES: Mapping[str, str] = {
    "organisation": "Organization",
    "resident": "Patient",
    "practitioner": "Practitioner",
}
"""The resource type that a field of this kind points to; a `reference` names its own."""

_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}\Z")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")
_DISTRICT = re.compile(r"[0-9]{2,6}\Z|[0-9]{9}\Z|[0-9]{12}\Z")
_PARTIAL_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}){0,2}\Z")
_TRUE = frozenset({"true", "1", "是", "yes", "on"})
_FALSE = frozenset({"false", "0", "否", "no", "off"})
_MAX_TEXT = 20_000
_MAX_ROWS = 300
_MISSING = object()


def is_empty(value: Any) -> bool:
    """Return whether a form value says nothing."""
    return value is None or value == "" or value == [] or (isinstance(value, str) and not value.strip())


def check_values(
    fields: Sequence[Field], values: Mapping[str, Any], *, partial: bool = False
) -> tuple[dict[str, Any], tuple[Issue, ...]]:
    """Return the cleaned values by field id and what is wrong with them.

    Values come as text (web, Excel) or typed (API). Empty ones are None in the answer, so that saving clears
    them. With `partial`, fields that `values` does not name are left out instead of being asked for.
    """
    cleaned: dict[str, Any] = {}
    issues: list[Issue] = []
    known = {field.id for field in fields}
    for name in values:
        if name not in known:
            issues.append(_issue(str(name)[:60], "there is no such field", "没有这个字段"))
    for field in fields:
        given = values.get(field.id, _MISSING)
        if given is _MISSING and partial:
            continue
        if given is _MISSING or is_empty(given):
            cleaned[field.id] = None
            if field.required:
                en, zh = f"'{field.title.en}' is required", f"“{field.title.zh}”为必填项"
                issues.append(_issue(field.id, en, zh, "required"))
            continue
        if field.kind == "table":
            cleaned[field.id], found = _rows(field, given)
            issues += found
            continue
        value, wrong = _clean(field, given)
        if wrong:
            issues.append(_issue(field.id, f"'{field.title.en}' {wrong[0]}", f"“{field.title.zh}”{wrong[1]}"))
        cleaned[field.id] = value
    return cleaned, tuple(issues)


def _rows(field: Field, given: Any) -> tuple[list[dict[str, Any]] | None, list[Issue]]:
    """Return the cleaned rows of a table, empty ones left out, and what is wrong, told at `<field>.<row>.<column>`."""
    listed = [given] if isinstance(given, Mapping) else given
    if not isinstance(listed, list | tuple) or not all(isinstance(row, Mapping) for row in listed):
        return None, [_issue(field.id, f"'{field.title.en}' must be rows", f"“{field.title.zh}”应为若干行")]
    if len(listed) > _MAX_ROWS:
        return None, [
            _issue(
                field.id,
                f"'{field.title.en}' has more than {_MAX_ROWS} rows",
                f"“{field.title.zh}”超过 {_MAX_ROWS} 行",
            )
        ]
    rows: list[dict[str, Any]] = []
    issues: list[Issue] = []
    for number, row in enumerate(listed):
        if field.grows and all(is_empty(value) for value in row.values()):
            continue
        values, found = check_values(field.columns, row)
        rows.append(values)
        for one in found:
            place = tuple(f"{field.id}.{number}.{name}" for name in one.expression)
            en, zh = f"row {number + 1}: {one.text}", f"第 {number + 1} 行：{one.zh}"
            issues.append(Issue(one.severity, one.code, en, place, zh))
    if field.required and not rows:
        en, zh = f"'{field.title.en}' is required", f"“{field.title.zh}”为必填项"
        issues.append(_issue(field.id, en, zh, "required"))
    return rows, issues


def with_held_rows(
    field: Field, rows: Sequence[Mapping[str, Any]] | None, held: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]] | None, tuple[Issue, ...]]:
    """Return the rows of a table after a form was sent, and what is wrong.

    `rows` are the cleaned ones (None: the form did not send the table), `held` those that the case has. A table that
    does not grow keeps the held rows: each sent row changes the open columns of the held row in its place.
    """
    if field.grows or not held:
        return (None if rows is None else [dict(row) for row in rows]), ()
    if rows is None:
        return [dict(row) for row in held], ()
    if len(rows) != len(held):
        en = f"'{field.title.en}' has {len(held)} rows; {len(rows)} were sent: open the page again"
        zh = f"“{field.title.zh}”应有 {len(held)} 行，提交了 {len(rows)} 行，请刷新后重新填写"
        return None, (_issue(field.id, en, zh),)
    opened = [one.id for one in field.columns if not one.fixed]
    return [
        {**before, **{name: row.get(name) for name in opened}} for before, row in zip(held, rows, strict=True)
    ], ()


def read_values(fields: Iterable[Field], resource: Resource) -> dict[str, Any]:
    """Return the form's values as they stand in `resource`, None where absent; fields without a path are left out."""
    return {field.id: _out(field, read_path(resource, field.path)) for field in fields if field.path}


def write_values(fields: Iterable[Field], values: Mapping[str, Any], resource: Resource) -> None:
    """Write cleaned `values` into `resource` in place; None clears. Fields without a path are left out."""
    for field in fields:
        if field.path and field.id in values:
            write_path(resource, field.path, into_element(field, values[field.id]))


def into_element(field: Field, value: Any) -> Any:
    """Return the FHIR element that holds a cleaned `value` of `field`; None for None."""
    if value is None:
        return None
    if field.kind == "table":
        return [_row_element(field, row) for row in value] or None
    if field.many and isinstance(value, list):
        return [_element(field, item) for item in value]
    return _element(field, value)


def _row_element(field: Field, row: Mapping[str, Any]) -> Resource:
    """Return the element of one row of a table: each column's value at the column's own path."""
    element: Resource = {}
    for column in field.columns:
        if (value := row.get(column.id)) is not None:
            write_path(element, column.path, into_element(column, value))
    return element


def _element(field: Field, value: Any) -> Any:
    if field.kind == "choice" and field.system and not field.path.endswith(".code"):
        title = next((option.title.zh for option in field.options if option.code == value), "")
        coding = {"system": field.system, "code": value}
        return {**coding, "display": title} if title else coding
    if points(field) and not field.path.endswith(".reference") and isinstance(value, str):
        return {"reference": value}
    return value


def points(field: Field) -> bool:
    """Return whether the field's value is a reference."""
    return field.kind in ("reference", "attachment") or field.kind in REFERENCE_TYPES


def pointed(field: Field, value: Any) -> Iterator[str]:
    """Yield the references (`Type/id`) in a field's value: one, several, or those in the rows of a table."""
    if field.kind == "table":
        for row in value or ():
            for column in field.columns:
                yield from pointed(column, row.get(column.id))
    elif points(field):
        yield from (str(one) for one in (value if isinstance(value, list) else [value]) if one)


def _out(field: Field, element: Any) -> Any:
    if field.kind == "table":
        rows = element if isinstance(element, list) else ()
        return [
            {column.id: _out(column, read_path(row, column.path)) for column in field.columns} for row in rows
        ] or None
    if field.many and isinstance(element, list):
        return [_out_one(item) for item in element]
    return _out_one(element)


def _out_one(element: Any) -> Any:
    if isinstance(element, dict):
        if "reference" in element:
            return element["reference"]
        if "code" in element:
            return element["code"]
    return element


def _issue(field: str, text: str, zh: str, code: str = "value") -> Issue:
    return Issue("error", code, text, (field,), zh)


_Wrong = tuple[str, str] | None


def _clean(field: Field, given: Any) -> tuple[Any, _Wrong]:
    if not field.many:
        if isinstance(given, list | tuple):
            return None, ("takes one value", "只能填写一个值")
        return _clean_one(field, given)
    items = list(given) if isinstance(given, list | tuple) else [given]
    cleaned: list[Any] = []
    for item in items:
        if is_empty(item):
            continue
        value, wrong = _clean_one(field, item)
        if wrong:
            return None, wrong
        if value not in cleaned:
            cleaned.append(value)
    return cleaned, None


def _clean_one(field: Field, given: Any) -> tuple[Any, _Wrong]:
    match field.kind:
        case "text" | "paragraph":
            return _text(field, given)
        case "integer" | "decimal":
            return _number(field, given)
        case "date":
            return _date(given)
        case "datetime":
            return _datetime(given)
        case "boolean":
            return _boolean(given)
        case "choice":
            return _choice(field, given)
        case "district":
            code = str(given).strip()
            wrong = (
                None
                if _DISTRICT.match(code)
                else ("must be a division code of 2–6, 9 or 12 digits", "应为行政区划代码")
            )
            return code, wrong
        case "attachment":
            return _attachment(given)
        case _:
            return _reference(field, given)


def _text(field: Field, given: Any) -> tuple[Any, _Wrong]:
    if isinstance(given, dict | list):
        return None, ("must be text", "应为文字")
    text = str(given).strip()
    if len(text) > _MAX_TEXT:
        return None, (f"is longer than {_MAX_TEXT} characters", f"超过 {_MAX_TEXT} 字")
    if field.check and text:
        text = text.upper()
        for issue in check_resident_id(text) if field.check == "resident-id" else check_uscc(text):
            return text, (f": {issue.text}", f"：{issue.zh}")
    if field.pattern and not re.fullmatch(field.pattern, text):
        return text, (
            "does not have the right form",
            f"格式不正确{'：' + field.help.zh if field.help.zh else ''}",
        )
    return text, None


def _number(field: Field, given: Any) -> tuple[Any, _Wrong]:
    kind = (
        ("must be a whole number", "应为整数")
        if field.kind == "integer"
        else ("must be a number", "应为数字")
    )
    if isinstance(given, bool):
        return None, kind
    try:
        number = Decimal(str(given).strip().replace(",", ""))
    except InvalidOperation:
        return None, kind
    if not number.is_finite():
        return None, kind
    if field.kind == "decimal":
        return number, None
    if number != number.to_integral_value() or abs(number) > 2**31 - 1:
        return None, kind
    return int(number), None


def _date(given: Any) -> tuple[Any, _Wrong]:
    wrong = ("must be a date such as 2026-03-01", "应为日期，如 2026-03-01")
    if isinstance(given, datetime):
        return given.date().isoformat(), None
    if isinstance(given, date):
        return given.isoformat(), None
    text = str(given).strip().replace("/", "-").replace("年", "-").replace("月", "-").rstrip("日-")
    parts = text.split("-")
    if not all(part.isdigit() for part in parts) or len(parts) > 3:
        return None, wrong
    text = "-".join([parts[0], *(part.zfill(2) for part in parts[1:])])
    if not _PARTIAL_DATE.match(text):
        return None, wrong
    try:
        date.fromisoformat((text + "-01-01")[:10])
    except ValueError:
        return None, wrong
    return text, None


def _datetime(given: Any) -> tuple[Any, _Wrong]:
    wrong = ("must be a time such as 2026-03-01 08:30", "应为时间，如 2026-03-01 08:30")
    if isinstance(given, datetime):
        moment = given
    else:
        try:
            moment = datetime.fromisoformat(str(given).strip().replace("/", "-"))
        except ValueError:
            return None, wrong
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=CITY_ZONE)
    return moment.isoformat(timespec="seconds"), None


def _boolean(given: Any) -> tuple[Any, _Wrong]:
    if isinstance(given, bool):
        return given, None
    word = str(given).strip().lower()
    if word in _TRUE:
        return True, None
    if word in _FALSE:
        return False, None
    return None, ("must be yes or no", "应填“是”或“否”")


def _choice(field: Field, given: Any) -> tuple[Any, _Wrong]:
    text = str(given).strip()
    for option in field.options:
        if text in (option.code, option.title.zh, option.title.en):
            return option.code, None
    if not field.options:
        return text, None
    zh = "、".join(option.title.zh for option in field.options[:20])
    en = ", ".join(option.title.en for option in field.options[:20])
    return None, (f"must be one of: {en}", f"应为以下之一：{zh}")


def _reference(field: Field, given: Any) -> tuple[Any, _Wrong]:
    wanted = REFERENCE_TYPES.get(field.kind, field.reference_type)
    text = given.get("reference", "") if isinstance(given, dict) else given
    text = str(text).strip()
    found = _REFERENCE.match(text)
    if found and found[1] == wanted:
        return text, None
    if _ID.match(text) and wanted:
        return f"{wanted}/{text}", None
    return None, (f"must point to a {wanted}", "应选择一条已有记录")


def _attachment(given: Any) -> tuple[Any, _Wrong]:
    wrong = ("must be an uploaded file", "应为已上传的附件")
    if isinstance(given, dict) and isinstance(given.get("reference"), str):
        given = given["reference"]
    if (
        isinstance(given, str)
        and given.startswith(("DocumentReference/", "Binary/"))
        and _REFERENCE.match(given)
    ):
        return given, None
    return None, wrong
