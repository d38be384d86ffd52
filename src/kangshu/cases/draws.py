"""The draws of a case as people look at them: what was sealed, who was left out and why, the lots, and whether it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kangshu.access import Grant
from kangshu.base.text import Text
from kangshu.cases.drawing import Lot, check_draw, lots
from kangshu.cases.frozen_records import record_content
from kangshu.cases.lots import DRAW
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw of a case: sealed, or drawn too. `wrong` is what a second reckoning found; nothing means that it holds."""

    reference: str
    """DocumentReference of the record."""
    drawn: bool
    record: Mapping[str, Any]
    lots: tuple[Lot, ...]
    wrong: tuple[Text, ...]

    def name(self, reference: str) -> str:
        """Return the name of a candidate, as it was sealed."""
        found = (one for one in self.record["candidates"] if one["reference"] == reference)
        return next((str(one["name"]) for one in found), reference)


async def draws_of(store: Store, grant: Grant, task: str) -> tuple[Draw, ...]:
    """Return the draws of a case that the grant sees, the newest first: one that was drawn stands for its seal.

    Raises:
        NotFound: no such case.
    """
    outputs = (await store.read(grant, "Task", task)).resource.get("output", ())
    named = [str((one.get("valueReference") or {}).get("reference", "")) for one in outputs]
    found: list[Draw] = []
    for reference in (one for one in named if one.startswith("DocumentReference/")):
        stored = await store.search_all(
            grant, "DocumentReference", f"_id={reference.removeprefix('DocumentReference/')}"
        )
        stage = next(
            (
                str(part.get("valueCode", ""))
                for one in stored
                for part in one.get("extension", ())
                if part.get("url") == DRAW
            ),
            "",
        )
        if stage:
            found.append(_draw(reference, stage == "drawn", record_content(stored[0])))
    sealed = {str(one.record["commitment"]) for one in found if one.drawn}
    kept = [one for one in found if one.drawn or str(one.record["commitment"]) not in sealed]
    return tuple(sorted(kept, key=lambda one: str(one.record["sealed"]), reverse=True))


def _draw(reference: str, drawn: bool, record: Mapping[str, Any]) -> Draw:
    if not drawn:
        return Draw(reference, False, record, (), ())
    references = [str(one["reference"]) for one in record["candidates"]]
    order = lots(str(record["seed"]), str(record["witness"]), references)
    return Draw(reference, True, record, order, check_draw(record))
