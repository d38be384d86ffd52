"""Cases of all kinds in a few figures: what began and ended today, what is late and with whom. No resident is named."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kangshu.access import Grant, Nothing
from kangshu.api.platform import Platform
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import CITY_ZONE, instant
from kangshu.sdk import Resource
from kangshu.search import parse_query

_OPEN: Final = "draft,requested,received,accepted,ready,in-progress,on-hold"
_ENDED: Final = "completed,cancelled,rejected,failed"
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """`late_by_unit` counts by Organization id ("" where nobody has it), `late_by_kind` by case code.

    Where `more` is set, there are more late cases than were looked at: these counts are of the latest ones.
    """

    open: int
    started_today: int
    ended_today: int
    late: int
    late_by_unit: Mapping[str, int]
    late_by_kind: Mapping[str, int]
    longest: int
    """Civil days by which the latest one is late."""
    more: bool = False


async def case_figures(platform: Platform, grant: Grant, moment: datetime) -> CaseFigures | None:
    """Return the figures of the cases that `grant` may read; None where it may read none."""
    if isinstance(grant.may_read("Task"), Nothing) or not platform.cases.declarations:
        return None
    kinds = ",".join(f"{CASE_KIND}|{one.code}" for one in platform.cases.declarations)
    day = moment.astimezone(CITY_ZONE).date()

    async def count(*pairs: tuple[str, str]) -> int:
        return await platform.store.count(grant, parse_query("Task", [("code", kinds), *pairs]))

    late = [("status", _OPEN), ("deadline", f"lt{instant(moment)}")]
    asked = parse_query("Task", [("code", kinds), *late, ("_sort", "deadline"), ("_count", str(_MOST))])
    under_way, started, ended, page = await asyncio.gather(
        count(("status", _OPEN)),
        count(("authored-on", f"ge{day.isoformat()}")),
        count(("status", _ENDED), ("modified", f"ge{day.isoformat()}")),
        platform.store.search(grant, asked, None),
    )
    tasks: Sequence[Resource] = [one.resource for one in page.entries]
    total = await count(*late) if page.next else len(tasks)
    days = [(day - due.astimezone(CITY_ZONE).date()).days for one in tasks[:1] if (due := _due(one))]
    return CaseFigures(
        under_way,
        started,
        ended,
        total,
        dict(Counter(_owner(one) for one in tasks)),
        dict(Counter(_kind(one) for one in tasks)),
        max(days, default=0),
        bool(page.next),
    )


def _due(task: Resource) -> datetime | None:
    text = (task.get("restriction") or {}).get("period", {}).get("end", "")
    return datetime.fromisoformat(text) if "T" in text else None


def _owner(task: Resource) -> str:
    reference = str((task.get("owner") or {}).get("reference", ""))
    return reference.removeprefix("Organization/") if reference.startswith("Organization/") else ""


def _kind(task: Resource) -> str:
    codings = (task.get("code") or {}).get("coding", ())
    return next((str(one.get("code", "")) for one in codings if one.get("system") == CASE_KIND), "")
