"""The outside organisation that evaluates for the demo city's supervision."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, structure

EVALUATOR = "evaluator-yunxi"


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the evaluator."""
    yield {
        "resourceType": "Organization",
        "id": EVALUATOR,
        "extension": [{"url": structure("district"), "valueCode": city.code}],
        "active": True,
        "name": f"{city.name}康衡公共政策评估中心",
    }
