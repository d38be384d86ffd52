"""The demonstration: an invented city, a sample plan, accounts for every role; all of it marked 演示数据."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kangshu.access import Grant, system_grant
from kangshu.accounts import Account
from kangshu.api import Platform
from kangshu.app.installation import Identity, Installation
from kangshu.app.wiring import Place, all_views, city_services, open_platform
from kangshu.base.clock import today
from kangshu.measures import ViewKeeper
from kangshu.plans import sample_plan
from kangshu.sdk import DemoCity, Resource
from kangshu.services import CITY_CODE, CITY_NAME, draw_city, make_city, run_cases

Progress = Callable[[str, int, int], None]
"""(what is being done in Chinese and English, done, of how many; 0 where it is not known)."""

SEED = 20260101
DONE = "demo.made"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """An account to sign in with."""

    name: str
    display: str
    password: str


def demo_identity() -> Identity:
    """Return what a demonstration says of itself."""
    return Identity("", f"{CITY_NAME}大健康", "Yunxi City", CITY_CODE, demo=True)


def kept_accounts(installation: Installation) -> list[DemoAccount]:
    """Return the accounts of an installation that was made before."""
    path = _accounts_file(installation)
    if not path.exists():
        return []
    return [DemoAccount(**one) for one in json.loads(path.read_text("utf-8"))]


async def make_demo(
    installation: Installation, url: str, *, residents: int, years: int, progress: Progress
) -> None:
    """Fill an empty installation with the demo city; do nothing where it stands already."""
    place = Place(installation.folder, installation.views, installation.identity() or demo_identity())
    async with open_platform(url, place) as platform:
        if await platform.store.get_setting(DONE):
            return
        system = system_grant("演示城市 demo city")
        day = today()
        city = draw_city(residents, years, SEED, day)
        await _load(platform, system, city, residents, years, day, progress)
        await _make_accounts(platform, system, installation, city, progress)
        await _refresh(platform, place, progress)
        await _import_sample(platform, city, progress)
        await _refresh(platform, place, progress)
        await platform.store.put_setting(
            DONE, {"residents": residents, "years": years, "day": day.isoformat()}
        )


async def _load(
    platform: Platform,
    system: Grant,
    city: DemoCity,
    residents: int,
    years: int,
    day: date,
    progress: Progress,
) -> None:
    expected = residents * 16
    title = "生成并装载居民、机构与业务记录 Making and loading records"
    progress(title, 0, expected)

    def counted() -> Iterator[Resource]:
        yield from make_city(residents, years, SEED, city_services(), day)

    total = await platform.store.bulk_load(
        system, counted(), lambda done: progress(title, done, max(done, expected))
    )
    progress(title, total, total)


async def _make_accounts(
    platform: Platform, system: Grant, installation: Installation, city: DemoCity, progress: Progress
) -> None:
    declared = yaml.safe_load((files("kangshu.app") / "demo_accounts.yaml").read_text("utf-8"))
    made: list[dict[str, str]] = []
    title = "建立演示账号 Making accounts"
    for number, one in enumerate(declared, 1):
        progress(title, number, len(declared))
        account = Account(
            name=one["name"],
            display=one["display"],
            roles=tuple(one["roles"]),
            organisation=_organisation(city, one),
            patient=_resident(city) if one.get("patient") else "",
            district=one.get("district", ""),
        )
        new = await platform.accounts.create_account(system, account)
        made.append({"name": account.name, "display": account.display, "password": new.password})
    path = _accounts_file(installation)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=False, indent=1)


def _organisation(city: DemoCity, declared: dict[str, Any]) -> str:
    if kind := declared.get("kind"):
        return city.of_kind(kind)[0].id
    return str(declared.get("organisation", ""))


def _resident(city: DemoCity) -> str:
    return next(city.elders(68)).id


async def _refresh(platform: Platform, place: Place, progress: Progress) -> None:
    title = "计算指标 Computing measures"
    progress(title, 0, 1)
    await ViewKeeper(platform.store, place.views, all_views(platform.services)).refresh()
    progress(title, 1, 1)


async def _import_sample(platform: Platform, city: DemoCity, progress: Progress) -> None:
    """Import the sample plan as the plan office would and confirm its links; then run every case of the city."""
    title = "导入示例规划、办理演示事项 Importing the sample plan, running cases"
    progress(title, 0, 4)
    grant = await platform.accounts.open_grant("plan")
    name, data = sample_plan("docx")
    imported = await platform.plans.import_plan(grant, data, name, demo=True)
    progress(title, 1, 4)
    await platform.plans.link_all(grant, imported.plan)
    await platform.plans.baselines_from_measures(grant, imported.plan, city.first_day.year)
    progress(title, 2, 4)
    ran = await run_cases(platform.store, platform.services, platform.parameters, city, plan=imported.plan)
    if ran.faults:
        progress(f"{len(ran.faults)} 个演示事项未能办理 Some demo cases could not be run", 3, 4)
    progress(title, 4, 4)


def _accounts_file(installation: Installation) -> Path:
    return installation.folder / "secrets" / "demo-accounts.json"


def make_demo_now(
    installation: Installation, url: str, *, residents: int, years: int, progress: Progress
) -> None:
    """Run `make_demo` to its end."""
    asyncio.run(make_demo(installation, url, residents=residents, years=years, progress=progress))
