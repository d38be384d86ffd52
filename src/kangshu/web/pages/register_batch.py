"""批量修改: one field of the records marked in a list gets one value; shown first, then done for all of them or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from kangshu.base.faults import TooLarge, Unprocessable
from kangshu.base.whole_numbers import whole_number
from kangshu.sdk import Field, RegisterDeclaration
from kangshu.web.forms import form_fields, sent_values, told
from kangshu.web.lookup import choices_of, with_residents
from kangshu.web.pages.registers import chosen_ids, declaration_of, record_address
from kangshu.web.visit import Visit, texts


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One marked record: what becomes of it, or why it may not change."""

    title: str
    address: str
    before: str
    after: str
    refused: str


async def choose(visit: Visit) -> Response:
    """Show the fields that may be changed for the marked records; with a field chosen, where its value is written."""
    declared, ids = declaration_of(visit), chosen_ids(visit)
    offered = visit.platform.registers.batch_fields(declared.code)
    field = next((one for one in offered if one.id == visit.query("field")), None)
    return await _page(visit, declared, dict.fromkeys(ids, 0), offered, field)


async def change(visit: Visit) -> Response:
    """Show what the value would do to each record; sent once more with the versions shown, do it."""
    declared, sent = declaration_of(visit), texts(await visit.form())
    offered = visit.platform.registers.batch_fields(declared.code)
    records = _records(sent.get("records", ""))
    field = next((one for one in offered if one.id == sent.get("field")), None)
    if field is None or not records:
        return await _page(visit, declared, records, offered, field, status=422)
    values = sent_values([field], sent)
    try:
        values = await with_residents(visit, [field], values)
        report = await visit.platform.registers.change_field(
            visit.grant,
            declared.code,
            records,
            field.id,
            values.get(field.id),
            write=sent.get("act") == "do",
        )
    except (Unprocessable, TooLarge) as fault:
        return await _page(
            visit, declared, records, offered, field, values, told(visit.words, fault), status=422
        )
    return await _page(
        visit,
        declared,
        {one.id: one.version for one in report.changing},
        offered,
        field,
        values,
        report=report,
    )


def _records(text: str) -> dict[str, int]:
    """Return id → version of what the form sends as `id.version`, with commas between."""
    found = {}
    for one in filter(None, text.split(",")):
        id_, _, version = one.rpartition(".")
        found[id_] = whole_number(version) or 0
    return found


async def _page(
    visit: Visit,
    declared: RegisterDeclaration,
    records: Mapping[str, int],
    offered: Sequence[Field],
    field: Field | None,
    values: Mapping[str, Any] | None = None,
    issues: Sequence[str] = (),
    report: Any = None,
    status: int = 200,
) -> Response:
    words = visit.words
    choices = await choices_of(visit, [field], values or {}) if field is not None else {}
    lines = [_line(visit, declared, one) for one in (report.rows if report is not None else ())]
    refused = sum(bool(one.refused) for one in lines)
    return visit.render(
        "register_batch.html",
        status,
        title=words.of(declared.title),
        address=f"/registers/{declared.code}",
        ids=list(records),
        count=len(records),
        records=",".join(f"{id_}.{version}" for id_, version in records.items()),
        offered=[(one.id, words.of(one.title)) for one in offered],
        field=field.id if field else "",
        field_title=words.of(field.title) if field else "",
        fields=form_fields(words, [field], values or {}, choices=choices) if field else [],
        kept=[(name, _as_text(value)) for name, value in (values or {}).items()],
        issues=issues,
        lines=lines,
        done=report is not None and report.done,
        previewed=report is not None and not report.done,
        refused=refused,
        changing=len(report.changing) if report is not None else 0,
    )


def _line(visit: Visit, declared: RegisterDeclaration, row: Any) -> BatchLine:
    words = visit.words
    differences = row.change.differences if row.change is not None else ()
    first = next(iter(differences), None)
    return BatchLine(
        words.of(row.title),
        record_address(declared, row.id),
        words.of(first.before) if first else "",
        words.of(first.after) if first else "",
        words.of(row.refused) if row.refused else "",
    )


def _as_text(value: Any) -> str:
    return ",".join(str(one) for one in value) if isinstance(value, list) else str(value or "")
