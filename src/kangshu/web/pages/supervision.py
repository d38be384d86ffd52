"""督查督办: duties of all plans by unit, what is overdue, blocked or done, down to the case; urging several at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from kangshu.api import by_unit
from kangshu.web.parts import Tab
from kangshu.web.rows import WorkRow, work_row
from kangshu.web.visit import Visit

_VIEWS: Final = (
    ("", "按单位"),
    ("overdue", "超期"),
    ("soon", "即将到期"),
    ("blocked", "待处理和退回"),
    ("open", "正常在办"),
    ("done", "已办结"),
)


@dataclass(frozen=True, slots=True)
class UnitLine:
    """One unit: what is under way, and its slips by colour."""

    name: str
    address: str
    under_way: int
    soon: int
    overdue: int
    blocked: int
    done: int
    completion: str
    blue: int
    yellow: int
    red: int


@dataclass(frozen=True, slots=True)
class DutyLine:
    """One duty with its slips."""

    row: WorkRow
    plan: str
    slips: Sequence[tuple[str, int]]
    urged: int


async def overview(visit: Visit) -> Response:
    """Show duties by unit, or one standing of them."""
    words = visit.words
    found = await visit.platform.duty_lists.under_way(visit.grant)
    plans = sorted({(one.plan, one.plan_title) for one in found if one.plan_title}, key=lambda pair: pair[1])
    plan, unit, view = visit.query("plan"), visit.query("unit"), visit.query("view")
    view = view if view in dict(_VIEWS) else ""
    of_plan = [one for one in found if plan in ("", one.plan)]
    shown = [one for one in of_plan if unit in ("", one.view.unit)]
    counts: Counter[str] = Counter(one.standing for one in shown)
    listed = [one for one in shown if one.standing == view] if view else []
    return visit.render(
        "supervision.html",
        plans=plans,
        plan=plan,
        units=sorted({(one.view.unit, one.view.unit_name) for one in of_plan}, key=lambda pair: pair[1]),
        unit=unit,
        view=view,
        tabs=[
            Tab(
                words(title),
                visit.with_query(view=name),
                name == view,
                counts.get(name, 0) if name else "",
                name == "overdue",
            )
            for name, title in _VIEWS
        ],
        counts=counts,
        under_way=sum(counts[one] for one in ("overdue", "soon", "blocked", "open")),
        slips=Counter(
            {name: sum(one.view.slips.get(name, 0) for one in shown) for name in ("blue", "yellow", "red")}
        ),
        lines=[_unit(visit, one) for one in by_unit(shown)],
        duties=[_duty(visit, one) for one in listed],
        may_urge=view in ("overdue", "soon", "open")
        and (visit.grant.may("plan.assign") or visit.grant.may("plan.instruct")),
    )


def _unit(visit: Visit, one: Any) -> UnitLine:
    share = one.completion
    return UnitLine(
        one.name or one.unit,
        visit.with_query(unit=one.unit),
        one.under_way,
        one.duties["soon"],
        one.duties["overdue"],
        one.duties["blocked"],
        one.duties["done"],
        f"{share:.0%}" if share is not None else "—",
        one.slips["blue"],
        one.slips["yellow"],
        one.slips["red"],
    )


def _duty(visit: Visit, one: Any) -> DutyLine:
    slips = [(name, count) for name in ("red", "yellow", "blue") if (count := one.view.slips.get(name, 0))]
    return DutyLine(work_row(visit.words, one.row), one.plan_title, slips, one.row.urged)
