"""Sections of the demo city's unit that works on papers inside."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, code_system, structure

SECTIONS = (("office", "办公室"), ("mass-sports", "群众体育科"), ("venues", "场馆与产业科"))
"""Key and name of each section of the sports bureau."""


def section_id(key: str) -> str:
    """Return the id of a section's Organization."""
    return f"section-sports-{key}"


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield the sections as organisations below their unit."""
    unit = city.unit("sports")
    for key, name in SECTIONS:
        yield {
            "resourceType": "Organization",
            "id": section_id(key),
            "extension": [{"url": structure("district"), "valueCode": unit.district}],
            "active": True,
            "type": [{"coding": [{"system": code_system("organisation-kind"), "code": "section"}]}],
            "name": f"{unit.name}{name}",
            "partOf": unit.reference,
        }
