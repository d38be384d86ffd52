"""The demo city's projects: their files, milestones, preparatory steps, months of investment, owners and headquarters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from kangshu.sdk import DemoCity, Resource, code_system, evidence, record, structure
from kangshu_services.projects.demo_table import OWNERS, PROJECTS, DemoProject, stages_of

_STAGES = ("立项批复", "用地和规划许可", "施工许可", "主体结构封顶", "竣工验收", "投入运营")
_STEPS = (("initiation", 0), ("land-review", 2), ("planning", 4), ("environment", 5), ("construction", 8))
_AUTHORITIES = {"initiation": "development-reform", "land-review": "natural-resources", "planning": "natural-resources", "environment": "natural-resources", "construction": "housing"}  # fmt: skip


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the owners, then each project with all that stands on its file."""
    yield from _owners(city)
    for number, one in enumerate(PROJECTS, 1):
        yield _project(city, one, number)
        yield from _milestones(city, one)
        yield from _preparations(city, one)
        yield from _months(city, one)
    yield from _headquarters(city)
    yield from _papers(city)


def _owners(city: DemoCity) -> Iterator[Resource]:
    for key, (name, district) in OWNERS.items():
        yield {
            "resourceType": "Organization",
            "id": f"project-owner-{key}",
            "active": True,
            "type": [{"coding": [{"system": code_system("organisation-kind"), "code": "enterprise"}]}],
            "name": name,
            "extension": [{"url": structure("district"), "valueCode": district}],
        }


def _project(city: DemoCity, one: DemoProject, number: int) -> Resource:
    spot = city.position(one.place, one.id)
    start, end = stages_of(one, city.today)
    bank, own = one.investment * 0.45, one.investment * 0.4
    return _basic(
        "project",
        one.id,
        one.name,
        one.owner_of(city),
        {
            "record-class": ("Code", one.field),
            "record-state": ("Code", "registered"),
            "district": ("Code", one.place),
            "responsible-organisation": ("Reference", city.unit(one.unit).reference),
            "total-investment": ("Decimal", Decimal(one.investment)),
            "planned-start": ("Date", start.isoformat()),
            "planned-end": ("Date", end.isoformat()),
            "demonstration": ("Code", one.demonstration),
            **({"plan-milestone": ("String", one.milestone)} if one.milestone else {}),
            "nature": ("Code", "extension" if "扩建" in one.name or "迁建" in one.name else "new"),
            "content": ("String", one.content),
            "longitude": ("Decimal", spot["longitude"]),
            "latitude": ("Decimal", spot["latitude"]),
            "fund-local": ("Decimal", Decimal(round(one.investment - bank - own))),
            "fund-bank": ("Decimal", Decimal(round(bank))),
            "fund-own": ("Decimal", Decimal(round(own))),
            "land-status": ("Code", "supplied" if one.built else "planned"),
        },
        identifier=f"{city.today.year}-990100-{number:03d}",
    )


