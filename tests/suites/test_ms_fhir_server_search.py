"""microsoft/fhir-server's search tables: what each query finds among its fixture."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from kangshu.access import system_grant
from kangshu.base.faults import Fault
from kangshu.fhir import parse
from kangshu.search import parse_query
from kangshu.store import Store

SUITE = "ms-fhir-server-search"
SYSTEM = system_grant("test")
TAG = "run1"


def _filled(value: Any) -> Any:
    return parse(json.dumps(value).replace("{tag}", TAG))


async def _fixture(store: Store, section: dict[str, Any]) -> dict[str, int | str]:
    """Store the fixture and return record id to its index."""
    ids: dict[str, int | str] = {}
    for number, one in enumerate(section["fixture"]):
        written = await store.create(SYSTEM, _filled(one))
        ids[written.stored.id] = number
    return ids


def _pairs(query: str) -> list[tuple[str, str]]:
    text = query.replace("{tag}", TAG).lstrip("?").replace("{score}", "{score}")
    # the tables write a plus and blanks as they are
    pairs = parse_qsl(text.replace("+", "%2B"), keep_blank_values=True)
    return [(name, value) for name, value in pairs if name != "_type"]


@pytest.mark.suite
async def test_what_queries_find(suite: Any, store: Store) -> None:
    sections = json.loads((suite.folder / "cases.json").read_text("utf-8"))
    ids: list[str] = []
    failed: dict[str, str] = {}
    for name, section in sections.items():
        if name == "composite":
            continue  # its fixture is named, not contained
        found_ids = await _fixture(store, section)
        for case in section["cases"]:
            id_ = f"{name}/{case['query'][:100]}"
            ids.append(id_)
            try:
                page = await store.search(
                    SYSTEM, parse_query(section["resourceType"], [*_pairs(case["query"]), ("_count", "1000")])
                )
                found = sorted(found_ids[one.id] for one in page.entries if one.id in found_ids)
            except Fault as fault:
                failed[id_] = fault.text
                continue
            if found != sorted(case["match"]):
                failed[id_] = f"found {found}, expected {case['match']}"
    suite.settle(ids, failed)
