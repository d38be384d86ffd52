"""修订记录: every revision of a plan with who, when and what in words; one opened read-only, one brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.base.faults import NotFound
from kangshu.base.whole_numbers import whole_number
from kangshu.web.pages.plan_document import shown
from kangshu.web.visit import Visit, texts

_ACTS: Final = {
    "accepted": "确认",
    "corrected": "更正",
    "split": "拆分",
    "merged": "合并",
    "added": "补充",
    "rejected": "剔除",
    "undo": "撤销",
    "restored": "恢复",
    "state": "状态变更",
    "entered": "补录",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One revision."""

    version: int
    current: bool
    who: str
    when: str
    act: str
    changes: Sequence[str]
    address: str


async def revisions(visit: Visit) -> Response:
    """List the revisions of a plan, the newest first (`?newest=` begins further down)."""
    words, id_ = visit.words, visit.path("id")
    found = await visit.platform.plans.history.revisions(visit.grant, id_, visit.number("newest", 0))
    address = f"/plans/{id_}/revisions"
    lines = []
    for row in found.rows:
        act = words(_ACTS.get(row.act, "修改"))
        if row.restores:
            act = words("{act}（回到第 {version} 版）", act=act, version=row.restores)
        told = [words.of(one) for one in row.changes] or [
            words("导入") if row.version == 1 else words("没有内容变动")
        ]
        lines.append(
            Line(
                row.version,
                row.version == found.plan.version,
                row.by,
                words.moment(row.on),
                "" if row.version == 1 else act,
                told,
                f"{address}/{row.version}",
            )
        )
    return visit.render(
        "plan_revisions.html",
        title=found.plan.title,
        address=f"/plans/{id_}",
        lines=lines,
        version=found.plan.version,
        older=f"{address}?newest={found.older}" if found.older else "",
        may_restore=visit.grant.may("plan.link"),
    )


async def revision(visit: Visit) -> Response:
    """Show the document as it was read in one version."""
    id_, version = visit.path("id"), _version(visit)
    history = visit.platform.plans.history
    plan = await history.at(visit.grant, id_, version)
    current = (await history.revisions(visit.grant, id_)).plan.version
    notice = visit.words(
        "这是第 {version} 版，仅供查看；现行为第 {current} 版。", version=version, current=current
    )
    may = visit.grant.may("plan.link") and version != current
    return shown(visit, plan, notice, f"/plans/{id_}/revisions/{version}/restore" if may else "", current)


async def restore(visit: Visit) -> Response:
    """Bring a version back as a new one."""
    id_, form = visit.path("id"), texts(await visit.form())
    seen = whole_number(form.get("seen", ""), 9) or 0
    await visit.platform.plans.history.restore(visit.grant, id_, _version(visit), seen=seen)
    return visit.go(f"/plans/{id_}/revisions", said="restored")


def _version(visit: Visit) -> int:
    version = whole_number(visit.path("version"), 9)
    if not version:
        raise NotFound("there is no such version", zh="没有这个版本")
    return version
