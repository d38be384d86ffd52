"""The 715 official R4 example instances: accepted by the validator, and unchanged by a round trip."""

from __future__ import annotations

import json
import tarfile
from typing import Any

import pytest

from kangshu.fhir import parse, render
from kangshu.validate import faults_of, validate

SUITE = "r4-examples"
pytestmark = pytest.mark.suite


def with_lexemes(data: bytes) -> Any:
    """Return the JSON with every number as its text, so that 1.0 and 1.00 differ."""
    return json.loads(
        data, parse_float=lambda text: ("number", text), parse_int=lambda text: ("number", text)
    )


def test_suite(suite: Any) -> None:
    ids: list[str] = []
    failed: dict[str, str] = {}
    with tarfile.open(suite.folder / "examples.tar.xz") as files:
        for member in files:
            stream = files.extractfile(member)
            if stream is None:
                continue
            data = stream.read()
            resource = parse(data)
            ids.append(member.name)
            wrong = faults_of(validate(resource))
            if wrong:
                failed[member.name] = "; ".join(f"{i.expression}: {i.text}" for i in wrong[:3])
            assert with_lexemes(render(resource)) == with_lexemes(data), (
                f"{member.name} changes on a round trip"
            )
            assert with_lexemes(render(resource, pretty=True)) == with_lexemes(data)
    assert len(ids) == 715
    suite.settle(ids, failed)
