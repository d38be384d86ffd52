"""The effects of a move under way, applied to its Task and to other records in its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from datetime import date
from types import MappingProxyType
from typing import Any

from kangshu.base.canonical import sensitivity
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Conflict, Forbidden, Issue, Unprocessable, Unsupported
from kangshu.cases.calculating import RECORD as CALCULATION
from kangshu.cases.calculating import keep_calculation, refuse_unfounded
from kangshu.cases.deadlines import day_end
from kangshu.cases.effects import all_fields, labels_said, verb_of
from kangshu.cases.gathering import gathered_rows, gathering_of
from kangshu.cases.guards import first_found, truth
from kangshu.cases.inside import RESPONSIBLE, open_paper
from kangshu.cases.lots import draw, read_draw, seal
from kangshu.cases.one_time_codes import make_code, prove
from kangshu.cases.opening import Opening, Term
from kangshu.cases.reckoning import reckoned
from kangshu.cases.rosters import next_in_turn, shifts_between
from kangshu.cases.substitution import names_in
from kangshu.cases.tasks import (
    finished_values,
    inputs,
    keep_output,
    keep_values,
    marks_of,
    number_of,
    organisation_of,
    outputs,
    set_deadline,
)
from kangshu.cases.under_way import BookingRoom, UnderWay, listed
from kangshu.registers import name_of, read_path, write_path
from kangshu.sdk import Resource

CHILDREN = "children:"
"""Begin of what names the finished child cases of a kind, one row each."""
DOCUMENT_OUTLET = "document:"
"""Begin of the name of the outlet that makes an official document: `document:<service>/<document>`."""
_LONGEST_TITLE = 60


class Running(UnderWay):
    """A move under way, on which its effects are applied."""

    __slots__ = ()

    async def apply(self, effects: Sequence[Mapping[str, Any]]) -> None:
        """Apply `effects` in order, in the transaction."""
        for effect in effects:
            if "when" not in effect or self.holds(str(effect["when"])):
                await self._apply(effect)

    async def _apply(self, effect: Mapping[str, Any]) -> None:
        verb = verb_of(effect)
        target = effect[verb]
        match verb:
            case "set":
                write_path(self.task, target, self.fill(effect.get("value")))
            case "clear":
                write_path(self.task, target, None)
            case "count":
                write_path(self.task, target, int(read_path(self.task, target) or 0) + 1)
            case "label":
                self._label(sensitivity(str(target)))
            case "keep":
                field = all_fields(self.declaration)[str(target)]
                keep_values(self.task, [field], {field.id: self._kept(effect)})
            case "owner":
                await self.hand_over("owner", self.fill(target))
            case "requester":
                await self.hand_over("requester", self.fill(target))
            case "subject":
                await self.hand_over("for", self.fill(target))
            case "on_duty":
                await self._name_on_duty(str(target), str(effect["as"]))
            case "share":
                await self._share(effect)
            case "term":
                pass  # the machine has named its day already
            case "duty":
                self._promise(effect)
            case "document":
                await self._make_document(effect)
            case "seal":
                await self._seal(effect)
            case "draw":
                await self._draw(effect)
            case "next":
                await self._next(effect)
            case "code":
                account = self.grant.account
                await make_code(
                    self.transaction, self.task, str(target), self.when, self.code_minutes, account
                )
            case "prove":
                await self._prove(effect)
            case "reckon":
                await self._reckon(effect)
            case "deadline":
                self._set_date(str(effect.get("field", "")), self.fill(target))
            case "create" if "each" in effect:
                for number, row in enumerate(list(self.rows(effect)), 1):
                    await self._create(effect, row, number)
            case "create":
                await self._create(effect)
            case "change":
                for row in list(self.rows(effect)):
                    await self._change(effect, row)
            case "book":
                await self._book(effect)
            case "booking":
                await self._move_booking(effect)
            case "notify":
                await self._notify(effect)
            case "child":
                self._spawn(effect)
            case "open":
                self._open(effect)
            case "carried":
                self._call(effect)
            case "on":
                self._ask_others(effect)
            case "hand":
                self.handed.append(str(target))
            case "gather":
                self._gather(effect)
            case "calculate":
                await self._calculate(effect)
            case _:
                self.follow.append(str(target))

    def _kept(self, effect: Mapping[str, Any]) -> Any:
        """Return what a field keeps: a template's value, or the first thing that an expression finds."""
        if "find" not in effect:
            return self.fill(effect.get("value"))
        return first_found(
            str(effect["find"]),
            self.task,
            self.form,
            self.children,
            {**self.around, "values": inputs(self.task)},
        )

    async def _name_on_duty(self, roster: str, name: str) -> None:
        """Name who is on duty now: those on duty take the cases one after another, by the cases' numbers."""
        post = self.posts[f"{self.declaration.service}/{roster}"]
        shifts = await shifts_between(self.transaction.search_all, post, self.when, self.when)
        turn = "".join(one for one in number_of(self.task) if one.isdecimal())
        shift = next_in_turn(shifts, int(turn or 0))
        if shift is not None:
            self.given.update({name: shift.person, f"{name}.unit": shift.unit or None})

    def _label(self, label: dict[str, str]) -> None:
        held = self.task.setdefault("meta", {}).setdefault("security", [])
        if label not in held:
            held.append(label)

    def _set_date(self, name: str, value: Any) -> None:
        if not value:
            return
        if name:
            keep_values(self.task, [all_fields(self.declaration)[name]], {name: str(value)[:10]})
        set_deadline(self.task, day_end(date.fromisoformat(str(value)[:10])))

    async def _create(
        self, effect: Mapping[str, Any], row: Mapping[str, Any] = MappingProxyType({}), number: int = 0
    ) -> None:
        resource = self.fill(effect["create"], row)
        marks = marks_of(self.task)
        if not self.declaration.secret:
            # what the kind itself says of a case holds for what it makes; another label of a resident is told by what is made
            said = labels_said(self.declaration)
            marks["security"] = [one for one in marks.get("security", ()) if one.get("code") in said]
        if kept := {name: value for name, value in marks.items() if value}:
            resource["meta"] = {**resource.get("meta", {}), **kept}
        written = await self.transaction.create(resource)
        reference = f"{written.stored.type}/{written.stored.id}"
        if effect.get("as"):
            keep_output(self.task, f"{effect['as']}-{number}" if number else str(effect["as"]), reference)
        if effect.get("focus"):
            self.task["focus"] = {"reference": reference}

    async def _change(self, effect: Mapping[str, Any], row: Mapping[str, Any] = MappingProxyType({})) -> None:
        reference = self.fill(effect["change"], row)
        if not reference:
            return
        kind, _, id_ = str(reference).partition("/")
        await self.transaction.lock(kind, id_)
        stored = await self.transaction.read(kind, id_)
        resource = stored.resource
        require = effect.get("require")
        if require and not self.holds(str(require), resource):
            text = effect["require_text"]
            raise Conflict(str(text["en"]), zh=str(text["zh"]))
        if effect.get("as"):
            plain = {name: value for name, value in resource.items() if isinstance(value, str | int)}
            named = {"name": name_of(resource), **plain}
            self.given.update({f"{effect['as']}.{name}": value for name, value in named.items()})
        changed = deepcopy(resource)
        for path, template in effect["values"].items():
            write_path(changed, path, self.fill(template, row))
        if effect["values"]:  # without values the record is only looked at, under its lock
            await self.transaction.update(changed, if_match=stored.version)

    async def _book(self, effect: Mapping[str, Any]) -> None:
        """Take a place for whom the case is about; what keeps them from it is told at the field that chose the slot."""
        field = next(names_in(effect["book"]), "")
        slot = str(self.fill(effect["book"]) or "").removeprefix("Slot/")
        patient = str((self.task.get("for") or {}).get("reference", "")).removeprefix("Patient/")
        values = self.fill(effect.get("values")) or {}
        try:
            made = await self._booking_room().book_within(self.transaction, self.grant, slot, patient, values)
        except (Forbidden, Unprocessable) as fault:
            issue = Issue("error", "business-rule", fault.text, (field,), fault.zh)
            raise Unprocessable(fault.text, zh=fault.zh, issues=(issue,)) from None
        name = str(effect["as"])
        keep_output(self.task, name, f"Appointment/{made['id']}")
        plain = {key: value for key, value in made.items() if isinstance(value, str | int)}
        self.given.update({f"{name}.{key}": value for key, value in plain.items()})

    async def _move_booking(self, effect: Mapping[str, Any]) -> None:
        reference = str(self.fill(effect["booking"]) or "")
        if reference:
            appointment = reference.removeprefix("Appointment/")
            values = self.fill(effect.get("values")) or {}
            await self._booking_room().move_within(self.transaction, appointment, str(effect["make"]), values)

    def _booking_room(self) -> BookingRoom:
        if self.bookings is None:
            raise Unsupported("this installation keeps no bookings", zh="当前系统没有启用预约")
        return self.bookings

    async def _notify(self, effect: Mapping[str, Any]) -> None:
        template = effect["notify"]
        for one in template if isinstance(template, list) else [template]:
            recipients = self.fill(one)
            for recipient in recipients if isinstance(recipients, list) else [recipients]:
                if recipient:
                    await self.transaction.create(self._communication(str(recipient), effect["text"]))

    def _communication(self, recipient: str, text: Mapping[str, Any]) -> Resource:
        zh, en = self.fill(str(text["zh"])), self.fill(str(text["en"]))
        notice: Resource = {
            "resourceType": "Communication",
            "status": "completed",
            "about": [{"reference": f"Task/{self.task['id']}"}],
            "recipient": [{"reference": recipient}],
            "sent": instant(self.when),
            "payload": [{"contentString": zh}, {"contentString": en}],
        }
        subject = (self.task.get("for") or {}).get("reference", "")
        if subject.startswith("Patient/"):
            notice["subject"] = {"reference": subject}
        sender = self.grant.organisation or organisation_of(self.task, "requester")
        if sender:
            notice["sender"] = {"reference": f"Organization/{sender}"}
        if marks := marks_of(self.task):
            notice["meta"] = marks
        return notice

    def _spawn(self, effect: Mapping[str, Any]) -> None:
        for unit in self.rows(effect):
            if unit:
                values = self.fill(effect.get("values"), item=unit) or {}
                kind = f"{self.declaration.service}/{effect['child']}"
                owner = str(self.fill(effect["to"], item=unit) if "to" in effect else unit)
                self.spawn.append(Opening(kind, owner.removeprefix("Organization/"), values))

    def _open(self, effect: Mapping[str, Any]) -> None:
        owner = str(self.fill(effect.get("to", "${owner}")) or "").removeprefix("Organization/")
        self.spawn.append(
            Opening(
                f"{self.declaration.service}/{effect['open']}",
                owner,
                self.fill(effect.get("values")) or {},
                "about",
                str(effect.get("as", "")),
                Term(**effect["due"]) if "due" in effect else None,
            )
        )

    def _call(self, effect: Mapping[str, Any]) -> None:
        """Open a case about this one of the kind that carries a thing, whichever service has it."""
        given = {name: value for name, value in (self.fill(effect.get("values")) or {}).items() if value}
        self.spawn.append(
            Opening(
                "",
                str(self.fill(effect.get("to", "${owner}")) or "").removeprefix("Organization/"),
                given,
                "about",
                str(effect.get("as", "")),
                carries=str(effect["carried"]),
                requester=str((self.task.get("owner") or {}).get("reference", "")),
            )
        )

    def _ask_others(self, effect: Mapping[str, Any]) -> None:
        for row in self.rows(effect):
            reference = self.fill(effect["on"], row)
            if reference:
                values = self.fill(effect.get("values"), row) or {}
                other, must = str(reference).removeprefix("Task/"), bool(effect.get("must"))
                self.elsewhere.append((other, str(effect["make"]), values, must))

    async def _share(self, effect: Mapping[str, Any]) -> None:
        papers = listed(self.fill(effect.get("papers")))
        for organisation in listed(self.fill(effect["share"])):
            mark = {"url": RESPONSIBLE, "valueReference": {"reference": organisation}}
            held = self.task.setdefault("extension", [])
            if mark not in held:
                held.append(mark)
            for paper in papers:
                await open_paper(self.transaction, paper.removeprefix("DocumentReference/"), organisation)

    def _promise(self, effect: Mapping[str, Any]) -> None:
        """Open a duty per row: what its form has no field for is left out when it starts."""
        name = str(effect.get("as", "duty"))
        number = sum(1 for one in outputs(self.task) if one.startswith(f"{name}-"))
        for row in self.rows(effect):
            content = str(self.fill(effect["duty"], row) or "").strip()
            if not content:
                continue
            number += 1
            unit = str(self.fill(effect.get("to", "${owner}"), row) or "").removeprefix("Organization/")
            said = {"content": content, "receiver": unit, "due": self.fill(effect.get("due"), row)}
            values = {**said, **(self.fill(effect.get("values"), row) or {})}
            self.spawn.append(
                Opening(
                    "",
                    unit,
                    {key: value for key, value in values.items() if value not in (None, "", [])},
                    name=f"{name}-{number}",
                    carries="duty",
                    title=content[:_LONGEST_TITLE],
                    requester=str(self.fill(effect.get("asked_by"), row) or ""),
                )
            )

    async def _make_document(self, effect: Mapping[str, Any]) -> None:
        name = str(effect["document"])
        outlet = self.outlets.get(f"{DOCUMENT_OUTLET}{self.declaration.service}/{name}")
        if outlet is None:
            raise Unsupported("this installation makes no such document", zh="当前系统不能生成该公文")
        made = await outlet(self.transaction, self.grant, self.task, self.when)
        for reference in made.values():
            keep_output(self.task, str(effect.get("as", name)), reference)

    async def _reckon(self, effect: Mapping[str, Any]) -> None:
        source = str(effect["of"])
        kind = source.removeprefix(CHILDREN)
        if kind != source:
            code = f"{self.declaration.service}/{kind}"
            children = await self.transaction.search_all("Task", f"part-of=Task/{self.task['id']}")
            rows = finished_values(children, code)
        else:
            rows = inputs(self.task).get(source, [])
        figure = reckoned(str(effect["how"]), rows, str(effect["value"]), str(effect.get("weight", "")))
        field = all_fields(self.declaration)[str(effect["reckon"])]
        keep_values(self.task, [field], {field.id: figure})

    def _gather(self, effect: Mapping[str, Any]) -> None:
        declared = gathering_of(self.declaration, effect)
        records = {name: self.around.get(name, ()) for name in (declared.id, *declared.beside)}
        rows = gathered_rows(declared, records, self.asked_names())
        field = all_fields(self.declaration)[str(effect["gather"])]
        keep_values(self.task, [field], {field.id: rows or None})

    async def _calculate(self, effect: Mapping[str, Any]) -> None:
        name = str(effect["calculate"])
        declared = self.calculator.declaration(self.declaration, name)
        day = self.when.astimezone(CITY_ZONE).date()
        one = self.calculator.work_out(declared, self.task, self.asked_names(), day, self.jurisdiction)
        refuse_unfounded(one)
        known = all_fields(self.declaration)
        kept = {str(effect["as"]): one.result}
        kept |= {field: one.step(step) for field, step in (effect.get("also") or {}).items()}
        keep_values(self.task, [known[field] for field in kept], kept)
        record = await keep_calculation(
            self.transaction, self.task, name, one, self.when, self.grant.display or self.grant.account
        )
        keep_output(self.task, f"{CALCULATION}-{name}", record)

    async def _seal(self, effect: Mapping[str, Any]) -> None:
        kept = {name: listed(value) for name, value in self.values().items()}

        def holds(expression: str, candidate: Resource) -> bool:
            around = {
                **self.around,
                "kept": kept,
                "today": self.when.astimezone(CITY_ZONE).date().isoformat(),
            }
            return truth(
                expression, candidate, self.form, self.children, self.grant, self.source, around, failing=True
            )

        pool = await self.transaction.search_all(
            str(effect["seal"]), str(self.fill(effect.get("criteria")) or "")
        )
        number = int(self.fill(effect["number"]) or 0)
        reference = await seal(
            self.transaction, self.task, effect, pool, number, holds, self.when, self.grant.display
        )
        keep_output(self.task, str(effect["as"]), reference)

    async def _draw(self, effect: Mapping[str, Any]) -> None:
        sealed, witness = str(self.fill(effect["draw"]) or ""), str(self.fill(effect.get("witness")) or "")
        reference, record = await draw(
            self.transaction, self.task, sealed, witness, self.when, self.grant.display
        )
        keep_output(self.task, str(effect["as"]), reference)
        self.given["drawn"] = list(record["drawn"])

    async def _prove(self, effect: Mapping[str, Any]) -> None:
        entered = str(self.fill(effect["by"]) or "").strip()
        if entered:
            asked = next(names_in(effect["by"]), "")
            await prove(self.transaction, self.task, str(effect["prove"]), entered, self.when, asked)
        field = all_fields(self.declaration)[str(effect["as"])]
        keep_values(self.task, [field], {field.id: bool(entered)})

    async def _next(self, effect: Mapping[str, Any]) -> None:
        record = await read_draw(self.transaction, str(self.fill(effect["next"]) or ""))
        children = await self.transaction.search_all("Task", f"part-of=Task/{self.task['id']}")
        asked = {str((one.get("owner") or {}).get("reference", "")) for one in children}
        waiting = [one for one in record["order"] if one not in asked]
        if not waiting:
            raise Unprocessable(
                "nobody stands in reserve any more", zh="备选人员已全部递补完，请重新组织抽取"
            )
        self.given["drawn"] = waiting[:1]
