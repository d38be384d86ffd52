"""Proposers of the demo city: members and groups of its consultative conference."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, code_system, concept, structure

PROPOSERS = (
    ("proposer-tan", "谭雨桐委员"),
    ("proposer-women", "妇联界别组"),
    ("proposer-democratic", "民建云汐市委会"),
)


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield an Organization for each seat or group on whose behalf proposals are made."""
    for identifier, name in PROPOSERS:
        yield {
            "resourceType": "Organization",
            "id": identifier,
            "active": True,
            "name": name,
            "type": [concept(code_system("organisation-kind"), "proposer", "提案者")],
            "extension": [{"url": structure("district"), "valueCode": city.code}],
        }
