"""From a saved record to a measure's number, through the product as it runs: web worker, database, background worker."""

from __future__ import annotations

import json
import statistics
import time
import urllib.error
import urllib.request
from typing import Any

from .product import PATIENCE, Product, kangshu

SAVES = 5
SOON = 5.0
"""Seconds within which what is saved is in the measures; the product promises it."""
MEASURE = "family-doctor-coverage-60"


def ask(product: Product, token: str, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON that a request to the FHIR interface is answered with."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.port}/fhir/{path}",
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def resident(id_: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "birthDate": "1950-03-03", "active": True}


def counted(product: Product, token: str) -> int:
    """Return how many residents the measure counts now; 0 before the first publication."""
    try:
        report = ask(product, token, "GET", f"Measure/{MEASURE}/$evaluate-measure")
    except urllib.error.HTTPError:
        return 0
    populations = report["group"][0]["population"]
    return int(next(one["count"] for one in populations if one["code"]["coding"][0]["code"] == "denominator"))


def test_what_is_saved_is_in_the_measures_within_seconds(served: Product) -> None:
    done = kangshu("token", "create", "--account", "system", "--ttl", "1h", "--data-dir", served.folder)
    token = done.stdout.split()[-1]
    took: list[float] = []
    for number in range(1, SAVES + 1):
        began = time.monotonic()
        ask(served, token, "PUT", f"Patient/fresh{number}", resident(f"fresh{number}"))
        while counted(served, token) != number:
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.05)
        took.append(time.monotonic() - began)
    # the first waits for the first publication too; the middle one is what a city sees day by day
    assert statistics.median(took) < SOON, took
