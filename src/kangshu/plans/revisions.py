"""修订记录: what changed between two versions of a plan, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Final, TypeVar

from kangshu.base.text import Text
from kangshu.plans.marks import retired_of
from kangshu.plans.model import PLAN_STATE_TITLES, ClauseView, MoneyView, PlanView, TargetView
from kangshu.plans.view import plan_view
from kangshu.sdk import Resource

_SHORT: Final = 60
_ENOUGH: Final = 40
_NAMED: Final = 12
_Finding = TypeVar("_Finding", ClauseView, TargetView, MoneyView)
HOW: Final = {
    "accepted": Text("确认", "confirmed"),
    "corrected": Text("更正", "corrected"),
    "split": Text("拆分", "split"),
    "merged": Text("合并", "merged"),
    "added": Text("补充", "added"),
}


def changes_between(
    before: Resource, after: Resource, today: date, names: Mapping[str, str] | None = None
) -> tuple[Text, ...]:
    """Return each difference between two versions of a plan, told for a reader; the first 40 and how many more.

    `names` are those of the organisations and measures that the plan points to, by id.
    """
    known = names or {}
    old, new = plan_view(before, "", {}, today), plan_view(after, "", {}, today)
    found = [
        *_head(old, new),
        *_period(before, after),
        *_gone(before, after, old),
        *_each("条款", "Clause", old.clauses, new.clauses, partial(_clause, names=known)),
        *_each("目标", "Target", old.targets, new.targets, partial(_target, names=known)),
        *_each("资金规则", "Money rule", old.money, new.money, _money),
        *_doubts(old, new),
    ]
    if not found and before != after:
        found = [Text("其他内容有更新", "Other particulars changed")]
    if len(found) > _ENOUGH:
        rest = len(found) - _ENOUGH
        found = [*found[:_ENOUGH], Text(f"另有 {rest} 处变动", f"{rest} more changes")]
    return tuple(found)


def amendments(before: Resource, after: Resource) -> dict[str, tuple[Text, ...]]:
    """Return, for each clause that stands in both versions, what is now asked differently: its words, units, figures."""
    old, new = plan_view(before, "", {}), plan_view(after, "", {})
    was = {one.id: one for one in old.clauses}
    found: dict[str, tuple[Text, ...]] = {}
    for clause in new.clauses:
        earlier = was.get(clause.id)
        if earlier is None:
            continue
        told = list(_clause(earlier, clause, {}))
        for target in new.targets:
            held = old.target(target.id) if target.clause == clause.id else None
            if held is not None:
                told += [
                    Text(f"目标“{_cut(held.indicator)}”{one.zh}", one.en) for one in _asked(held, target)
                ]
        if told:
            found[clause.id] = tuple(told)
    return found


def name_of(finding: str) -> str:
    """Return what a finding is called among people: clause-012 → 12."""
    return finding.rpartition("-")[2].lstrip("0") or finding


def figure_text(value: object) -> str:
    """Return a figure as written: a number without needless zeros, a range with a dash."""
    if isinstance(value, tuple):
        return "—".join(figure_text(one) for one in value)
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _head(old: PlanView, new: PlanView) -> Iterator[Text]:
    if old.title != new.title:
        yield _from_to("名称", "Title", old.title, new.title)
    if old.standing.state != new.standing.state or old.standing.on != new.standing.on:
        was, now = PLAN_STATE_TITLES[old.state], PLAN_STATE_TITLES[new.state]
        basis = f"（依据：{new.standing.basis}）" if new.standing.basis else ""
        yield Text(
            f"状态由“{was.zh}”改为“{now.zh}”{basis}",
            f"State: {was.en} → {now.en} {f'({new.standing.basis})' if basis else ''}".strip(),
        )


def _period(before: Resource, after: Resource) -> Iterator[Text]:
    was, now = (
        "至".join(str(one.get("effectivePeriod", {}).get(name, "")) for name in ("start", "end"))
        for one in (before, after)
    )
    return _pairs(("有效期", "Period", was, now))


def _gone(before: Resource, after: Resource, old: PlanView) -> Iterator[Text]:
    known = len(retired_of(before))
    titles = {"clause": ("条款", "Clause"), "target": ("目标", "Target"), "money": ("资金规则", "Money rule")}
    for one in retired_of(after)[known:]:
        zh, en = titles[one.kind]
        into = name_of(one.note) if one.how == "merged" else ""
        note = f"：{one.note}" if one.note and not into else ""
        yield Text(
            f"{zh}{name_of(one.id)} 并入{zh}{into}"
            if into
            else f"{zh}{name_of(one.id)} 剔除“{_cut(one.text)}”{note}",
            f"{en} {name_of(one.id)} {f'merged into {into}' if into else f'put aside “{_cut(one.text)}”{note}'}",
        )


def _each(
    zh: str,
    en: str,
    old: Iterable[_Finding],
    new: Iterable[_Finding],
    told: Callable[[_Finding, _Finding], Iterator[Text]],
) -> Iterator[Text]:
    was = {one.id: one for one in old}
    now = {one.id: one for one in new}
    looked_at: dict[Text, list[str]] = {}
    for id_, one in now.items():
        before = was.get(id_)
        name_zh, name_en = f"{zh}{name_of(id_)}", f"{en} {name_of(id_)}"
        if before is None:
            yield Text(f"{name_zh} 新增“{_cut(_said(one))}”", f"{name_en} added “{_cut(_said(one))}”")
            continue
        if before == one:
            continue
        parts = list(told(before, one))
        if not parts and one.reviewed != before.reviewed:
            how = HOW[one.reviewed.how] if one.reviewed else Text("撤回确认", "no longer confirmed")
            looked_at.setdefault(how, []).append(name_of(id_))
        for part in parts:
            yield Text(f"{name_zh}：{part.zh}", f"{name_en}: {part.en}")
    for how, names in looked_at.items():
        first, rest = names[:_NAMED], len(names) - _NAMED
        more_zh, more_en = (f" 等 {len(names)} 项", f" and {rest} more") if rest > 0 else ("", "")
        yield Text(
            f"{zh}{'、'.join(first)}{more_zh}：{how.zh}", f"{en} {', '.join(first)}{more_en}: {how.en}"
        )


def _said(one: ClauseView | TargetView | MoneyView) -> str:
    if isinstance(one, ClauseView):
        return one.text
    return one.span or (one.indicator if isinstance(one, TargetView) else "")


def _clause(old: ClauseView, new: ClauseView, names: Mapping[str, str]) -> Iterator[Text]:
    if old.text != new.text:
        yield _from_to("内容", "text", old.text, new.text)
    for role, zh, en in (("lead", "牵头单位", "lead units"), ("cooperating", "配合单位", "co-units")):
        was, now = ("、".join(unit.written for unit in one.units if unit.role == role) for one in (old, new))
        if was != now:
            yield _from_to(zh, en, was, now)
    held = {unit.written: unit for unit in old.units}
    for unit in new.units:
        before = held.get(unit.written)
        if before is not None and (before.organisations, before.outside) != (
            unit.organisations,
            unit.outside,
        ):
            if unit.outside:
                yield Text(f"“{unit.written}”不是本市机构", f"“{unit.written}” is none of ours")
            else:
                was, there = (
                    "、".join(names.get(one, one) for one in said.organisations) for said in (before, unit)
                )
                yield _from_to(
                    f"“{unit.written}”对应机构",
                    f"“{unit.written}” is",
                    was,
                    there,
                )
    if old.anchor != new.anchor and old.text == new.text:
        yield Text("原文位置调整", "its place in the document")
    if old.adopted_as != new.adopted_as and new.adopted_as:
        yield Text("已采纳到本市规划", "adopted into our own plan")


def _asked(old: TargetView, new: TargetView) -> Iterator[Text]:
    return _pairs(
        ("指标", "indicator", old.indicator, new.indicator),
        ("比较方式", "comparator", old.comparator, new.comparator),
        ("目标值", "figure", figure_text(old.value) + old.unit, figure_text(new.value) + new.unit),
        ("期限", "year", old.due, new.due),
    )


def _target(old: TargetView, new: TargetView, names: Mapping[str, str]) -> Iterator[Text]:
    yield from _asked(old, new)
    yield from _pairs(
        ("期限来源", "source of the year", old.due_source, new.due_source),
        ("所属条款", "clause", name_of(old.clause), name_of(new.clause)),
        ("关联指标", "measure", names.get(_link(old), _link(old)), names.get(_link(new), _link(new))),
        ("基期", "baseline", _baseline(old), _baseline(new)),
    )


def _pairs(*listed: tuple[str, str, str, str]) -> Iterator[Text]:
    return (_from_to(zh, en, was, now) for zh, en, was, now in listed if was != now)


def _money(old: MoneyView, new: MoneyView) -> Iterator[Text]:
    return _pairs(
        ("金额", "amount", old.amount, new.amount),
        ("上限", "cap", old.cap, new.cap),
        ("计发单位", "per", old.per, new.per),
        ("条件", "condition", old.condition, new.condition),
    )


def _doubts(old: PlanView, new: PlanView) -> Iterator[Text]:
    was = {one.id: one for one in old.doubts}
    for one in new.doubts:
        before = was.get(one.id)
        if before is not None and bool(before.settled_by) != bool(one.settled_by):
            note = f"，结论：{one.note}" if one.note else ""
            if one.settled_by:
                yield Text(f"存疑已核对：{one.text.zh}{note}", f"doubt settled: {one.text.en}")
            else:
                yield Text(f"存疑重新核对：{one.text.zh}", f"doubt open again: {one.text.en}")


def _link(target: TargetView) -> str:
    return target.measure if target.confirmed else ""


def _baseline(target: TargetView) -> str:
    held = target.baseline
    return f"{figure_text(held.value)}（{held.day.isoformat()}，{held.source}）" if held else ""


def _from_to(zh: str, en: str, was: str, now: str) -> Text:
    old, new = _differing(was, now)
    if not was:
        return Text(f"{zh}补为“{new}”", f"{en}: “{new}”")
    if not now:
        return Text(f"{zh}去掉“{old}”", f"{en}: “{old}” removed")
    return Text(f"{zh}由“{old}”改为“{new}”", f"{en}: “{old}” → “{new}”")


def _differing(was: str, now: str) -> tuple[str, str]:
    """Return two texts cut to where they differ, so that a change at the end of a long clause is seen."""
    if len(was) <= _SHORT and len(now) <= _SHORT:
        return was, now
    same = next(
        (at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other),
        min(len(was), len(now)),
    )
    start = max(0, same - 10)
    lead = "…" if start else ""
    return lead + _cut(was[start:]), lead + _cut(now[start:])


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHORT else flat[: _SHORT - 1] + "…"
