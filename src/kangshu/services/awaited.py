"""Measures that are defined and have no number yet (`awaited/*.yaml`), and what must hold of them.

    measures:
      - id: parks-established
        title: {zh: …, en: …}
        definition: {zh: …, en: …}
        proof: register            # register | report | statistics
        system: S46                # whose register is missing, or whose unit reports
        evidence: {zh: …, en: …}   # what proves it then
        unit: 个
        direction: increase
        targets: [T054]
        source: …
        matches: […]

No SQL and no views: nothing is evaluated. Such a declaration has to go as soon as a measure claims one of its targets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from kangshu.sdk import AwaitedMeasure
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

if TYPE_CHECKING:
    from kangshu.services.draft import Draft

_PROOFS: Final = ("register", "report", "statistics")
_DIRECTIONS: Final = ("increase", "decrease")
_SYSTEM: Final = re.compile(r"S[0-9]{2,3}\Z")


def read_awaited(entry: Entry, service: str, places: Places) -> AwaitedMeasure:
    """Return the measure without a number that `entry` declares."""
    awaited = AwaitedMeasure(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        definition=entry.text("definition"),
        proof=cast("Any", entry.one_of("proof", _PROOFS, required=True)),
        system=entry.string("system", required=True),
        evidence=entry.text("evidence"),
        unit=entry.string("unit", required=True),
        direction=cast("Any", entry.one_of("direction", _DIRECTIONS, default="increase")),
        targets=entry.strings("targets", required=True),
        source=entry.string("source", required=True),
        matches=entry.strings("matches"),
    )
    places.note(awaited, entry)
    entry.close()
    return awaited


def check_awaited(drafts: Sequence[Draft]) -> Iterator[Finding]:
    """Yield what is wrong: a target that a measure claims by now, or two wait for; no system; no expression."""
    measured = {target: one.id for draft in drafts for one in draft.measures for target in one.targets}
    waiting: dict[str, str] = {}
    for draft in drafts:
        for one in draft.awaited:
            for en, zh in _faults(one, measured, waiting):
                yield draft.places.finding(one, en, zh)
            waiting.update(dict.fromkeys(one.targets, one.id))


def _faults(
    one: AwaitedMeasure, measured: dict[str, str], waiting: dict[str, str]
) -> Iterator[tuple[str, str]]:
    for target in one.targets:
        if target in measured:
            yield (
                f"'{one.id}' waits for a number of {target}, which the measure '{measured[target]}' computes: delete it",
                f"{target} 已由指标“{measured[target]}”计算，请删去待建指标“{one.title.zh}”",
            )
        if target in waiting:
            yield (
                f"{target} is waited for by '{waiting[target]}' too",
                f"{target} 已在待建指标“{waiting[target]}”中声明",
            )
    if not _SYSTEM.match(one.system):
        yield f"'{one.system}' is no system id such as S46", f"“{one.system}”不是系统编号，如 S46"
    for pattern in one.matches:
        try:
            re.compile(pattern)
        except re.error:
            yield f"'{pattern}' is no regular expression", f"“{pattern}”不是正则表达式"
