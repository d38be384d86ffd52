"""The demonstration: an invented city, a sample plan, accounts for every role; all of it marked 演示数据."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files

import yaml

from kangshu.access import Grant, system_grant
from kangshu.accounts import SECOND_FACTOR, Account
from kangshu.api import Platform, enter_parameter
from kangshu.app.demo_accounts import CITY_CODE, DemoAccount, demo_identity, keep_accounts
from kangshu.app.demo_duties import list_duties
from kangshu.app.demo_governance import make_last_year, make_this_year
from kangshu.app.demo_province import place_under_province
from kangshu.app.demo_review import confirm_reading
from kangshu.app.demo_targets import tell_targets
from kangshu.app.demo_warnings import raise_warnings
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place, all_measures, city_services, keyed_views, open_platform
from kangshu.base.clock import now, today
from kangshu.base.faults import Conflict
from kangshu.measures import ViewKeeper
from kangshu.plans import sample_plan, snapshot_values
from kangshu.sdk import AccountDeclaration, DemoCity, Resource, extension_value
from kangshu.services import draw_city, make_city, run_cases

Progress = Callable[[str, str, int, int], None]
"""(what is being done in English, in Chinese, done, of how many; 0 where it is not known)."""

SEED = 20260101
DONE = "demo.made"
"""The setting of the database that says that the demonstration is whole."""


async def make_demo(
    installation: Installation, url: str, *, residents: int, years: int, progress: Progress
) -> None:
    """Fill an empty database with the demo city; do nothing where it stands already.

    Raises Conflict where the database holds anything else: another's records, or a demonstration that was cut off.
    """
    place = Place(installation.folder, installation.views, installation.identity() or demo_identity())
    async with open_platform(url, place) as platform:
        if await platform.store.get_setting(DONE):
            installation.unfinished.unlink(missing_ok=True)
            return
        if await platform.store.feed_position():
            raise Conflict(
                "the database holds records, and no whole demonstration: give an empty database (dropdb, createdb), "
                "or, with the embedded one, start with --reset",
                zh="数据库中已有数据，且不是完整的演示城市：请换用空库（dropdb、createdb）；内置数据库请加 --reset",
            )
        installation.unfinished.write_bytes(b"")
        await _make(platform, place, installation, residents, years, progress)
        installation.unfinished.unlink(missing_ok=True)


async def _make(
    platform: Platform,
    place: Place,
    installation: Installation,
    residents: int,
    years: int,
    progress: Progress,
) -> None:
    system = system_grant("演示城市 demo city")
    day = today()
    city = draw_city(residents, years, SEED, day)
    await _load(platform, system, city, residents, years, day, progress)
    await _make_accounts(platform, system, installation, city, progress)
    await _refresh(platform, place, progress)
    await _import_sample(platform, city, progress)
    await _refresh(platform, place, progress)
    await raise_warnings(platform)
    await platform.store.put_setting(DONE, {"residents": residents, "years": years, "day": day.isoformat()})


async def _load(
    platform: Platform,
    system: Grant,
    city: DemoCity,
    residents: int,
    years: int,
    day: date,
    progress: Progress,
) -> None:
    expected = 4800 + residents * 12 * (1 + years) // 5  # a guess for the bar, from cities of 100 to 5,000
    title = ("Making and loading records", "生成并装载业务记录")
    progress(*title, 0, expected)

    def counted() -> Iterator[Resource]:
        yield from make_city(residents, years, SEED, city_services(), day)

    total = await platform.store.bulk_load(
        system, counted(), lambda done: progress(*title, done, max(done, expected))
    )
    progress(*title, total, total)


async def _make_accounts(
    platform: Platform, system: Grant, installation: Installation, city: DemoCity, progress: Progress
) -> None:
    await _ask_no_second_factor(platform, system)
    declared = [*_shipped_accounts(), *(one for service in platform.services for one in service.accounts)]
    made: list[DemoAccount] = []
    title = ("Making accounts", "建立演示账号")
    for number, one in enumerate(declared, 1):
        progress(*title, number, len(declared))
        patient = await _patient(platform, system, city, one.patient)
        if one.patient and not patient:
            continue
        account = Account(
            name=one.name,
            display=one.display,
            roles=one.roles,
            organisation=city.of_kind(one.kind)[0].id if one.kind else one.organisation,
            practitioner=one.practitioner,
            patient=patient,
            district=one.district,
        )
        new = await platform.accounts.create_account(system, account)
        made.append(DemoAccount(account.name, account.display, new.password))
    await _appoint_deputy(platform, system)
    keep_accounts(installation, made)


def _shipped_accounts() -> Iterator[AccountDeclaration]:
    text = (files("kangshu.app") / "demo_accounts.yaml").read_text("utf-8")
    for one in yaml.safe_load(text):
        yield AccountDeclaration(**{**one, "roles": tuple(one["roles"])})


async def _appoint_deputy(platform: Platform, system: Grant) -> None:
    """Let the statistician act for the plan office for a week: who signs in sees the switch at the top right."""
    post = (await platform.accounts.posts.posts(system, "plan"))[0]
    await platform.accounts.posts.name_stand_in(system, post.id, "statistics")
    start = now()
    await platform.accounts.deputies.appoint(
        system, post.id, "statistics", start, start + timedelta(days=7), "外出培训（演示）"
    )


async def _ask_no_second_factor(platform: Platform, system: Grant) -> None:
    """Let the demo's administrators in with a password alone, by a dated parameter that everybody can see."""
    declared = platform.parameters.versions(SECOND_FACTOR)[0]
    await enter_parameter(
        platform,
        system,
        replace(
            declared,
            value="none",
            jurisdiction=CITY_CODE,
            valid_from=today(),
            source="演示系统为便于试用而关闭；正式实例不得关闭",
            verified=True,
        ),
    )


