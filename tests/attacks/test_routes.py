"""Every endpoint of /fhir × every role × a hidden id and one that never was: found in the table that the server routes by."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kangshu.api import ENDPOINTS, Endpoint

from .cases import attack
from .city import ROLES

NOBODY = "never-there"
TYPES = ("Patient", "Observation", "Task", "Contract")
"""One type of each kind of scope: the resident, what is about one, a case, what stands between two."""

ELSEWHERE = {
    "capabilities", "transaction", "history-system", "search-type", "history-type", "create", "update-conditional",
    "patch-conditional", "delete-conditional", "$validate", "$start", "$evaluate-measure", "$signal",
}  # fmt: skip
"""Endpoints that name no record: `test_same_policy`, `test_writes` and `test_bad_requests` try what they do."""

SENT: dict[str, tuple[str, str]] = {
    "update": ('{{"resourceType":"{kind}","id":"{id}","meta":{{}}}}', "application/fhir+json"),
    "patch": ('[{{"op":"test","path":"/resourceType","value":"{kind}"}}]', "application/json-patch+json"),
    "$validate": ('{{"resourceType":"{kind}"}}', "application/fhir+json"),
    "$move": ('{{"resourceType":"Parameters","parameter":[{{"name":"move","valueString":"accept"}}]}}', "application/fhir+json"),
    "$book": ('{{"resourceType":"Parameters","parameter":[{{"name":"patient","valueString":"none"}}]}}', "application/fhir+json"),
    "$wait": ('{{"resourceType":"Parameters","parameter":[{{"name":"patient","valueString":"none"}}]}}', "application/fhir+json"),
    "$publish-slots": ('{{"resourceType":"Parameters","parameter":[{{"name":"first","valueString":"2026-01-05"}},{{"name":"last","valueString":"2026-01-11"}}]}}', "application/fhir+json"),
    "$reconcile-bookings": ('{{"resourceType":"Parameters","parameter":[{{"name":"day","valueString":"2026-01-05"}}]}}', "application/fhir+json"),
    "$reveal": ('{{"resourceType":"Parameters","parameter":[{{"name":"field","valueString":"telephone"}},{{"name":"reason","valueString":"xxxxxxxxxx"}}]}}', "application/fhir+json"),
}  # fmt: skip
"""What is sent, by interaction or operation; others take no body."""

NAMING = [one for one in ENDPOINTS if "{id}" in one.path]


def called(one: Endpoint) -> str:
    return f"${one.operation}" if one.operation else one.interaction


@attack(13)
def test_every_endpoint_has_a_case() -> None:
    """One that names a record is swept below; any other is known by name."""
    unknown = [one.path for one in ENDPOINTS if "{id}" not in one.path and called(one) not in ELSEWHERE]
    assert not unknown, f"write the attacks of these and name them in ELSEWHERE: {unknown}"
    unsent = [
        one.path for one in NAMING
        if one.method in ("POST", "PUT", "PATCH") and called(one) not in SENT
    ]  # fmt: skip
    assert not unsent, f"say in SENT what these take: {unsent}"


def answer(client: httpx.Client, one: Endpoint, kind: str, id_: str) -> httpx.Response:
    path = one.path.replace("{type}", kind).replace("{id}", id_).replace("{version}", "1")
    content, media = SENT.get(called(one), ("", ""))
    if one.method in ("GET", "DELETE"):
        return client.request(one.method, path)
    text = content.format(kind=kind, id=id_)
    return client.request(one.method, path, content=text, headers={"content-type": media})


@attack(13, 3)
@pytest.mark.parametrize("name", ROLES)
def test_every_endpoint_for_every_role(city: Any, name: str) -> None:
    """A hidden id and one that never was get the same answer, in words too; nothing is changed."""
    client = city.fhir(name)
    with city.unchanged():
        for one in NAMING:
            for kind in one.types or TYPES:
                if hidden := sorted(city.seen_by(name, kind)[1]):
                    _look_the_same(client, one, kind, hidden[0])


def _look_the_same(client: httpx.Client, one: Endpoint, kind: str, hidden: str) -> None:
    there, never, where = (
        answer(client, one, kind, hidden),
        answer(client, one, kind, NOBODY),
        (one.method, one.path, kind),
    )
    checked = called(one) == "$validate" and one.method == "POST"  # of the body alone
    assert (there.status_code == 200 and checked) or 400 <= there.status_code < 500, (
        where,
        there.status_code,
    )
    assert there.status_code == never.status_code, (where, there.status_code, never.status_code)
    assert there.text.replace(hidden, "*") == never.text.replace(NOBODY, "*"), where
