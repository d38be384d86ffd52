"""A resident's own copy of the record: all that is in the compartment, in one file that other systems read."""

from __future__ import annotations

from typing import Final

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.base.clock import instant, now
from kangshu.fhir import definitions, render
from kangshu.search import parse_query
from kangshu.store import Stored

_PAGE: Final = 500
_BESIDE: Final = {"Task": ("subject",), "Contract": ("patient",)}
"""Types of the product's own compartment that R4's does not have."""


async def record_copy(platform: Platform, grant: Grant, patient: str) -> bytes:
    """Return the record of the resident `patient` as a FHIR Bundle (collection), as far as `grant` sees it.

    Right of access, copy and transfer: PIPL Art. 45. Raises NotFound for a resident whom the grant does not see.
    """
    found: dict[tuple[str, str], Stored] = {}
    first = await platform.store.read(grant, "Patient", patient)
    found[first.type, first.id] = first
    kinds = {**definitions().compartment("Patient"), **_BESIDE}
    for kind, parameters in sorted(kinds.items()):
        if kind in ("Patient", "AuditEvent"):  # who looked is on a page of its own, in words
            continue
        for parameter in parameters:
            query = parse_query(kind, [(parameter, f"Patient/{patient}"), ("_count", str(_PAGE))])
            cursor: str | None = None
            while True:
                page = await platform.store.search(grant, query, cursor)
                found.update(
                    {(one.type, one.id): one for one in page.entries if one.scope.patient == patient}
                )
                cursor = page.next
                if cursor is None:
                    break
    root = platform.settings.public_url.rstrip("/")
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": instant(now()),
        "entry": [
            {**({"fullUrl": f"{root}/fhir/{one.type}/{one.id}"} if root else {}), "resource": one.resource}
            for one in found.values()
        ],
    }
    return render(bundle, pretty=True)