def _milestones(city: DemoCity, one: DemoProject) -> Iterator[Resource]:
    """Yield six milestones between the planned ends; what lies behind is reached unless the project lags."""
    if not one.built:
        return
    start, end = stages_of(one, city.today)
    span, draw = (end - start).days, Random(one.id)  # noqa: S311 - a made-up city, not a secret
    for place, name in enumerate(_STAGES):
        day = start + timedelta(days=span * (place * 2 - 3) // 8 if place < 2 else span * (place - 1) // 4)
        done = day + timedelta(days=draw.choice((-6, -2, 0, 0, 9)))
        held: dict[str, tuple[str, Any]] = {
            "record-of": ("Reference", {"reference": f"Basic/{one.id}", "display": one.name}),
            "record-day": ("Date", day.isoformat()),
        }
        lagging = one.late and day > city.today - timedelta(days=200)
        if done <= city.today and not lagging:
            held["done-on"] = ("Date", done.isoformat())
        yield _basic("project-milestone", f"{one.id}-m{place + 1}", name, one.owner_of(city), held)


def _preparations(city: DemoCity, one: DemoProject) -> Iterator[Resource]:
    if not one.built:
        return
    begin = stages_of(one, city.today)[0] - timedelta(days=260)
    for place, (step, month) in enumerate(_STEPS, 1):
        day = begin + timedelta(days=month * 30)
        held: dict[str, tuple[str, Any]] = {
            "record-of": ("Reference", {"reference": f"Basic/{one.id}", "display": one.name}),
            "record-class": ("Code", step),
            "record-day": ("Date", day.isoformat()),
        }
        if one.built != "preparing" or place < 3:
            held["done-on"] = ("Date", (day + timedelta(days=5)).isoformat())
            held["document-number"] = ("String", f"云审批〔{day.year}〕{place}{len(one.name):02d}号")
        yield _basic("project-preparation", f"{one.id}-p{place}", "", city.unit(_AUTHORITIES[step]).id, held)


def _months(city: DemoCity, one: DemoProject) -> Iterator[Resource]:
    """Yield what was invested month by month since the beginning, up to the month before last."""
    start, end = stages_of(one, city.today)
    if one.built not in ("under-construction", "in-operation"):
        return
    months = max(6, (end - start).days // 30)
    draw, total, here = Random(one.id), Decimal(0), start.replace(day=1)  # noqa: S311 - a made-up city
    last = (city.today.replace(day=1) - timedelta(days=1)).replace(day=1)
    for place in range(months):
        if here >= last:
            return
        planned = Decimal(round(one.investment / months))
        amount = Decimal(
            round(
                float(planned) * draw.uniform(0.55, 0.85)
                if one.late
                else float(planned) * draw.uniform(0.85, 1.12)
            )
        )
        total += amount
        held = {
            "record-of": ("Reference", {"reference": f"Basic/{one.id}", "display": one.name}),
            "record-day": ("Date", here.isoformat()),
            "month-investment": ("Decimal", amount),
            "month-planned": ("Decimal", planned),
            "invested": ("Decimal", total),
            "progress": ("Decimal", min(Decimal(100), Decimal(round((place + 1) * 100 / months)))),
            "note": ("String", "按计划推进。" if not one.late else "进度慢于计划，正在追赶。"),
        }
        yield _basic("project-progress", f"{one.id}-{here:%Y%m}", "", one.owner_of(city), held)
        here = (here + timedelta(days=32)).replace(day=1)


def _headquarters(city: DemoCity) -> Iterator[Resource]:
    for one in PROJECTS:
        if one.tier == "major":
            held = {
                "record-of": ("Reference", {"reference": f"Basic/{one.id}", "display": one.name}),
                "record-day": ("Date", f"{city.today.year}-02-10"),
                "commander": ("String", "林知远（分管副市长）"),
                "deputy": ("String", "沈若溪（发展改革委）"),
                "contact-name": ("String", "韩书远"),
            }
            name = f"{one.name}项目指挥部"
            yield _basic("project-headquarters", f"{one.id}-hq", name, city.unit(one.unit).id, held)


def _papers(city: DemoCity) -> Iterator[Resource]:
    """Yield one paper per owner and one of the office, which stand for the evidence that moves ask for."""
    owners = dict.fromkeys(one.owner_of(city) for one in PROJECTS)
    for owner in (*owners, city.unit("development-reform").id):
        yield evidence(f"project-paper-{owner}", owner, "项目证明材料")


def _basic(
    kind: str, id_: str, name: str, owner: str, held: dict[str, tuple[str, Any]], *, identifier: str = ""
) -> Resource:
    figures = ((url, *value) for url, value in held.items())
    resource = record(kind, id_, figures, name=name, subject=f"Organization/{owner}")
    if identifier:
        resource["identifier"] = [{"system": "http://kangshu.org/fhir/sid/project", "value": identifier}]
    return resource
