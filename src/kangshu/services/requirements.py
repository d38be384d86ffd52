"""What a folder counts with the views of another (`requires`): said in its manifest, left out where the other is gone.

Deleting a folder leaves the others working: measures, lists and extracts that read a view of the folder that is gone
are left out with a warning, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kangshu.sdk import ExtractDeclaration, ListDeclaration, MeasureDeclaration
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding

_Counting = MeasureDeclaration | ListDeclaration | ExtractDeclaration


def standing(drafts: Sequence[Draft]) -> tuple[tuple[Draft, ...], tuple[Finding, ...]]:
    """Return the drafts without what counts with views of a required folder that is not there, and a warning for each."""
    ids = {one.id for one in drafts}
    views = {view.name for one in drafts for view in one.views}
    kept, told = [], []
    for draft in drafts:
        gone = [one for one in draft.requires if one not in ids]
        if not gone:
            kept.append(draft)
            continue
        lacking = [one for one in _counting(draft) if set(one.views) - views]
        for one in lacking:
            finding = draft.places.finding(
                one,
                f"'{one.id}' is left out: it counts with views of {', '.join(gone)}, which is not there",
                f"“{one.title.zh}”未启用：所依赖的服务 {'、'.join(gone)} 不存在",
            )
            told.append(replace(finding, severity="warning"))
        out = {id(one) for one in lacking}
        kept.append(
            replace(
                draft,
                measures=tuple(one for one in draft.measures if id(one) not in out),
                lists=tuple(one for one in draft.lists if id(one) not in out),
                extracts=tuple(one for one in draft.extracts if id(one) not in out),
                left_out=frozenset(one.id for one in lacking),
            )
        )
    return tuple(kept), tuple(told)


def check_requirements(drafts: Sequence[Draft]) -> Iterator[Finding]:
    """Yield a finding for each view of another folder that is read without saying so."""
    owner = {view.name: one.id for one in drafts for view in one.views}
    for draft in drafts:
        for one in _counting(draft):
            if not isinstance(one, ExtractDeclaration) and one.over:
                continue  # what is over all rules takes those that are there
            others = {owner[name] for name in one.views if owner.get(name, draft.id) != draft.id}
            for other in sorted(others - set(draft.requires)):
                yield draft.places.finding(
                    one,
                    f"'{one.id}' reads a view of '{other}': service.yaml says 'requires: [{other}]'",
                    f"“{one.title.zh}”使用了服务“{other}”的视图：须在 service.yaml 中写明 requires: [{other}]",
                )


def _counting(draft: Draft) -> Iterable[_Counting]:
    return (*draft.measures, *draft.lists, *draft.extracts)
