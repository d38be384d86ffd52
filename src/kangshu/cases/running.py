"""One move under way: the Task being changed, the values its templates may name, and the effects applied."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Conflict, Gone, NotFound, Unprocessable, Unsupported
from kangshu.cases.calculating import NO_CALCULATIONS, Calculator, keep_calculation, refuse_unfounded
from kangshu.cases.calculating import RECORD as CALCULATION
from kangshu.cases.deadlines import day_end
from kangshu.cases.effects import all_fields, verb_of
from kangshu.cases.gathering import gathered_rows, gathering_of
from kangshu.cases.guards import first_found, found_texts, truth
from kangshu.cases.inside import RESPONSIBLE, open_paper
from kangshu.cases.lots import draw, read_draw, seal
from kangshu.cases.opening import Opening, Term
from kangshu.cases.reckoning import reckoned
from kangshu.cases.rosters import next_in_turn, shifts_between
from kangshu.cases.substitution import substitute
from kangshu.cases.tasks import (
    inputs,
    keep_output,
    keep_values,
    kind_of,
    number_of,
    organisation_of,
    outputs,
    set_deadline,
)
from kangshu.registers import name_of, read_path, write_path
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Transaction

Outlet = Callable[[Transaction, Grant, Resource, datetime], Awaitable[Mapping[str, str]]]
"""Takes in a case that a move hands on: (the move's transaction under the engine's grant, who moves, the Task as it will
be, when) → what it has made, name → reference, kept in the Task's output."""
CHILDREN = "children:"
"""Begin of what names the finished child cases of a kind, one row each."""
DOCUMENT_OUTLET = "document:"
"""Begin of the name of the outlet that makes an official document: `document:<service>/<document>`."""
_LONGEST_TITLE = 60


