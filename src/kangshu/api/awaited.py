"""Measures that have no number yet, for pages: what each waits for, and which one a plan's target means."""

from __future__ import annotations

from collections.abc import Mapping

from kangshu.api.platform import Platform
from kangshu.base.text import Text
from kangshu.measures import PROOFS
from kangshu.plans import catalogue, missing_reason
from kangshu.sdk import AwaitedMeasure


def measures_awaited(platform: Platform) -> Mapping[str, AwaitedMeasure]:
    """Return every measure without a number by id, in the services' order."""
    ordered = sorted(platform.services, key=lambda one: (one.order, one.id))
    return {one.id: one for service in ordered for one in service.awaited}


def awaited_reason(awaited: AwaitedMeasure) -> Text:
    """Return what the measure waits for: the register that is missing by its system, a report, released statistics."""
    if awaited.proof == "register":
        return missing_reason(awaited.system)
    return PROOFS[awaited.proof]


def awaited_title(awaited: AwaitedMeasure) -> Text:
    """Return the short words for what the measure waits for, a missing register with its system: 缺少台账（S46 …）."""
    proof = PROOFS[awaited.proof]
    if awaited.proof != "register":
        return proof
    known = catalogue().systems.get(awaited.system)
    named = Text(awaited.system, awaited.system)
    if known is not None:
        named = Text(f"{known.id} {known.title.zh}", f"{known.id} {known.title.en}")
    return Text(f"{proof.zh}（{named.zh}）", f"{proof.en} ({named.en})")
