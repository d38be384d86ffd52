"""Names that all folders of an installation share: each stands once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kangshu.services.draft import Draft
from kangshu.services.findings import Finding


def declared_once(drafts: Sequence[Draft]) -> Iterator[Finding]:
    """Yield a finding for each name that stands twice: services, views, measures, a parameter's place and start."""
    seen: set[tuple[object, ...]] = set()
    for draft in drafts:
        named: list[tuple[object, tuple[object, ...]]] = [(draft, ("service", draft.id))]
        named += [(one, ("view", one.name)) for one in draft.views]
        named += [(one, ("measure", one.id)) for one in draft.measures]
        named += [(one, ("measure", one.id)) for one in draft.awaited]
        named += [(one, ("dimension", one.id)) for one in draft.dimensions]
        named += [(one, ("case", one.code)) for one in draft.cases]
        named += [(one, ("register", one.code)) for one in draft.registers]
        named += [(one, ("document", one.code)) for one in draft.documents]
        named += [(one, ("calculation", one.code)) for one in draft.calculations]
        named += [(one, ("exchange", one.code)) for one in draft.exchanges]
        named += [(one, ("list", one.code)) for one in draft.lists]
        named += [(one, ("warning", one.code)) for one in draft.warnings]
        named += [(one, ("questionnaire", one.code)) for one in draft.questionnaires]
        named += [(draft, ("role", one)) for one in sorted(draft.roles.own)]
        named += [(draft, ("account", one.name)) for one in draft.roles.accounts]
        named += [(one, ("parameter", one.id, one.jurisdiction, one.valid_from)) for one in draft.parameters]
        for place, name in named:
            if name in seen:
                yield draft.places.finding(
                    place, f"{name[0]} '{name[1]}' is declared twice", f"“{name[1]}”重复声明"
                )
            seen.add(name)
