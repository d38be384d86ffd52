"""What is filled in when a case starts or moves: checked, what may be chosen, the rows with which tables begin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import today
from kangshu.base.faults import Forbidden, Gone, Issue, NotFound, Unprocessable
from kangshu.cases.choosing import criteria_of, pointers
from kangshu.cases.deadlines import Terms
from kangshu.cases.records import RECORDS, Reach, counting, records_found, rows_of
from kangshu.cases.running import CHILDREN
from kangshu.cases.tasks import finished_values, inputs, kind_of
from kangshu.registers import candidates, check_values, points, with_held_rows
from kangshu.sdk import CaseDeclaration, CaseRecords, Field, Move, Resource
from kangshu.store import Store


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if value else []


class Filling:
    """Forms of cases as an account fills them in: it sees and chooses what its own grant admits."""

    def __init__(
        self, store: Store, kinds: Mapping[str, CaseDeclaration], terms: Terms, jurisdiction: str
    ) -> None:
        self._store = store
        self._kinds = kinds
        self._terms = terms
        self._jurisdiction = jurisdiction
        self._carriers = {
            f"carries.{one.carries}": f"{CASE_KIND}|{one.code}" for one in kinds.values() if one.carries
        }

    async def checked(
        self,
        grant: Grant,
        fields: Sequence[Field],
        values: Mapping[str, Any],
        task: Resource,
        papers: Sequence[Resource],
    ) -> dict[str, Any]:
        """Return what was filled in, as the form keeps it; `papers` are new records that it may point to.

        Raises:
            Unprocessable: values against the form, or a record that the account may not choose.
        """
        form, issues = check_values(fields, values)
        new = {f"{one['resourceType']}/{one['id']}" for one in papers}
        found = list(issues)
        held = inputs(task)
        for field in fields:
            if field.kind == "table":
                form[field.id], wrong = with_held_rows(field, form.get(field.id), held.get(field.id, ()))
                found += wrong
        # what stands in a table already was chosen by whoever put it there
        standing = [one for one in fields if one.columns or one.draws]
        new.update(one for _, one, _ in pointers(standing, held))
        drawn = await self.drawn(grant, [one for one in fields if form.get(one.id)], task)
        new.update(f"{one['resourceType']}/{one['id']}" for found in drawn.values() for one in found)
        for field, reference, place in pointers(fields, form):
            if reference not in new and (
                field.draws or not await self._may_choose(grant, field, reference, task, form)
            ):
                en = f"'{field.title.en}': there is no such record to choose"
                found.append(Issue("error", "not-found", en, (place,), f"“{field.title.zh}”所选记录不可用"))
        if found:
            raise Unprocessable(
                "the form is not complete or not right", zh="表单填写不完整或有误", issues=tuple(found)
            )
        return form

    async def first_rows(self, grant: Grant, task: Resource, move: Move) -> dict[str, list[dict[str, Any]]]:
        """Return the rows that stand at first in a move's tables that are filled from finished child cases or records."""
        found = await self._record_rows(grant, task, move)
        asked = [one for one in move.form if one.prefill.startswith(CHILDREN)]
        if not asked:
            return found
        children = await self._store.search_all(grant, "Task", f"part-of=Task/{task['id']}")
        for field in asked:
            code = f"{self._kinds[kind_of(task)].service}/{field.prefill.removeprefix(CHILDREN)}"
            names = [one.id for one in field.columns]
            rows = finished_values(children, code)
            found[field.id] = [{name: row.get(name) for name in names} for row in rows]
        return {name: rows for name, rows in found.items() if rows}

    async def drawn(self, grant: Grant, fields: Iterable[Field], task: Resource) -> dict[str, list[Resource]]:
        """Return, for each field that draws on records, those that the account itself sees, by the field's id."""
        declared = {f"{RECORDS}{one.id}": one for one in self._kinds[kind_of(task)].records}
        found: dict[str, list[Resource]] = {}
        for field in fields:
            if field.draws and field.prefill in declared:
                found[field.id] = await self._seen(grant, declared[field.prefill], task)
        return found

    async def _seen(self, grant: Grant, declared: CaseRecords, task: Resource) -> list[Resource]:
        search, count = partial(self._store.search_all, grant), counting(partial(self._store.count, grant))
        reach = Reach(search, count, self._terms, self._jurisdiction, today())
        try:
            return await records_found(declared, task, {}, reach)
        except Forbidden:
            return []  # of records that the account may not read at all it draws none

    async def candidates(
        self, grant: Grant, task: Resource, move_id: str, field_id: str, text: str, limit: int
    ) -> list[Resource]:
        """Return the records that may be chosen for a reference field of a move of `task`, at most `limit`."""
        moves = self._kinds[kind_of(task)].moves
        move = next((one for one in moves if one.id == move_id), None)
        table, _, column = field_id.partition(".")
        field = next((one for one in (move.form if move else ()) if one.id == table), None)
        if column and field is not None:
            field = next((one for one in field.columns if one.id == column), None)
        if field is None or not points(field):
            raise NotFound("there is no such field to choose for", zh="没有可选择的字段")
        if field.draws:
            drawn = (await self.drawn(grant, [field], task))[field.id]
            known = {f"{one['resourceType']}/{one['id']}" for one in drawn}
            ids = ",".join(
                one.partition("/")[2] for one in _listed(inputs(task).get(field.id)) if one not in known
            )
            kept = await self._store.search_all(grant, field.reference_type, f"_id={ids}") if ids else []
            return [*drawn, *kept]
        return await candidates(
            self._store, grant, field, criteria_of(field, task, {}, self._carriers), text, limit
        )

    async def _record_rows(self, grant: Grant, task: Resource, move: Move) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of tables that are filled from records which the account itself sees."""
        declared = {f"{RECORDS}{one.id}": one for one in self._kinds[kind_of(task)].records}
        found: dict[str, list[dict[str, Any]]] = {}
        for field in move.form:
            if not field.draws and (records := declared.get(field.prefill)):
                found[field.id] = rows_of(records, await self._seen(grant, records, task))
        return {name: rows for name, rows in found.items() if rows}

    async def _may_choose(
        self, grant: Grant, field: Field, reference: str, task: Resource, form: Mapping[str, Any]
    ) -> bool:
        kind, _, id_ = reference.partition("/")
        if field.criteria:
            criteria = criteria_of(field, task, form, self._carriers)
            return bool(await self._store.search_all(grant, kind, f"{criteria}&_id={id_}"))
        try:
            await self._store.read(grant, kind, id_)
        except (NotFound, Gone):
            return False
        return True
