"""What proves a target: a measure over registers, a value that its unit reports, or released statistics. Pure.

Until a person decides, the target's words tell. A system whose registers do not exist yet is named by its id:
nothing is invented in its place.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final

from kangshu.base.text import Text
from kangshu.plans.elements import extension_value, extensions, replace_extension
from kangshu.plans.model import EVIDENCE_TITLES, EvidenceKind, PlanView, TargetEvidence, TargetView
from kangshu.plans.phrases import Phrases, phrases_of
from kangshu.plans.shape import EVIDENCE
from kangshu.plans.systems import Recognised, WordRule, catalogue, recognise
from kangshu.sdk import Resource

DECIDABLE: Final[tuple[EvidenceKind, ...]] = ("reported", "statistics", "register-missing")
"""What a person may decide; a measure is decided by confirming its link."""


def suggested(phrases: Phrases, installed: Collection[str]) -> TargetEvidence:
    """Return what a target's words say about where its value comes from.

    `installed` are the ids of the systems that the installed services answer.
    """
    found = recognise(phrases.every)
    systems = tuple(one.system.id for one in found[:3])
    told = _told(phrases, bool(recognise(phrases.near)))
    if told:
        kind, rule, words = told
        return TargetEvidence(kind, systems, (words,), rule.reason)
    if not found:
        reason = Text(
            "未识别到对应的台账，请确定取数方式", "no register is recognised; say where the value comes from"
        )
        return TargetEvidence("undecided", (), (), reason)
    return _of_registers(found, systems, installed)


def higher_total(phrases: Phrases) -> bool:
    """Return whether the sentence around says that its figures are a higher level's, of which the city has a share."""
    return any(one.around and one.found_in(phrases.sentence) for one in catalogue().reported)


@lru_cache(maxsize=4096)  # as `recognise`
def _told(phrases: Phrases, recognised: bool) -> tuple[EvidenceKind, WordRule, str] | None:
    """Return the rule by which statistics or a report proves the target, and its words.

    The sentence is asked where the nearer words neither name anything nor lead to a register, and by rules that speak
    of it.
    """
    rules: list[tuple[EvidenceKind, WordRule]] = [
        *(("statistics", one) for one in catalogue().statistics),
        *(("reported", one) for one in catalogue().reported),
    ]
    asked = phrases.near if phrases.telling or recognised else phrases.every
    for phrase in asked:
        for kind, rule in rules:
            if words := rule.found_in(phrase):
                return kind, rule, words
    for kind, rule in rules:
        if rule.around and (words := rule.found_in(phrases.sentence)):
            return kind, rule, words
    return None


def _of_registers(
    found: Sequence[Recognised], systems: tuple[str, ...], installed: Collection[str]
) -> TargetEvidence:
    first = found[0]
    matched = tuple(dict.fromkeys(one.matched for one in found[:3]))
    if first.system.id in installed:
        reason = Text(
            f"台账已建（{first.system.id} {first.system.title.zh}），尚无计算该目标的指标，暂由责任单位填报",
            f"the registers exist ({first.system.id} {first.system.title.en}) but no measure computes it yet; "
            "its unit reports meanwhile",
        )
        return TargetEvidence("reported", systems, matched, reason)
    return TargetEvidence("register-missing", systems, matched, missing_reason(first.system.id))


def missing_reason(system: str) -> Text:
    """Return the sentence that names the system whose registers are still to be built; "" where none is known."""
    known = catalogue().systems.get(system)
    if known is None:
        return Text("支撑该目标的台账尚未建设", "registers for this do not exist yet")
    return Text(
        f"支撑该目标的台账尚未建设（{known.id} {known.title.zh}）",
        f"registers for this do not exist yet ({known.id} {known.title.en})",
    )


def evidence_of(target: TargetView, phrases: Phrases, installed: Collection[str]) -> TargetEvidence:
    """Return what proves the target: a confirmed measure, what a person has decided, else what its words suggest."""
    offered = suggested(phrases, installed)
    if target.measure and target.confirmed:
        return TargetEvidence(
            "measure", offered.systems, offered.matched, Text("已关联指标", "linked"), target.linked_by
        )
    decided = target.evidence
    if decided.decided_by:
        reason = missing_reason(offered.systems[0] if offered.systems else "")
        kept = reason if decided.kind == "register-missing" else Text("人工确定", "decided by a person")
        return TargetEvidence(
            decided.kind,
            offered.systems,
            offered.matched,
            kept,
            decided.decided_by,
            decided.decided_on,
            decided.note,
        )
    return offered


def read_evidence(goal: Resource) -> TargetEvidence:
    """Return what a person has decided for a goal; undecided where nobody has."""
    held = next(extensions(goal, EVIDENCE), None)
    if held is None:
        return TargetEvidence()
    kind = str(extension_value(held, "kind"))
    return TargetEvidence(
        next((one for one in EVIDENCE_TITLES if one == kind), "undecided"),
        decided_by=str(extension_value(held, "by") or ""),
        decided_on=str(extension_value(held, "day") or ""),
        note=str(extension_value(held, "note") or ""),
    )


def decide(goal: Resource, kind: EvidenceKind | None, by: str, day: str, note: str) -> None:
    """Write what a person decides; None leaves it to the target's words again."""
    new = None
    if kind is not None:
        parts: list[Resource] = [
            {"url": "kind", "valueCode": kind},
            {"url": "by", "valueString": by},
            {"url": "day", "valueString": day},
        ]
        if note:
            parts.append({"url": "note", "valueString": note})
        new = {"url": EVIDENCE, "extension": parts}
    replace_extension(goal, EVIDENCE, new)


def with_evidence(plan: PlanView, installed: Collection[str]) -> PlanView:
    """Return the plan with what proves each of its targets."""
    told = tuple(
        replace(one, evidence=evidence_of(one, phrases_of(one, plan.text, plan.targets), installed))
        for one in plan.targets
    )
    return replace(plan, targets=told)
