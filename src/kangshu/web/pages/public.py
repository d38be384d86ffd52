"""规划公开: what each published plan promises and where it stands, for everybody, without sign-in, cookies or scripts.

Only publications are read, which hold nothing but what two people have let out (kangshu.plans.publishing).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from kangshu.base.faults import NotFound
from kangshu.base.text import Text
from kangshu.documents import square_code, write_csv
from kangshu.web.pages.plans import LIGHT_WORDS
from kangshu.web.render import asset
from kangshu.web.visit import Visit

_KEEP: Final = "public, max-age=300"
_KEEP_A_DAY: Final = "public, max-age=86400"
_PROGRESS: Final = {"done": "已办结", "under-way": "办理中", "not-begun": "尚未启动"}
_PROGRESS_TONES: Final = {"done": "green", "under-way": "blue", "not-begun": ""}
_SOURCES: Final = {
    "measure": "系统按业务记录计算",
    "reported": "责任单位填报并经审核",
    "statistics": "统计部门数据",
    "": "—",
}
_LIGHTS: Final = ("green", "amber", "red", "grey")
_STATES: Final = {
    "in-force": "执行中", "expired": "到期", "final-evaluation": "终期评估", "repealed": "废止",
}  # fmt: skip
_ROBOTS: Final = "User-agent: *\nAllow: /public\nAllow: /assets\nDisallow: /\n"


class Published(Protocol):
    """A publication, as far as these pages read it."""

    @property
    def number(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def demo(self) -> bool: ...
    @property
    def plans(self) -> tuple[tuple[str, str], ...]: ...


@dataclass(frozen=True, slots=True)
class TargetCard:
    """One target: what is promised, what is, its light in words, since when and from where."""

    id: str
    indicator: str
    asked: str
    due: str
    actual: str
    tone: str
    light: str
    as_of: str
    source: str


@dataclass(frozen=True, slots=True)
class ClauseCard:
    """One clause of the plan with its units, its targets and how far its work is."""

    id: str
    text: str
    leads: str
    partners: str
    progress: str
    progress_tone: str
    targets: list[TargetCard]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter: its own targets, then its clauses."""

    id: str
    title: str
    targets: list[TargetCard]
    clauses: list[ClauseCard]


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One plan in the list: where its newest publication is, and the older ones."""

    title: str
    address: str
    day: str
    state: str
    lights: list[tuple[str, str, int]]
    older: list[tuple[str, str]]


async def index(visit: Visit) -> Response:
    """Show the plans that are public."""
    publications = visit.platform.publications
    newest: dict[str, PlanLine] = {}
    tag = []
    for one in await publications.published():
        tag.append(one.sha256[:12])
        for plan, _ in one.plans:
            address = f"/public/plans/{plan}/{one.slug}"
            if plan in newest:
                newest[plan].older.append((one.number, address))
                continue
            _, content, part = await publications.public_plan(plan, one.slug)
            newest[plan] = PlanLine(
                part["title"],
                address,
                content["snapshot"]["day"],
                visit.words(_STATES.get(part["state"], "执行中")),
                _lights(visit, part["targets"]),
                [],
            )
    return _kept(visit, _KEEP, "-".join(tag), "public.html", plans=list(newest.values()))


async def latest(visit: Visit) -> Response:
    """Lead to the newest publication of a plan; the address of one publication never changes."""
    plan = visit.path("plan")
    publication, _, _ = await visit.platform.publications.public_plan(plan)
    answer = RedirectResponse(visit.localised(f"/public/plans/{plan}/{publication.slug}"), status_code=307)
    answer.headers["Cache-Control"] = _KEEP
    return answer


async def plan(visit: Visit) -> Response:
    """Show a plan as it was published: chapter by chapter its clauses, who answers for them, the targets."""
    publication, content, part = await visit.platform.publications.public_plan(
        visit.path("plan"), visit.path("number")
    )
    return _kept(
        visit,
        _KEEP,
        publication.sha256[:24],
        "public_plan.html",
        **shown(visit, content, part, publication.slug),
    )


async def data(visit: Visit) -> Response:
    """Hand out the same as open data, csv or json, with its licence."""
    publication, content, part = await visit.platform.publications.public_plan(
        visit.path("plan"), visit.path("number")
    )
    form = visit.path("form")
    if form == "json":
        alone = {**content, "plans": [part]}
        answer = visit.download(
            json.dumps(alone, ensure_ascii=False, indent=1, sort_keys=True).encode(),
            f"{part['title']}_{publication.number}.json",
            "application/json",
        )
    elif form == "csv":
        answer = visit.download(
            write_csv(_rows(visit, content, part)),
            f"{part['title']}_{publication.number}.csv",
            "text/csv; charset=utf-8",
        )
    else:
        raise NotFound("open data are csv or json", zh="开放数据格式为csv或json")
    answer.headers["Cache-Control"] = _KEEP
    return answer


async def robots(visit: Visit) -> Response:
    """Tell search engines that the public pages alone are theirs to read."""
    return PlainTextResponse(_ROBOTS, headers={"Cache-Control": _KEEP_A_DAY})


async def preview(visit: Visit) -> Response:
    """Show who asks or decides what everybody would see of a snapshot; nothing is public by it."""
    publications = visit.platform.publications
    id_ = visit.path("id")
    waiting = [one for one in await publications.publications(visit.grant, id_) if one.state == "asked"]
    content = (
        await publications.content(visit.grant, waiting[0].id)
        if waiting
        else await publications.preview(visit.grant, id_)
    )
    chosen = visit.query("plan")
    part = next((one for one in content["plans"] if one["id"] == chosen), content["plans"][0])
    pages = [(one["title"], f"/snapshots/{id_}/public?plan={one['id']}") for one in content["plans"]]
    return visit.render(
        "public_plan.html", **shown(visit, content, part, "", back=f"/snapshots/{id_}", others=pages)
    )


def shown(
    visit: Visit,
    content: Mapping[str, Any],
    part: Mapping[str, Any],
    slug: str,
    *,
    back: str = "",
    others: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Return what the page of a plan shows; without `slug` it is a preview, to which no code and no file belong."""
    address = f"/public/plans/{part['id']}/{slug}" if slug else ""
    base = visit.platform.settings.public_url.rstrip("/") or str(visit.request.base_url).rstrip("/")
    whole = [one for one in part["targets"] if not one["clause"] and not one["chapter"]]
    return {
        "title": part["title"],
        "state": visit.words(_STATES.get(part["state"], "执行中")),
        "number": content["snapshot"]["number"],
        "day": content["snapshot"]["day"],
        "licence": content["licence"],
        "demo": part["demo"],
        "lights": _lights(visit, part["targets"]),
        "progress": _progress(visit, part["clauses"]),
        "whole": [_target(visit, one) for one in whole],
        "chapters": [one for one in (_chapter(visit, chapter, part) for chapter in part["chapters"]) if one],
        "address": address,
        "link": base + address if address else "",
        "code": square_code(base + address, 4) if address else "",
        "back": back,
        "others": others if len(others) > 1 else (),
        "hidden": any(one["suppressed"] for one in part["targets"]),
    }


