"""Who confirmed a finding, and what of the reading was put aside. Pure.

A finding that a person has looked at carries `reviewed`; one that is no finding leaves the plan, and the plan keeps under
`retired-finding` what it was, who put it aside and the version in which it last stood. Ids are never given again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from kangshu.base.canonical import structure
from kangshu.base.faults import NotFound
from kangshu.plans import shape
from kangshu.plans.elements import extension_value, extensions, kind_of, replace_extension
from kangshu.plans.model import FindingKind, Reviewed, ReviewedHow
from kangshu.sdk import Resource

REVIEWED: Final = structure("reviewed")
RETIRED: Final = structure("retired-finding")
RetiredHow = Literal["rejected", "merged"]


@dataclass(frozen=True, slots=True)
class Retired:
    """A finding that was put aside."""

    id: str
    kind: FindingKind
    text: str
    how: RetiredHow
    by: str
    on: str
    note: str
    version: int
    """The version of the plan in which it last stood."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts, and when: what an act leaves on what it touches."""

    by: str
    on: str
    """An instant."""
    version: int = 0
    """The version of the plan that the act is made on."""


@dataclass(frozen=True, slots=True)
class Located:
    """A finding within the plan: its element, the list that holds it, and the section around a clause."""

    kind: FindingKind
    element: Resource
    among: list[Any]
    section: Resource


def walk(plan: Resource) -> Iterator[tuple[Resource, Resource]]:
    """Yield (action, the action around it), sections and clauses alike; around the top stands the plan."""

    def into(parent: Resource) -> Iterator[tuple[Resource, Resource]]:
        for action in parent.get("action", ()):
            yield action, parent
            yield from into(action)

    return into(plan)


def is_clause(action: Resource) -> bool:
    """Return whether an action is a clause, not a heading."""
    return kind_of(action) == "clause"


def locate(plan: Resource, finding: str) -> Located:
    """Return where a clause, target or money rule stands. Raises NotFound."""
    for goal in plan.get("goal", ()):
        if goal.get("id") == finding:
            return Located("target", goal, plan["goal"], plan)
    for action, around in walk(plan):
        if action.get("id") == finding and is_clause(action):
            return Located("clause", action, around["action"], around)
    for rule in extensions(plan, shape.MONEY):
        if extension_value(rule, "id") == finding:
            return Located("money", rule, plan["extension"], plan)
    raise NotFound(f"the plan has no finding '{finding[:60]}'", zh=f"规划中没有“{finding[:60]}”")


def mark(element: Resource, how: ReviewedHow, hand: Hand) -> None:
    """Say on a finding who confirmed it, when, and by which act."""
    new = {
        "url": REVIEWED,
        "extension": [
            {"url": "by", "valueString": hand.by},
            {"url": "on", "valueInstant": hand.on},
            {"url": "how", "valueCode": how},
        ],
    }
    replace_extension(element, REVIEWED, new)


def reviewed_of(element: Resource) -> Reviewed | None:
    """Return who confirmed a finding, None for nobody yet."""
    found = next(extensions(element, REVIEWED), None)
    if found is None:
        return None
    return Reviewed(
        str(extension_value(found, "by") or ""),
        str(extension_value(found, "on") or ""),
        cast("ReviewedHow", str(extension_value(found, "how") or "accepted")),
    )


def retire(
    plan: Resource, finding: str, kind: FindingKind, text: str, how: RetiredHow, note: str, hand: Hand
) -> None:
    """Keep in the plan what a finding was that leaves it."""
    parts: list[Resource] = [
        {"url": "id", "valueString": finding},
        {"url": "kind", "valueCode": kind},
        {"url": "text", "valueString": text[:200]},
        {"url": "how", "valueCode": how},
        {"url": "by", "valueString": hand.by},
        {"url": "on", "valueInstant": hand.on},
        {"url": "version", "valuePositiveInt": max(1, hand.version)},
    ]
    if note:
        parts.append({"url": "note", "valueString": note})
    plan.setdefault("extension", []).append({"url": RETIRED, "extension": parts})


def retired_of(plan: Resource) -> tuple[Retired, ...]:
    """Return what was put aside, in the order in which it was."""

    def part(one: Resource, name: str) -> str:
        return str(extension_value(one, name) or "")

    return tuple(
        Retired(
            part(one, "id"),
            cast("FindingKind", part(one, "kind")),
            part(one, "text"),
            cast("RetiredHow", part(one, "how")),
            part(one, "by"),
            part(one, "on"),
            part(one, "note"),
            int(extension_value(one, "version") or 0),
        )
        for one in extensions(plan, RETIRED)
    )


def next_number(plan: Resource, prefix: str) -> int:
    """Return a number that no finding of this kind has had: `clause-007` is `next_number(plan, "clause")` 7."""
    ids = [str(action.get("id", "")) for action, _ in walk(plan)]
    ids += [str(goal.get("id", "")) for goal in plan.get("goal", ())]
    ids += [str(extension_value(rule, "id") or "") for rule in extensions(plan, shape.MONEY)]
    ids += [one.id for one in retired_of(plan)]
    tails = (one.removeprefix(f"{prefix}-") for one in ids if one.startswith(f"{prefix}-"))
    return max((int(tail) for tail in tails if tail.isdigit()), default=0) + 1
