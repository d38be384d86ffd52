"""One move under way: the Task being changed, the values its templates may name, and the effects applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kangshu.access import Grant
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.base.faults import Conflict, Gone, NotFound, Unprocessable
from kangshu.cases.deadlines import day_end
from kangshu.cases.effects import all_fields, verb_of
from kangshu.cases.guards import found_texts, truth
from kangshu.cases.opening import Opening, Term
from kangshu.cases.substitution import copied, substitute
from kangshu.cases.tasks import (
    inputs,
    keep_output,
    keep_values,
    number_of,
    organisation_of,
    outputs,
    set_deadline,
)
from kangshu.registers import read_path, write_path
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Transaction


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
    elsewhere: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """(Task id, move, values) of moves to make on other cases."""
    handed: list[str] = field(default_factory=list)
    """Outlets that the case is handed to."""
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
                keep_values(self.task, [field], {field.id: self._fill(effect.get("value"))})
            case "owner":
                await self.hand_over("owner", self._fill(target))
            case "deadline":
                self._set_date(str(effect.get("field", "")), self._fill(target))
            case "create":
                await self._create(effect)
            case "change":
                await self._change(effect)
            case "notify":
                await self._notify(effect)
            case "child":
                self._spawn(effect)
            case "open":
                self._open(effect)
            case "on":
                self._ask_others(effect)
            case "hand":
                self.handed.append(str(target))
            case _:
                self.follow.append(str(target))

    async def hand_over(self, element: str, reference: Any) -> None:
        """Put an Organization (`Organization/id`) into `element` of the Task, with its name."""
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

    async def _create(self, effect: Mapping[str, Any]) -> None:
        resource = self._fill(effect["create"])
        tags = self.task.get("meta", {}).get("tag")
        if tags:  # what a demonstration case makes is demonstration data too
            resource.setdefault("meta", {})["tag"] = tags
        written = await self.transaction.create(resource)
        reference = f"{written.stored.type}/{written.stored.id}"
        if effect.get("as"):
            keep_output(self.task, str(effect["as"]), reference)
        if effect.get("focus"):
            self.task["focus"] = {"reference": reference}

    async def _change(self, effect: Mapping[str, Any]) -> None:
        reference = self._fill(effect["change"])
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
            self.given.update({f"{effect['as']}.{name}": value for name, value in plain.items()})
        changed = copied(resource)
        for path, template in effect["values"].items():
            write_path(changed, path, self._fill(template))
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

    def _ask_others(self, effect: Mapping[str, Any]) -> None:
        rows = self._fill(effect["each"]) if "each" in effect else [{}]
        for row in rows or ():
            if "where" in effect and not self.holds(str(effect["where"]), row):
                continue
            reference = self._fill(effect["on"], row)
            if reference:
                values = self._fill(effect.get("values"), row) or {}
                self.elsewhere.append((str(reference).removeprefix("Task/"), str(effect["make"]), values))