def _kept(visit: Visit, keep: str, tag: str, name: str, **values: Any) -> Response:
    """Return a page that caches may keep; a browser that has it already gets 304."""
    mark = f'"{tag}-{visit.words.language}-{asset("public.css")[-6:]}"'
    headers = {"Cache-Control": keep, "ETag": mark}
    if visit.request.headers.get("if-none-match") == mark:
        return Response(status_code=304, headers=headers)
    answer = visit.render(name, **values)
    answer.headers.update(headers)
    return answer


def _lights(visit: Visit, targets: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    counted = Counter(one["light"] for one in targets)
    return [(light, visit.words(LIGHT_WORDS[light]), counted.get(light, 0)) for light in _LIGHTS]


def _progress(visit: Visit, clauses: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many clauses are done, under way, not begun; a word that counts none is left out."""
    counted = Counter(one["progress"] for one in clauses)
    return {visit.words(word): counted[state] for state, word in _PROGRESS.items() if counted[state]}


def _chapter(visit: Visit, chapter: Mapping[str, Any], part: Mapping[str, Any]) -> Chapter | None:
    own = [one for one in part["targets"] if one["chapter"] == chapter["id"]]
    clauses = [one for one in part["clauses"] if one["chapter"] == chapter["id"]]
    if not own and not clauses:
        return None
    return Chapter(
        chapter["id"],
        chapter["title"],
        [_target(visit, one) for one in own if not one["clause"]],
        [_clause(visit, one, [target for target in own if target["clause"] == one["id"]]) for one in clauses],
    )


def _clause(visit: Visit, clause: Mapping[str, Any], targets: Sequence[Mapping[str, Any]]) -> ClauseCard:
    between = "、" if visit.words.language == "zh" else ", "
    return ClauseCard(
        clause["id"],
        clause["text"],
        between.join(clause["lead"]),
        between.join(clause["cooperating"]),
        visit.words(_PROGRESS[clause["progress"]]),
        _PROGRESS_TONES[clause["progress"]],
        [_target(visit, one) for one in targets],
    )


def _target(visit: Visit, one: Mapping[str, Any]) -> TargetCard:
    words = visit.words
    actual = (
        words("已抑制")
        if one["suppressed"]
        else "—"
        if one["actual"] is None
        else f"{one['actual']}{one['actual_unit']}"
    )
    return TargetCard(
        one["id"],
        one["indicator"],
        one["asked"],
        words("{year} 年底前", year=one["due"]) if one["due"] else words("期限未公布"),
        actual,
        one["light"],
        words.of(Text(one["word"]["zh"], one["word"]["en"])),
        one["as_of"] or "—",
        words(_SOURCES.get(one["source"], "—")),
    )


def _rows(visit: Visit, content: Mapping[str, Any], part: Mapping[str, Any]) -> list[list[str]]:
    """Return the open data: a line per target, and per clause without one; headings and words in the visit's language."""
    words = visit.words
    chapters = {one["id"]: one["title"] for one in part["chapters"]}
    clauses = {one["id"]: one for one in part["clauses"]}
    head = [
        "规划", "章节", "条款编号", "任务", "牵头单位", "配合单位", "办理情况", "目标编号", "指标", "目标值", "期限", "当前值", "单位",
        "灯", "数据截至", "数据来源", "快照编号", "快照日期", "许可",
    ]  # fmt: skip
    tail = [content["snapshot"]["number"], content["snapshot"]["day"], content["licence"]]

    def of_clause(clause: Mapping[str, Any] | None) -> list[str]:
        if clause is None:
            return [""] * 5
        units = ["、".join(clause[role]) for role in ("lead", "cooperating")]
        return [clause["id"], clause["text"], *units, words(_PROGRESS[clause["progress"]])]

    rows = [[words(one) for one in head]]
    for target in part["targets"]:
        card = _target(visit, target)
        rows.append(
            [
                part["title"], chapters.get(target["chapter"], ""), *of_clause(clauses.get(target["clause"])), card.id,
                card.indicator, card.asked, target["due"], words("已抑制") if target["suppressed"] else target["actual"] or "",
                target["actual_unit"], card.light, target["as_of"], card.source, *tail,
            ]
        )  # fmt: skip
    with_targets = {one["clause"] for one in part["targets"]}
    rows += [
        [part["title"], chapters.get(one["chapter"], ""), *of_clause(one), *[""] * 9, *tail]
        for id_, one in clauses.items()
        if id_ not in with_targets
    ]
    return rows
