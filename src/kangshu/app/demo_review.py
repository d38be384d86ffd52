"""The demo city's plan as it stands in the middle of its review: most of what was read is confirmed, the rest waits."""

from __future__ import annotations

from kangshu.access import Grant
from kangshu.api import Platform

_OPEN_CHAPTERS = 2


async def confirm_reading(platform: Platform, grant: Grant, plan_id: str) -> None:
    """Confirm what stands in all chapters but the last two, as the plan office would."""
    plan = (await platform.plans.review_of(grant, plan_id)).plan
    chapters = [one.id for one in plan.sections if not one.parent]
    done = set(chapters[:-_OPEN_CHAPTERS])
    clauses = {one.id for one in plan.clauses if one.chapter in done}
    chosen = [
        *(one.id for one in plan.clauses if one.id in clauses),
        *(one.id for one in plan.targets if one.chapter in done and not one.masked),
        *(one.id for one in plan.money if one.clause in clauses),
    ]
    if chosen:
        await platform.plans.desk.accept(grant, plan_id, chosen)
