"""Parameters resources in and out, as the operations use them.

Source: FHIR R4 parameters.html, operations.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kangshu.api.request import Request
from kangshu.base.faults import Invalid
from kangshu.sdk import Resource


class Inputs:
    """The input of an operation: named values and resources, each checked off when it is read."""

    def __init__(self, values: Mapping[str, list[Any]]) -> None:
        self._values = dict(values)

    def value(self, name: str, *, required: bool = False) -> Any:
        """Return the one value of `name`, None without. Raises Invalid when it repeats, or lacks and is required."""
        found = self._values.pop(name, [])
        if len(found) > 1:
            raise Invalid(f"parameter '{name}' may stand once only", zh=f"参数“{name}”只能出现一次")
        if not found and required:
            raise Invalid(f"parameter '{name}' is needed", zh=f"缺少参数“{name}”")
        return found[0] if found else None

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a value as text, "" without; a Reference gives its `reference`, a Coding its code."""
        found = self.value(name, required=required)
        if isinstance(found, Mapping):
            found = found.get("reference", found.get("code", ""))
        return "" if found is None else str(found)

    def rest(self) -> dict[str, Any]:
        """Return every value not read so far: the first by name, or the list where a name repeats."""
        left = {name: found[0] if len(found) == 1 else list(found) for name, found in self._values.items()}
        self._values.clear()
        return left

    def end(self) -> None:
        """Raise Invalid when a parameter is left that nobody read."""
        for name in self._values:
            raise Invalid(f"parameter '{name[:60]}' is not known here", zh=f"此处不支持参数“{name[:60]}”")


async def read_inputs(request: Request) -> Inputs:
    """Return the input: parameters of the address, and those of a Parameters resource in the body of a POST."""
    values: dict[str, list[Any]] = {}
    for name, text in request.criteria:
        values.setdefault(name, []).append(text)
    if request.method != "POST" or request.header(b"content-length") == "0":
        return Inputs(values)
    body = await request.resource()
    if body["resourceType"] != "Parameters":
        values.setdefault("resource", []).append(body)
        return Inputs(values)
    parameters = body.get("parameter", [])
    if not isinstance(parameters, list):
        raise Invalid("Parameters.parameter is a list", zh="Parameters.parameter须为数组")
    for number, one in enumerate(parameters):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise Invalid(
                "each parameter needs a name",
                zh="每个参数须有name",
                expression=f"Parameters.parameter[{number}]",
            )
        values.setdefault(one["name"], []).append(_value(one))
    return Inputs(values)


def _value(parameter: Mapping[str, Any]) -> Any:
    if "resource" in parameter:
        return parameter["resource"]
    if "part" in parameter:
        return {
            part["name"]: _value(part)
            for part in parameter["part"]
            if isinstance(part, dict) and "name" in part
        }
    for name, value in parameter.items():
        if name.startswith("value"):
            return value
    return None


def part(name: str, value: Any) -> dict[str, Any]:
    """Return one parameter of an answer. `value` is a plain value, a resource, or a list of further parts."""
    match value:
        case bool():
            return {"name": name, "valueBoolean": value}
        case int():
            return {"name": name, "valueInteger": value}
        case float() | Decimal():
            return {"name": name, "valueDecimal": value}
        case datetime():
            return {"name": name, "valueDateTime": value.isoformat(timespec="seconds")}
        case date():
            return {"name": name, "valueDate": value.isoformat()}
        case dict():
            return {"name": name, "resource": value}
        case list():
            return {"name": name, "part": value}
        case _:
            return {"name": name, "valueString": str(value)}


def parameters(parts: Iterable[dict[str, Any]]) -> Resource:
    """Return a Parameters resource of these parts."""
    return {"resourceType": "Parameters", "parameter": list(parts)}
