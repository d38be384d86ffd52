"""The demo city's plan under that of its province: which clauses carry which out, as the plan office would confirm."""

from __future__ import annotations

from kangshu.api import Platform
from kangshu.plans import sample_higher_plan

_LEFT_OPEN = 1
"""Of the clauses with a suggestion, how many the plan office has not looked at yet."""


async def place_under_province(platform: Platform, plan: str) -> None:
    """Import the province's plan, link ours under it, and confirm the first suggestion of all clauses but the last."""
    grant = await platform.accounts.open_grant("plan")
    name, data = sample_higher_plan()
    higher = (await platform.plans.import_plan(grant, data, name, "", demo=True)).plan
    await platform.lineage.place_under(grant, plan, higher)
    offered = [one for one in (await platform.lineage.coverage(grant, plan, higher)).clauses if one.offered]
    confirmed = {one.clause.id: one.offered[0].clause.id for one in offered[:-_LEFT_OPEN]}
    await platform.lineage.carry_out_all(grant, plan, higher, confirmed)
