"""From a saved record to a measure's number, through the product as it runs: web worker, database, background worker."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from kangshu.sdk import structure

from .product import PATIENCE, Product, kangshu

FEED_POSITION = structure("feed-position")
SAVES = 5
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


def position_of(report: Any) -> int:
    """Return as of which change of the feed a MeasureReport answers."""
    return int(next(one["valueDecimal"] for one in report["extension"] if one["url"] == FEED_POSITION))


def counted(product: Product, token: str) -> tuple[int, int]:
    """Return how many residents the measure counts now, and as of which change; zeros before the first publication."""
    try:
        report = ask(product, token, "GET", f"Measure/{MEASURE}/$evaluate-measure")
    except urllib.error.HTTPError:
        return 0, 0
    populations = report["group"][0]["population"]
    count = next(one["count"] for one in populations if one["code"]["coding"][0]["code"] == "denominator")
    return int(count), position_of(report)


def test_what_is_saved_is_in_the_measures_by_itself(served: Product) -> None:
    """Each save alone is in the next numbers, none is lost or counted twice; how soon is measured in bench/fresh_bench.py."""
    done = kangshu("token", "create", "--account", "system", "--ttl", "1h", "--data-dir", served.folder)
    token = done.stdout.split()[-1]
    seen = [(0, 0)]
    for number in range(1, SAVES + 1):
        ask(served, token, "PUT", f"Patient/fresh{number}", resident(f"fresh{number}"))
        end = time.monotonic() + PATIENCE
        while seen[-1][0] != number:
            assert time.monotonic() < end, seen
            time.sleep(0.05)
            if (now := counted(served, token)) != seen[-1]:
                seen.append(now)
    assert seen == sorted(seen), "neither the number nor the change it is of goes back"
    fresh = dict(reversed(seen))
    assert list(fresh) == list(range(SAVES, -1, -1)), "one more with each save, and no other number between"
    assert len(set(fresh.values())) == SAVES + 1, "each is of a later change"
