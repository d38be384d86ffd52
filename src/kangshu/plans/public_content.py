"""What of a snapshot is for everybody: named element by element, so that what is added to a snapshot stays inside. Pure.

Shown are the plan's own clauses, the units that answer for them, and each target's figures and light. Never shown: duties
(only whether a clause's work is done, under way or not begun), who works on anything, reasons that people wrote, evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.plans.snapshot_content import Content

LICENCE: Final = "CC BY 4.0"
"""https://creativecommons.org/licenses/by/4.0/: what open data of the page may be used for."""
_TEN: Final = 10
_PEOPLE: Final = re.compile(r"[人名例位户]")
"""Units that count people."""
_TELEPHONE: Final = re.compile(
    r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}[-－ ]?\d{7,8}|\d{3,4}[-－]\d{4}[-－]\d{4})(?!\d)"
)
_IDENTITY: Final = re.compile(r"(?<!\d)\d{17}[\dXx](?![0-9A-Za-z])")
_CONTACT: Final = re.compile(
    r"[（(]?(?:联系人|联络员|责任人|牵头领导|联系电话|电话|手机)[:：]\s*[^，。；;、）)\n]{1,30}[）)]?[，；;、]?"
)


def public_content(content: Content, threshold: int) -> dict[str, Any]:
    """Return the part of a snapshot's content that is for everybody.

    Numbers of people from 1 to `threshold` - 1 are not told (`suppressed`), whoever reported them.
    """
    head = content["snapshot"]
    return {
        "snapshot": {name: head[name] for name in ("number", "day", "taken")},
        "licence": LICENCE,
        "plans": [_plan(plan, threshold) for plan in content["plans"]],
    }


def cleaned(text: str) -> str:
    """Return a clause's text without telephones, identity numbers and named contacts that a document may hold."""
    without = _CONTACT.sub("", text).replace("。。", "。")
    return _IDENTITY.sub("（号码略）", _TELEPHONE.sub("（号码略）", without))


def _plan(plan: Content, threshold: int) -> dict[str, Any]:
    targets = {one["id"]: _target(one, threshold) for one in plan["targets"]}
    return {
        "id": plan["id"],
        "title": cleaned(plan["title"]),
        "state": plan["state"],
        "demo": plan["demo"],
        "chapters": [{"id": one["id"], "title": cleaned(one["title"])} for one in plan["chapters"]],
        "clauses": [_clause(one, plan) for one in plan["clauses"]],
        "targets": [
            {**targets[one["id"]], "clause": one["clause"], "chapter": one["chapter"]}
            for one in plan["targets"]
        ],
    }


def _clause(clause: Content, plan: Content) -> dict[str, Any]:
    return {
        "id": clause["id"],
        "chapter": clause["chapter"],
        "section": cleaned(clause["section"]),
        "text": cleaned(clause["text"]),
        "lead": _units(clause, "lead"),
        "cooperating": _units(clause, "cooperating"),
        "light": clause["light"],
        "progress": _progress(clause, plan),
    }


def _units(clause: Content, role: str) -> list[str]:
    said = (
        name for one in clause["units"] if one["role"] == role for name in (one["names"] or [one["written"]])
    )
    return list(dict.fromkeys(filter(None, map(cleaned, said))))


def _progress(clause: Content, plan: Content) -> str:
    """Return `done`, `under-way` or `not-begun`, of the lead units' duties alone."""
    states = {
        one["status"] for one in plan["duties"] if one["clause"] == clause["id"] and one["role"] == "lead"
    }
    states -= {"cancelled"}
    if not states or states <= {"requested", "draft"}:
        return "not-begun"
    return "done" if states == {"completed"} else "under-way"


def _target(target: Mapping[str, Any], threshold: int) -> dict[str, Any]:
    hidden = _few(target["actual"], target["actual_unit"], threshold)
    return {
        "id": target["id"],
        "indicator": cleaned(target["indicator"]),
        "asked": target["asked"],
        "unit": target["unit"],
        "actual_unit": target["actual_unit"],
        "due": target["due"] if str(target["due"]).isdigit() else "",
        "actual": None if hidden else _rounded(target["actual"]),
        "suppressed": hidden,
        "expected": _rounded(target["expected"]),
        "light": target["light"],
        "word": dict(target["word"]),
        "source": target["source"],
        "as_of": str(target["as_of"])[:10],
    }


def _rounded(lexeme: str | None) -> str | None:
    """Return a figure to one place, below 10 to two: all digits of a share would tell the two numbers it is made of."""
    if lexeme is None:
        return None
    value = Decimal(lexeme)
    short = round(value, 1 if abs(value) >= _TEN else 2).normalize()
    return f"{short:f}"


def _few(lexeme: object, unit: str, threshold: int) -> bool:
    try:
        number = Decimal(str(lexeme)) if lexeme is not None else Decimal(0)
    except InvalidOperation:
        return False
    return bool(_PEOPLE.search(unit)) and 0 < abs(number) < threshold
