"""批示: a leader's instruction about a target or a duty reaches an organisation's worklist as a case.

The kind of case is found by what it carries; no service is named here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from kangshu.access import Grant
from kangshu.base.canonical import CASE_KIND, DEMO_TAG
from kangshu.base.clock import CITY_ZONE
from kangshu.base.faults import Invalid, Unsupported
from kangshu.base.text import Text
from kangshu.cases import Cases, deadline_of, inputs, organisation_of, state_of
from kangshu.plans import shape
from kangshu.plans.model import PlanView, TargetView
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import Store

CARRIES_INSTRUCTION: Final = "instruction"
"""What a case kind declares in `carries` when it is the one that a leader's instruction starts."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction that was given: about a target of a plan, or about another case."""

    task: str
    plan: str
    target: str
    about: str
    """Id of the case that it is about, "" for a target's."""
    text: str
    unit_name: str
    state: Text
    final: bool
    issued: str
    deadline: date | None


def kind(cases: Cases) -> CaseDeclaration:
    """Return the case kind that carries instructions. Raises Unsupported when no service has one."""
    found = cases.carrying(CARRIES_INSTRUCTION)
    if found is None:
        raise Unsupported(
            "no service of this installation carries instructions; a case kind must declare 'carries: instruction'",
            zh="当前系统没有可承接批示的服务，请先启用督查督办服务",
        )
    return found


async def instruct(
    cases: Cases,
    grant: Grant,
    text: str,
    receiver: str,
    *,
    subject: str,
    focus: str,
    tags: list[dict[str, str]],
    due: date | None,
    today: date,
) -> str:
    """Start the case and return its id. `subject` says what the instruction is about, in words."""
    declaration = kind(cases)
    if not text.strip():
        raise Invalid("an instruction says what to do", zh="请填写批示意见", expression="instruction")
    if due is not None and due < today:
        raise Invalid("the day lies in the past", zh="办结期限不能早于今天", expression="due")
    said: Mapping[str, Any] = {
        "receiver": receiver,
        "subject": subject,
        "instruction": text.strip(),
        "due": due.isoformat() if due else None,
    }
    fields = {field.id for field in declaration.form}
    values = {name: value for name, value in said.items() if name in fields and value is not None}
    first = subject.partition("\n")[0]
    stored = await cases.start(
        grant,
        declaration.code,
        values,
        receiver=receiver,
        title=f"{declaration.title.zh}：{first}"[:200],
        focus=focus,
        tags=tags,
    )
    return stored.id


def target_tags(plan: PlanView, target: TargetView) -> list[dict[str, str]]:
    """Return the tags of what is about a target."""
    tags = [{"system": shape.PLAN_TARGET, "code": f"{plan.id}.{target.id}"}]
    if plan.demo:
        tags.append({"system": DEMO_TAG, "code": "demo", "display": "演示数据"})
    return tags


async def instructions_about(store: Store, grant: Grant, cases: Cases, focus: str = "") -> list[Instruction]:
    """Return the instructions about `focus` (`PlanDefinition/id`, `Task/id`; "" for all), the newest first."""
    declaration = cases.carrying(CARRIES_INSTRUCTION)
    if declaration is None:
        return []
    criteria = f"code={CASE_KIND}|{declaration.code}" + (f"&focus={focus}" if focus else "")
    found = [_read(task, declaration) for task in await store.search_all(grant, "Task", criteria)]
    return sorted(found, key=lambda one: (one.issued, one.task), reverse=True)


def _read(task: Resource, declaration: CaseDeclaration) -> Instruction:
    state = next((one for one in declaration.states if one.id == state_of(task)), None)
    plan, target = "", ""
    for tag in task.get("meta", {}).get("tag", ()):
        if tag.get("system") == shape.PLAN_TARGET:
            plan, _, target = str(tag.get("code", "")).partition(".")
    focus = str((task.get("focus") or {}).get("reference", ""))
    end = deadline_of(task)
    return Instruction(
        task=str(task["id"]),
        plan=plan,
        target=target,
        about=focus.removeprefix("Task/") if focus.startswith("Task/") else "",
        text=str(inputs(task).get("instruction") or ""),
        unit_name=str((task.get("owner") or {}).get("display", "")) or organisation_of(task, "owner"),
        state=state.title if state else Text(state_of(task), state_of(task)),
        final=state.final if state else False,
        issued=_day(task.get("authoredOn")),
        deadline=end.astimezone(CITY_ZONE).date() if end else None,
    )


def _day(lexeme: object) -> str:
    return datetime.fromisoformat(str(lexeme)).astimezone(CITY_ZONE).date().isoformat() if lexeme else ""
