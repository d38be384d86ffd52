"""`processing:` of a service: the ground on which it handles personal information."""

from __future__ import annotations

from typing import Any, Final, cast

from kangshu.sdk import Processing
from kangshu.services.entry import Entry
from kangshu.services.places import Places

_BASES: Final = ("consent", "contract", "statutory", "emergency", "public-interest")


def read_processing(manifest: Entry, places: Places) -> Processing | None:
    """Return what `service.yaml` says of it; None where it says nothing."""
    if not manifest.has("processing"):
        manifest.raw("processing")
        return None
    entry = manifest.entry("processing")
    made = Processing(
        purpose=entry.text("purpose"),
        basis=cast("Any", entry.one_of("basis", _BASES, required=True)),
        clause=entry.string("clause", required=True),
        retention=entry.string("retention"),
    )
    places.note(made, entry)
    entry.close()
    return made