@dataclass(slots=True)
class Running:
    """A move (or a start) inside its transaction. `spawn` and `follow` are children to start and moves to make on them."""

    transaction: Transaction
    grant: Grant
    declaration: CaseDeclaration
    task: Resource
    form: Mapping[str, Any]
    when: datetime
    source: str = ""
    """State before the move; "" for a start."""
    children: Sequence[Resource] = ()
    around: Mapping[str, Any] = field(default_factory=dict)
    """What guards may ask besides the Task; see `surroundings`."""
    given: dict[str, Any] = field(default_factory=dict)
    spawn: list[Opening] = field(default_factory=list)
    """Cases to open."""
    follow: list[str] = field(default_factory=list)
    """Moves to make on every open child."""
    elsewhere: list[tuple[str, str, dict[str, Any], bool]] = field(default_factory=list)
    """(Task id, move, values, whether it must be possible) of moves to make on other cases."""
    handed: list[str] = field(default_factory=list)
    """Outlets that the case is handed to."""
    outlets: Mapping[str, Outlet] = field(default_factory=dict)
    posts: Mapping[str, str] = field(default_factory=dict)
    """Roster `service/roster` → the post of its shifts."""
    calculator: Calculator = NO_CALCULATIONS
    jurisdiction: str = ""
    """Division whose parameters rule what is calculated."""
    _names: dict[str, str] = field(default_factory=dict)

    def holds(self, expression: str, resource: Resource | None = None) -> bool:
        """Return whether a FHIRPath guard is true over `resource` (the Task by default)."""
        return truth(
            expression, resource or self.task, self.form, self.children, self.grant, self.source, self.around
        )

    def finds(self, expression: str) -> list[str]:
        """Return the texts that an expression finds over the Task."""
        return found_texts(expression, self.task, self.form, self.children, self.around)

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
                write_path(self.task, target, self._fill(effect.get("value")))
            case "clear":
                write_path(self.task, target, None)
            case "count":
                write_path(self.task, target, int(read_path(self.task, target) or 0) + 1)
            case "keep":
                field = all_fields(self.declaration)[str(target)]
                keep_values(self.task, [field], {field.id: self._kept(effect)})
            case "owner":
                await self.hand_over("owner", self._fill(target))
            case "requester":
                await self.hand_over("requester", self._fill(target))
            case "subject":
                await self.hand_over("for", self._fill(target))
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
            case "reckon":
                await self._reckon(effect)
            case "deadline":
                self._set_date(str(effect.get("field", "")), self._fill(target))
            case "create" if "each" in effect:
                for number, row in enumerate(list(self._rows(effect)), 1):
                    await self._create(effect, row, number)
            case "create":
                await self._create(effect)
            case "change":
                for row in list(self._rows(effect)):
                    await self._change(effect, row)
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
            return self._fill(effect.get("value"))
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

    async def hand_over(self, element: str, reference: Any) -> None:
        """Put a party (`Organization/id`, `Practitioner/id`) into `element` of the Task, with its name."""
        if not reference:
            return
        name = await self.name_of(str(reference))
        self.task[element] = {"reference": str(reference), **({"display": name} if name else {})}

    async def name_of(self, reference: str) -> str:
        """Return the name of an Organization or Patient, "" where there is none."""
        if reference not in self._names:
            kind, _, id_ = reference.partition("/")
            try:
                found = (await self.transaction.read(kind, id_)).resource
            except (NotFound, Gone):
                raise Unprocessable(
                    f"there is no such {kind}", zh="所选机构或人员不存在", expression="owner"
                ) from None
            name = found.get("name")
            if isinstance(name, list):
                name = name[0].get("text", "") if name else ""
            self._names[reference] = str(name or "")
        return self._names[reference]

    def _fill(self, template: Any, item: str | Mapping[str, Any] = "") -> Any:
        if isinstance(item, Mapping):
            more = {f"item.{name}": value for name, value in item.items()}
        else:
            more = {"item": item} if item else {}
        return substitute(template, {**self._values(), **more})

    def _values(self) -> dict[str, Any]:
        task = self.task
        organisation = f"Organization/{self.grant.organisation}" if self.grant.organisation else None
        built_in = {
            "task": f"Task/{task['id']}",
            "number": number_of(task) or None,
            "title": task.get("description"),
            "subject": (task.get("for") or {}).get("reference"),
            "focus": (task.get("focus") or {}).get("reference"),
            "requester": (task.get("requester") or {}).get("reference"),
            "owner": (task.get("owner") or {}).get("reference"),
            "organisation": organisation,
            "person": f"Patient/{self.grant.patient}" if self.grant.patient else None,
            "today": self.when.astimezone(CITY_ZONE).date().isoformat(),
            "now": instant(self.when),
            "actor": self.grant.display,
        }
        entered = {name: value for name, value in self.form.items() if value is not None}
        return {**built_in, **inputs(task), **outputs(task), **entered, **self.given}

    def _set_date(self, name: str, value: Any) -> None:
        if not value:
            return
        if name:
            keep_values(self.task, [all_fields(self.declaration)[name]], {name: str(value)[:10]})
        set_deadline(self.task, day_end(date.fromisoformat(str(value)[:10])))

    async def _create(
        self, effect: Mapping[str, Any], row: Mapping[str, Any] = MappingProxyType({}), number: int = 0
    ) -> None:
        resource = self._fill(effect["create"], row)
        tags = self.task.get("meta", {}).get("tag")
        if tags:  # what a demonstration case makes is demonstration data too
            resource.setdefault("meta", {})["tag"] = tags
        written = await self.transaction.create(resource)
        reference = f"{written.stored.type}/{written.stored.id}"
        if effect.get("as"):
            keep_output(self.task, f"{effect['as']}-{number}" if number else str(effect["as"]), reference)
        if effect.get("focus"):
            self.task["focus"] = {"reference": reference}

    async def _change(self, effect: Mapping[str, Any], row: Mapping[str, Any] = MappingProxyType({})) -> None:
        reference = self._fill(effect["change"], row)
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
            write_path(changed, path, self._fill(template, row))
        if effect["values"]:  # without values the record is only looked at, under its lock
            await self.transaction.update(changed, if_match=stored.version)

    async def _notify(self, effect: Mapping[str, Any]) -> None:
        template = effect["notify"]
        for one in template if isinstance(template, list) else [template]:
            recipients = self._fill(one)
            for recipient in recipients if isinstance(recipients, list) else [recipients]:
                if recipient:
                    await self.transaction.create(self._communication(str(recipient), effect["text"]))

    def _communication(self, recipient: str, text: Mapping[str, Any]) -> Resource:
        zh, en = self._fill(str(text["zh"])), self._fill(str(text["en"]))
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
        kept = {
            name: self.task["meta"][name]
            for name in ("tag", "security")
            if self.task.get("meta", {}).get(name)
        }
        if kept:
            notice["meta"] = kept
        return notice

    def _spawn(self, effect: Mapping[str, Any]) -> None:
        units = self._fill(effect.get("each"))
        for unit in units if isinstance(units, list) else [units]:
            if unit:
                values = self._fill(effect.get("values"), item=str(unit)) or {}
                kind = f"{self.declaration.service}/{effect['child']}"
                self.spawn.append(Opening(kind, str(unit).removeprefix("Organization/"), values))

    def _open(self, effect: Mapping[str, Any]) -> None:
        owner = str(self._fill(effect.get("to", "${owner}")) or "").removeprefix("Organization/")
        self.spawn.append(
            Opening(
                f"{self.declaration.service}/{effect['open']}",
                owner,
                self._fill(effect.get("values")) or {},
                "about",
                str(effect.get("as", "")),
                Term(**effect["due"]) if "due" in effect else None,
            )
        )

    def _call(self, effect: Mapping[str, Any]) -> None:
        """Open a case about this one of the kind that carries a thing, whichever service has it."""
        given = {name: value for name, value in (self._fill(effect.get("values")) or {}).items() if value}
        self.spawn.append(
            Opening(
                "",
                str(self._fill(effect.get("to", "${owner}")) or "").removeprefix("Organization/"),
                given,
                "about",
                str(effect.get("as", "")),
                carries=str(effect["carried"]),
                requester=str((self.task.get("owner") or {}).get("reference", "")),
            )
        )

    def _ask_others(self, effect: Mapping[str, Any]) -> None:
        for row in self._rows(effect):
            reference = self._fill(effect["on"], row)
            if reference:
                values = self._fill(effect.get("values"), row) or {}
                other, must = str(reference).removeprefix("Task/"), bool(effect.get("must"))
                self.elsewhere.append((other, str(effect["make"]), values, must))

    async def _share(self, effect: Mapping[str, Any]) -> None:
        papers = listed(self._fill(effect.get("papers")))
        for organisation in listed(self._fill(effect["share"])):
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
        for row in self._rows(effect):
            content = str(self._fill(effect["duty"], row) or "").strip()
            if not content:
                continue
            number += 1
            unit = str(self._fill(effect.get("to", "${owner}"), row) or "").removeprefix("Organization/")
            said = {"content": content, "receiver": unit, "due": self._fill(effect.get("due"), row)}
            values = {**said, **(self._fill(effect.get("values"), row) or {})}
            self.spawn.append(
                Opening(
                    "",
                    unit,
                    {key: value for key, value in values.items() if value not in (None, "", [])},
                    name=f"{name}-{number}",
                    carries="duty",
                    title=content[:_LONGEST_TITLE],
                    requester=str(self._fill(effect.get("asked_by"), row) or ""),
                )
            )

    def _rows(self, effect: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the rows of an effect's `each` for which its `where` holds; one without a column where it has none.

        Of records that the case looks up (`each: "%beds"`) a row holds the `reference`.
        """
        each = str(effect.get("each", ""))
        if each.startswith("%"):
            found = self.around.get(each.removeprefix("%"), ())
            rows = [{"reference": f"{one['resourceType']}/{one['id']}"} for one in found]
        else:
            rows = listed(self._fill(each)) if each else [{}]
        for row in rows:
            if "where" not in effect or self.holds(str(effect["where"]), row):
                yield row

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
            rows = [inputs(one) for one in children if kind_of(one) == code and one["status"] == "completed"]
        else:
            rows = inputs(self.task).get(source, [])
        figure = reckoned(str(effect["how"]), rows, str(effect["value"]), str(effect.get("weight", "")))
        field = all_fields(self.declaration)[str(effect["reckon"])]
        keep_values(self.task, [field], {field.id: figure})

    def _gather(self, effect: Mapping[str, Any]) -> None:
        declared = gathering_of(self.declaration, effect)
        records = {name: self.around.get(name, ()) for name in (declared.id, *declared.beside)}
        rows = gathered_rows(declared, records, self._asked_names())
        field = all_fields(self.declaration)[str(effect["gather"])]
        keep_values(self.task, [field], {field.id: rows or None})

    async def _calculate(self, effect: Mapping[str, Any]) -> None:
        name = str(effect["calculate"])
        declared = self.calculator.declaration(self.declaration, name)
        day = self.when.astimezone(CITY_ZONE).date()
        one = self.calculator.work_out(declared, self.task, self._asked_names(), day, self.jurisdiction)
        refuse_unfounded(one)
        known = all_fields(self.declaration)
        kept = {str(effect["as"]): one.result}
        kept |= {field: one.step(step) for field, step in (effect.get("also") or {}).items()}
        keep_values(self.task, [known[field] for field in kept], kept)
        record = await keep_calculation(
            self.transaction, self.task, name, one, self.when, self.grant.display or self.grant.account
        )
        keep_output(self.task, f"{CALCULATION}-{name}", record)

    def _asked_names(self) -> dict[str, Any]:
        """Return what expressions may name, the case's values as the move leaves them."""
        return {**self.around, "values": inputs(self.task)}

    async def _seal(self, effect: Mapping[str, Any]) -> None:
        kept = {name: listed(value) for name, value in self._values().items()}

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
            str(effect["seal"]), str(self._fill(effect.get("criteria")) or "")
        )
        number = int(self._fill(effect["number"]) or 0)
        reference = await seal(
            self.transaction, self.task, effect, pool, number, holds, self.when, self.grant.display
        )
        keep_output(self.task, str(effect["as"]), reference)

    async def _draw(self, effect: Mapping[str, Any]) -> None:
        sealed, witness = str(self._fill(effect["draw"]) or ""), str(self._fill(effect.get("witness")) or "")
        reference, record = await draw(
            self.transaction, self.task, sealed, witness, self.when, self.grant.display
        )
        keep_output(self.task, str(effect["as"]), reference)
        self.given["drawn"] = list(record["drawn"])

    async def _next(self, effect: Mapping[str, Any]) -> None:
        record = await read_draw(self.transaction, str(self._fill(effect["next"]) or ""))
        children = await self.transaction.search_all("Task", f"part-of=Task/{self.task['id']}")
        asked = {str((one.get("owner") or {}).get("reference", "")) for one in children}
        waiting = [one for one in record["order"] if one not in asked]
        if not waiting:
            raise Unprocessable(
                "nobody stands in reserve any more", zh="备选人员已全部递补完，请重新组织抽取"
            )
        self.given["drawn"] = waiting[:1]


def listed(value: Any) -> list[Any]:
    """Return a value of a template as a list; nothing gives an empty one."""
    return value if isinstance(value, list) else [] if value in (None, "") else [value]
