"""Whom a visitor acts for (oneself, those in one's care, those who have given a mandate), and their cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kangshu.api import name_of
from kangshu.base.canonical import CASE_KIND
from kangshu.base.faults import Fault
from kangshu.base.text import Text
from kangshu.sdk import Field, Option
from kangshu.web.rows import WorkRow, work_rows
from kangshu.web.visit import Visit


def acted_for(visit: Visit) -> list[str]:
    """Return the ids of the residents for whom the visitor may act: oneself first, then wards, then mandates."""
    grant = visit.grant
    own = [grant.patient] if grant.patient else []
    wards = sorted(grant.wards - set(own))
    return [*own, *wards, *sorted(grant.mandates - {*own, *wards})]


async def name_of_person(visit: Visit, id_: str) -> str:
    """Return a resident's name, "" where the visitor does not see it."""
    try:
        return name_of((await visit.platform.store.read(visit.grant, "Patient", id_)).resource)
    except Fault:
        return ""


async def cases_of_person(visit: Visit, id_: str, codes: Iterable[str] = ()) -> list[WorkRow]:
    """Return a resident's cases, those of the kinds `codes` where some are given: open ones first, then the newest."""
    kinds = ",".join(f"{CASE_KIND}|{code}" for code in sorted(codes) or ("",))
    criteria = f"code={kinds}&subject=Patient/{id_}&_sort=-authored-on"
    rows = []
    for task in await visit.platform.store.search_all(visit.grant, "Task", criteria):
        try:
            rows.append(await visit.platform.cases.row(visit.grant, task["id"]))
        except Fault:
            continue
    return sorted(work_rows(visit.words, rows), key=lambda row: not row.open)


async def choice_of_people(visit: Visit, field: Field, people: list[str]) -> Field:
    """Return a field that asks for a resident as a choice among `people`; as it is where there are none."""
    if not people:
        return field
    options = []
    for id_ in people:
        name = await name_of_person(visit, id_)
        title = Text("本人", "myself") if id_ == visit.grant.patient or not name else Text(name, name)
        options.append(Option(f"Patient/{id_}", title))
    return replace(field, kind="choice", options=tuple(options))
