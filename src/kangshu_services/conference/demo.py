"""Members and liaison officers of the demo city's joint conference."""

from __future__ import annotations

from collections.abc import Iterator

from kangshu.sdk import DemoCity, Resource, code_system, concept

_MEMBERS = (
    ("city-government", "林知远", "convener", "副市长"),
    ("development-reform", "沈若溪", "office", "规划推进办主任"),
    ("health-commission", "周以宁", "member", "副主任"),
    ("civil-affairs", "何清扬", "member", "副局长"),
    ("finance", "孙明浩", "member", "副局长"),
    ("health-commission", "许文卓", "liaison", "规划科科长"),
    ("civil-affairs", "程雪", "liaison", "养老科科长"),
)
_TITLES = {"convener": "召集人", "office": "办公室人员", "member": "成员", "liaison": "联络员"}


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield a PractitionerRole for each, for a term of three years."""
    for number, (unit, name, role, post) in enumerate(_MEMBERS, 1):
        yield {
            "resourceType": "PractitionerRole",
            "id": f"conference-member-{number}",
            "active": True,
            "practitioner": {"display": name},
            "organization": city.unit(unit).reference,
            "code": [concept(code_system("conference-role"), role, _TITLES[role])],
            "specialty": [{"text": post}],
            "period": {"start": f"{city.today.year}-01-01", "end": f"{city.today.year + 2}-12-31"},
        }
