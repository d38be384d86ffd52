"""The capability statement is true: what it names is offered, what is offered it names."""

from __future__ import annotations

from typing import Any

from kangshu.api import ENDPOINTS


async def test_every_search_parameter_named_is_understood(face: Any) -> None:
    statement = (await face.client.get("/metadata")).json()
    assert statement["fhirVersion"] == "4.0.1"
    (rest,) = statement["rest"]
    values = {"date": "2020", "number": "1", "quantity": "1", "token": "a", "string": "a", "uri": "urn:a"}
    for resource in rest["resource"]:
        if resource["type"] not in ("Patient", "Task", "Observation", "Contract", "Slot"):
            continue
        for one in resource["searchParam"]:
            if one["type"] == "composite":
                continue
            value = values.get(one["type"], "Patient/a")
            answer = await face.client.get(f"/{resource['type']}", params={one["name"]: value, "_count": "1"})
            assert answer.status_code == 200, (resource["type"], one["name"], answer.text)


async def test_every_operation_named_has_its_endpoint_and_the_reverse(face: Any) -> None:
    (rest,) = (await face.client.get("/metadata")).json()["rest"]
    named = {
        (one["type"], operation["name"]) for one in rest["resource"] for operation in one.get("operation", ())
    }
    offered = {(kind, one.operation) for one in ENDPOINTS if one.operation for kind in one.types}
    assert offered <= named
    of_the_server = {operation["name"] for operation in rest["operation"]}
    assert {name for _, name in named} | of_the_server == {
        one.operation for one in ENDPOINTS if one.operation
    }


def test_every_endpoint_has_both_languages() -> None:
    assert all(one.title.zh and one.title.en and one.handler.__doc__ for one in ENDPOINTS)
