"""Named things and cited documents of a plan as FHIR: an extension each, and PlanDefinition.relatedArtifact. Pure.

PlanDefinition.extension[named-thing]      kind, name, anchors, figures
PlanDefinition.relatedArtifact[citation]   display: title; citation: number and date; anchors as extensions
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, TypeVar, cast

from kangshu.base.canonical import structure
from kangshu.base.text import Text
from kangshu.plans.elements import anchor_from, extension_value, extensions
from kangshu.plans.model import ClauseView, PlanView
from kangshu.plans.reading import Anchor, Citation, FigureKind, Mentions, NamedFigure, NamedThing, ThingKind
from kangshu.plans.shape import ANCHOR, anchor_extension
from kangshu.sdk import Resource

NAMED: Final = structure("named-thing")
_NUMBER, _DATE = structure("document-number"), structure("document-date")
THING_TITLES: Final[dict[ThingKind, Text]] = {
    "project": Text("项目", "Projects"),
    "enterprise": Text("企业", "Enterprises"),
    "park": Text("园区与基地", "Parks and bases"),
    "place": Text("景区、小镇与地点", "Scenic areas, towns and places"),
    "institution": Text("机构", "Institutions"),
    "event": Text("活动与赛事", "Events"),
}
FIGURE_TITLES: Final[dict[FigureKind, Text]] = {
    "investment": Text("投资", "investment"),
    "beds": Text("床位", "beds"),
    "area": Text("面积", "area"),
}


def write_mentions(plan: Resource, mentions: Mentions, offset: int = 0) -> None:
    """Put what was read into the plan; `offset` is where its text starts in the document."""
    plan.setdefault("extension", []).extend(_named(_moved(one, offset)) for one in mentions.named)
    artifacts = [_artifact(_moved(one, offset)) for one in mentions.citations]
    if artifacts:
        plan.setdefault("relatedArtifact", []).extend(artifacts)


def named_of(plan: Resource) -> tuple[NamedThing, ...]:
    """Return the named things of a plan."""
    return tuple(_thing(one) for one in extensions(plan, NAMED))


def citations_of(plan: Resource) -> tuple[Citation, ...]:
    """Return the documents that a plan cites."""
    return tuple(_citation(one) for one in plan.get("relatedArtifact", ()) if one.get("type") == "citation")


def clause_at(plan: PlanView, anchor: Anchor) -> ClauseView | None:
    """Return the clause in which a place of the text lies."""
    return next((one for one in plan.clauses if one.anchor.start <= anchor.start < one.anchor.end), None)


Mention = TypeVar("Mention", NamedThing, Citation)


def _moved(mention: Mention, by: int) -> Mention:
    places = tuple(Anchor(one.start + by, one.end + by, one.hash) for one in mention.places)
    return replace(mention, anchor=places[0], places=places)


def _named(thing: NamedThing) -> Resource:
    parts: list[Resource] = [
        {"url": "kind", "valueCode": thing.kind},
        {"url": "name", "valueString": thing.name},
        *(anchor_extension("anchor", one) for one in thing.places),
    ]
    parts += [
        {
            "url": "figure",
            "extension": [
                {"url": "kind", "valueCode": one.kind},
                {"url": "value", "valueString": one.value},
                {"url": "unit", "valueString": one.unit},
            ],
        }
        for one in thing.figures
    ]
    return {"url": NAMED, "extension": parts}


def _thing(extension: Resource) -> NamedThing:
    places = tuple(anchor_from(one) for one in extensions(extension, "anchor"))
    figures = tuple(
        NamedFigure(
            cast("FigureKind", extension_value(one, "kind")),
            str(extension_value(one, "value")),
            str(extension_value(one, "unit")),
        )
        for one in extensions(extension, "figure")
    )
    kind = cast("ThingKind", extension_value(extension, "kind"))
    return NamedThing(kind, str(extension_value(extension, "name")), places[0], places, figures)


def _artifact(citation: Citation) -> Resource:
    written = [
        {"url": url, "valueString": value}
        for url, value in ((_NUMBER, citation.number), (_DATE, citation.date))
        if value
    ]
    places = [anchor_extension(ANCHOR, one) for one in citation.places]
    reference = " ".join(
        filter(None, (citation.title and f"《{citation.title}》", citation.number, citation.date))
    )
    artifact: Resource = {"type": "citation", "citation": reference, "extension": [*written, *places]}
    if citation.title:
        artifact["display"] = citation.title
    return artifact


def _citation(artifact: Resource) -> Citation:
    places = tuple(anchor_from(one) for one in extensions(artifact, ANCHOR))
    return Citation(
        str(artifact.get("display", "")),
        str(extension_value(artifact, _NUMBER) or ""),
        str(extension_value(artifact, _DATE) or ""),
        places[0],
        places,
    )