async def _patient(platform: Platform, system: Grant, city: DemoCity, which: str) -> str:
    """Return the resident whose account it is: the first older one, or the first who acts for another; "" for none."""
    if which == "first-elder":
        return next(city.elders(68)).id
    if not which:
        return ""
    found = await platform.store.search_all(system, "RelatedPerson", "representative:missing=false")
    acting = sorted(
        ((str(one["id"]), extension_value(one, "representative")) for one in found), key=lambda pair: pair[0]
    )
    return str(acting[0][1]["reference"]).removeprefix("Patient/") if acting else ""


async def _refresh(platform: Platform, place: Place, progress: Progress) -> None:
    title = ("Computing measures", "计算指标")
    progress(*title, 0, 1)
    await ViewKeeper(platform.store, place.views, await keyed_views(platform)).refresh()
    progress(*title, 1, 1)


async def _import_sample(platform: Platform, city: DemoCity, progress: Progress) -> None:
    """Import the sample plan as the plan office would and confirm its links; then run every case of the city."""
    title = ("Sample plan and cases", "示例规划与办件")
    progress(*title, 0, 4)
    grant = await platform.accounts.open_grant("plan")
    name, data = sample_plan("docx")
    imported = await platform.plans.import_plan(grant, data, name, demo=True)
    progress(*title, 1, 4)
    await platform.plans.link_all(grant, imported.plan)
    await platform.plans.baselines_from_measures(grant, imported.plan, city.first_day.year)
    await tell_targets(platform, city, imported.plan)
    await list_duties(platform, grant, city, imported.plan)
    await place_under_province(platform, imported.plan)
    await confirm_reading(platform, grant, imported.plan)
    await make_last_year(platform, city, imported.plan)
    progress(*title, 2, 4)
    ran = await run_cases(
        platform.store,
        platform.services,
        platform.parameters,
        city,
        plan=imported.plan,
        measures=all_measures(platform.services),
        values=snapshot_values(platform.snapshot, platform.parameters, CITY_CODE),
    )
    if ran.faults:
        number = len(ran.faults)
        progress(f"{number} demo cases could not be run", f"{number} 个演示事项未能办理", 0, number)
    progress(*title, 3, 4)
    await make_this_year(platform, city, imported.plan)
    await _publish(platform, imported.plan)
    progress(*title, 4, 4)


async def _publish(platform: Platform, plan: str) -> None:
    """Freeze the plan as it stands now and show it to everybody: the plan office asks, the leader approves."""
    office, leader = [await platform.accounts.open_grant(name) for name in ("plan", "leader")]
    frozen = await platform.snapshots.freeze(office, [plan], "近期进展快照")
    asked = await platform.publications.ask(office, frozen.id)
    await platform.publications.decide(leader, asked.id, True)
