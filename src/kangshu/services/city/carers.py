"""What the demo city's elder-care workers bring with them: schooling, skill certificates, training before the post."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

from kangshu.base.canonical import BASE, code_system, structure
from kangshu.sdk import DemoPractitioner, Resource

_EDUCATION = (
    ("bachelor", "本科及以上", 1), ("associate", "专科", 3), ("secondary", "中专", 4), ("lower", "初中及以下", 5),
)  # fmt: skip
_LEVELS = (
    ("", "", 3), ("5", "五级／初级工", 5), ("4", "四级／中级工", 4), ("3", "三级／高级工", 2), ("2", "二级／技师", 1),
)  # fmt: skip
_SOURCES = ("unemployed", "helper", "health-staff", "retired", "outside-talent", "graduate")


def carer_parts(one: DemoPractitioner, number: int, today: date) -> Resource:
    """Return the elements of a carer's Practitioner: its number, source, and qualifications with their days."""
    rng = Random(one.id)  # noqa: S311 - a made-up city, not a secret
    education = rng.choices(_EDUCATION, [weight for *_, weight in _EDUCATION])[0]
    level = rng.choices(_LEVELS, [weight for *_, weight in _LEVELS])[0]
    held = [
        _qualified(
            "education", education[0], education[1], one.since - timedelta(days=rng.randrange(900, 5000))
        )
    ]
    if rng.random() < 0.93:
        before = one.since - timedelta(days=rng.randrange(3, 60))
        held.append(_qualified("care-training", "pre-job", "岗前培训", before))
    if level[0]:
        issued = min(today - timedelta(days=30), one.since + timedelta(days=rng.randrange(100, 900)))
        certificate = _qualified("care-skill-level", level[0], level[1], issued)
        certificate["identifier"] = [
            {"system": f"{BASE}/sid/care-certificate", "value": f"YX{issued.year}{number:06d}"}
        ]
        held.append(certificate)
    if rng.random() < 0.1:
        held.append(
            _qualified(
                "care-honour", "city", "市级最美养老护理员", today - timedelta(days=rng.randrange(60, 900))
            )
        )
    return {
        "identifier": [{"system": f"{BASE}/sid/care-worker", "value": f"HL{number:06d}"}],
        "qualification": held,
        "birthDate": (one.since - timedelta(days=rng.randrange(8000, 17000))).isoformat(),
        "source": {"url": structure("care-worker-source"), "valueCode": rng.choice(_SOURCES)},
    }


def _qualified(kind: str, code: str, title: str, day: date) -> dict[str, Any]:
    coding = {"system": code_system(kind), "code": code, "display": title}
    return {"code": {"coding": [coding], "text": title}, "period": {"start": day.isoformat()}}
