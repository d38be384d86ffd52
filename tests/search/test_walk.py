"""The walk over JSON finds what the FHIRPath engine finds, on every R4 example and parameter."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import pytest

from kangshu import fhirpath
from kangshu.base.faults import Fault
from kangshu.fhir import parse, render
from kangshu.search import parameters_of

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "suites" / "r4-examples" / "examples.tar.xz"

LEFT_OUT = ("resolve()", "extension(", ".entry[")
"""What resolves is told by the reference's own text; resources inside Bundles are no targets of a chain."""


def walk(resource: dict[str, Any], leaf: Any) -> list[Any]:
    nodes: list[Any] = [resource]
    for step in leaf.steps:
        below: list[Any] = []
        for node in nodes:
            found = node.get(step.name) if isinstance(node, dict) else None
            for one in found if isinstance(found, list) else [found]:
                if one is not None and (
                    not step.key or (isinstance(one, dict) and one.get(step.key) == step.equal)
                ):
                    below.append(one)
        nodes = below
    if leaf.target:
        nodes = [one for one in nodes if str(one.get("reference", "")).partition("/")[0] == leaf.target]
    return nodes


def shown(values: list[Any]) -> list[bytes]:
    return sorted({render(value) for value in values})


@pytest.mark.suite
def test_the_walk_finds_what_fhirpath_finds() -> None:
    if not EXAMPLES.is_file():
        pytest.skip("the public suite r4-examples is not in ../shared/suites")
    compared = 0
    wrong: list[str] = []
    with tarfile.open(EXAMPLES) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            # there a union drops decimals that are equal in another precision; the walk keeps both
            if file is None or member.name.endswith("Observation-decimal.json"):
                continue
            resource = parse(file.read())
            for parameter in parameters_of(resource.get("resourceType", "")).simple.values():
                if parameter.residue or any(word in parameter.expression for word in LEFT_OUT):
                    continue
                try:
                    expected = shown(fhirpath.compile(parameter.expression).evaluate(resource))
                except Fault as fault:
                    wrong.append(f"{member.name} {parameter.name}: {fault.text}")
                    continue
                found = shown([value for leaf in parameter.leaves for value in walk(resource, leaf)])
                compared += 1
                if found != expected:
                    wrong.append(f"{member.name} {parameter.name}: {found[:3]} instead of {expected[:3]}")
    assert wrong == [], "\n".join(one[:200] for one in wrong)
    assert compared > 10_000
