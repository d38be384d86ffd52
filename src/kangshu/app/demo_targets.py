"""What the demo city's units and its statistics office have said of the plan's targets, entered as they would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from typing import Any

import yaml

from kangshu.access import Grant
from kangshu.api import Platform
from kangshu.base.clock import quarter_ends
from kangshu.plans import PlanView, ReportedValue, TargetView
from kangshu.sdk import DemoCity

_SCENE = "demo_targets.yaml"


async def tell_targets(platform: Platform, city: DemoCity, plan_id: str) -> None:
    """Enter what is known of the targets that no measure of the demo city proves."""
    told = _Teller(platform, city, await _plan(platform, plan_id))
    scene: dict[str, Any] = yaml.safe_load(files(__package__).joinpath(_SCENE).read_text("utf-8"))
    await told.decide(scene)
    await told.report(scene)
    await told.release(scene["released"])


async def _plan(platform: Platform, plan_id: str) -> PlanView:
    return await platform.plans.plan(await platform.accounts.open_grant("plan"), plan_id)


class _Teller:
    """The accounts of the demo city at work on one plan."""

    def __init__(self, platform: Platform, city: DemoCity, plan: PlanView) -> None:
        self._plans = platform.plans
        self._open = platform.accounts.open_grant
        self._city = city
        self._plan = plan

    def _named(self, entry: dict[str, Any]) -> Iterator[TargetView]:
        """Yield the targets that an entry speaks of."""
        for one in self._plan.targets:
            if entry["indicator"] in one.indicator and entry.get("unit", one.unit) == one.unit:
                yield one

    async def decide(self, scene: dict[str, Any]) -> None:
        """Say where values come from, where targets started, what they pass on the way, and who brings how much."""
        office, plan = await self._open("plan"), self._plan.id
        for entry in scene["decided"]:
            chosen = [one.id for name in entry["indicators"] for one in self._named({"indicator": name})]
            await self._plans.targets.decide(office, plan, chosen, entry["kind"], entry["note"])
        for entry in scene["baselines"]:
            for one in self._named(entry):
                await self._plans.set_baseline(
                    office, plan, one.id, Decimal(str(entry["value"])), scene["base_day"], entry["source"]
                )
        for entry in scene["milestones"]:
            for one in self._named(entry):
                if one.due.isdigit() and int(one.due) > entry["year"]:
                    await self._plans.targets.set_milestone(
                        office, plan, one.id, entry["year"], Decimal(str(entry["value"])), entry["source"]
                    )
        for entry in scene["quotas"]:
            for one in self._named(entry):
                await self._plans.targets.set_quotas(office, plan, one.id, self._even(one), entry["source"])

    def _even(self, target: TargetView) -> dict[str, Decimal]:
        """Return the target's figure split evenly, the rest with the first district."""
        codes = sorted({one.code for one in self._city.districts})
        total = target.value if isinstance(target.value, Decimal) else Decimal(0)
        share = total // len(codes)
        return {code: share + (total - share * len(codes) if code == codes[0] else 0) for code in codes}

    async def report(self, scene: dict[str, Any]) -> None:
        """Report by quarter, let the statistician publish, correct one, leave one waiting, send one back."""
        judge = await self._open("statistics")
        sent: dict[str, list[ReportedValue]] = {}
        for entry in scene["reported"]:
            for one in self._named(entry):
                for day, value in zip(self._quarters(len(entry["values"])), entry["values"], strict=True):
                    made = await self._send(entry, one, value, day)
                    sent.setdefault(one.id, []).append(await self._plans.review(judge, made.id, True))
        for entry in scene["corrected"]:
            for one in self._named(entry):
                old = sent[one.id][-1 - entry["back"]]
                made = await self._send(entry, one, entry["value"], old.day, corrects=old.id)
                await self._plans.review(judge, made.id, True, "属实，已更正")
        for entry in scene["returned"]:
            for one in self._named(entry):
                made = await self._send(entry, one, entry["value"], self._city.today - timedelta(days=3))
                await self._plans.review(judge, made.id, False, entry["comment"])
        for entry in scene["waiting"]:
            for one in self._named(entry):
                await self._send(entry, one, entry["value"], self._city.today - timedelta(days=1))

    def _quarters(self, count: int) -> Sequence[date]:
        """Return the last `count` quarter ends."""
        return [day for day in quarter_ends(self._city.today, count + 1) if day < self._city.today][-count:]

    async def _send(
        self, entry: dict[str, Any], target: TargetView, value: object, day: date, corrects: str = ""
    ) -> ReportedValue:
        unit: Grant = await self._open(entry["by"])
        return await self._plans.report(
            unit,
            self._plan.id,
            target.id,
            Decimal(str(value)),
            day,
            entry["evidence"],
            corrects=corrects,
            reason=entry.get("reason", ""),
        )

    async def release(self, entries: Sequence[dict[str, Any]]) -> None:
        """Enter the yearly figures of the statistical bulletins; the newest year's first as preliminary."""
        judge = await self._open("statistics")
        for entry in entries:
            years = sorted(year for year in entry["values"] if year < self._city.today.year)
            for one in self._named(entry):
                for year, later in pairwise([*years, years[-1] + 1]):
                    await self._plans.targets.enter_statistics(
                        judge,
                        self._plan.id,
                        one.id,
                        Decimal(str(entry["values"][year])),
                        date(year, 12, 31),
                        bulletin=entry["bulletin"].format(year=year),
                        released=date(later, 3, 20),
                        kind=entry["kind"],
                    )
