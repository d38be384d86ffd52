"""Views and measures of all folders together, compiled as the engine will: against empty views, with no data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kangshu.base.faults import Fault, Issue
from kangshu.measures import (
    Views,
    lint_dimensions,
    lint_extracts,
    lint_lists,
    lint_measures,
    lint_views,
)
from kangshu.sdk import MeasureDeclaration, ViewDeclaration
from kangshu.services.draft import Draft
from kangshu.services.findings import Finding


def compiled(drafts: Sequence[Draft]) -> Iterator[Finding]:
    """Yield what is wrong with views and measures, at the line of the key or of the SQL.

    A view that does not compile is not there for measures: theirs is a finding too.
    """
    good: dict[str, ViewDeclaration] = {}
    for draft in drafts:
        for view in draft.views:
            yield from (_finding(draft, view, issue) for issue in lint_views((view,)))
            if _compiles(view):
                good.setdefault(view.name, view)
    views = Views(good.values())
    homes: dict[str, tuple[Draft, MeasureDeclaration]] = {}
    for draft in drafts:
        for measure in draft.measures:
            homes.setdefault(measure.id, (draft, measure))
    parameters = [one for draft in drafts for one in draft.parameters]
    measures = [measure for _, measure in homes.values()]
    for issue in lint_measures(measures, views, parameters):
        draft, measure = homes[issue.expression[0]]
        yield _finding(draft, measure, issue)
    splits = {one.id: (draft, one) for draft in drafts for one in draft.dimensions}
    for issue in lint_dimensions([one for _, one in splits.values()], views):
        home, split = splits[issue.expression[0]]
        yield _finding(home, split, issue)
    sources = {one.id: (draft, one) for draft in drafts for one in draft.extracts}
    extracts = [extract for _, extract in sources.values()]
    for issue in lint_extracts(extracts, views, parameters):
        draft, extract = sources[issue.expression[0]]
        yield _finding(draft, extract, issue)
    for draft in drafts:
        if draft.lists:
            lists = {one.id: one for one in draft.lists}
            for issue in lint_lists(draft.lists, views, parameters):
                yield _finding(draft, lists[issue.expression[0]], issue)


def _compiles(view: ViewDeclaration) -> bool:
    try:
        return bool(Views((view,)))
    except Fault:  # told by lint_views
        return False


def _finding(draft: Draft, declaration: object, issue: Issue) -> Finding:
    _, part, *line = issue.expression
    return draft.places.finding(
        declaration, issue.text, issue.zh, part=part, line=int(line[0]) if line else 0
    )
