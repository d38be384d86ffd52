"""Expressions and containers of strangers: FHIRPath and regular expressions within a budget, no archive unpacked to disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .cases import attack
from .files import paragraphs, word
from .test_bad_requests import judged
from .test_uploads import judged as judged_page
from .test_uploads import uploaded

UNION = "(" + "|".join(str(number) for number in range(60)) + ")"
FIFTY = "(" + "|".join(str(number) for number in range(50)) + ")"
EXPRESSIONS = {
    "nested repeats": "Patient.name.where(text.replaceMatches('(a+)+$', 'x') = 'x')",
    "nested alternatives": "Patient.name.where(text.replaceMatches('(a|aa)+$', 'x') = 'x')",
    "cross product": f"Patient.name.where({UNION}.select({UNION}.select({FIFTY})).count() > 0)",
    "repeat": f"Patient.name.where({UNION}.repeat({UNION}).select({UNION}.select({UNION})).exists())",
    "all of all": f"Patient.name.where({UNION}.all({UNION}.all({UNION}.all({UNION}.count() > 0))))",
}


@attack(21)
@pytest.mark.parametrize("what", EXPRESSIONS)
def test_expressions_have_a_budget(city: Any, what: str) -> None:
    """A patch's path is an expression of a stranger's: it is cut by steps and time, and says so."""
    some = city.fhir().get("/Patient?_count=1").json()["entry"][0]["resource"]
    part = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": EXPRESSIONS[what]}]
    patch = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    with city.unchanged():
        outcome = judged(city.fhir().patch(f"/Patient/{some['id']}", content=json.dumps(patch)), 400)
    assert outcome["issue"][0]["code"] == "too-costly", outcome


@attack(19)
def test_no_part_of_a_document_leaves_it(city: Any) -> None:
    """Zip slip: the parts of a document are read, and none is written to where its name leads."""
    names = ["../kangshu-was-here", "../../kangshu-was-here", "/tmp/kangshu-was-here", "..\\kangshu-was-here"]
    file = ("a.docx", word(paragraphs("你好"), **dict.fromkeys(names, b"x")))
    with city.unchanged():
        judged_page(uploaded(city, "plan", "/plans/import", file, own="true"))
    found = [place / "kangshu-was-here" for place in (Path("/tmp"), Path("/"), Path.cwd(), city.folder)]
    there = [one for one in found if one.exists()]
    for one in there:
        one.unlink()
    assert not there
