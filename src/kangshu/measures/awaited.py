"""Measures that have no number yet, for readers: as FHIR R4 Measures of status draft, as data and as lines."""

from __future__ import annotations

from typing import Any, Final

from kangshu.base.text import Language, Text
from kangshu.measures.report import measure_canonical, notation
from kangshu.sdk import AwaitedMeasure, Resource

PROOFS: Final = {
    "register": Text("缺少台账", "register missing"),
    "report": Text("责任单位上报", "reported by the responsible unit"),
    "statistics": Text("统计发布", "released statistics"),
}
"""What a measure without a number waits for."""


def awaited_resource(awaited: AwaitedMeasure) -> Resource:
    """Return the FHIR Measure, of status draft, of one that has no number yet: its definition and what it waits for."""
    proof = PROOFS[awaited.proof]
    return {
        "resourceType": "Measure",
        "id": awaited.id,
        "url": measure_canonical(awaited),
        "name": "".join(part.capitalize() for part in awaited.id.split("-")),
        "title": str(awaited.title),
        "subtitle": awaited.title.en,
        "status": "draft",
        "description": f"{awaited.definition.zh}\n\n{awaited.definition.en}",
        "purpose": awaited.source,
        "usage": f"{proof.zh}（{awaited.system}）：{awaited.evidence.zh}\n\n"
        f"{proof.en} ({awaited.system}): {awaited.evidence.en}",
        "relatedArtifact": [{"type": "citation", "citation": awaited.source}],
        "improvementNotation": notation(awaited),
    }


def explain_awaited(awaited: AwaitedMeasure) -> dict[str, Any]:
    """Return all that is known of a measure without a number, as plain JSON data."""
    return {
        "id": awaited.id,
        "service": awaited.service,
        "title": {"zh": awaited.title.zh, "en": awaited.title.en},
        "definition": {"zh": awaited.definition.zh, "en": awaited.definition.en},
        "awaits": awaited.proof,
        "system": awaited.system,
        "evidence": {"zh": awaited.evidence.zh, "en": awaited.evidence.en},
        "source": awaited.source,
        "targets": list(awaited.targets),
        "unit": awaited.unit,
        "direction": awaited.direction,
    }


def explain_awaited_text(awaited: AwaitedMeasure, language: Language = "zh") -> str:
    """Return the same as `explain_awaited`, as lines for a reader in `language`."""
    zh = language == "zh"
    lines = [
        f"{awaited.title.in_language(language)} ({awaited.id})",
        "",
        awaited.definition.in_language(language),
        "",
        f"{'尚无数值' if zh else 'No number yet'}: {PROOFS[awaited.proof].in_language(language)} ({awaited.system})",
        f"{'凭什么证明' if zh else 'Proved by'}: {awaited.evidence.in_language(language)}",
        f"{'计量单位' if zh else 'Unit'}: {awaited.unit}",
        f"{'来源' if zh else 'Source'}: {awaited.source}",
        f"{'规划指标' if zh else 'Targets'}: {', '.join(awaited.targets)}",
    ]
    return "\n".join(lines) + "\n"
