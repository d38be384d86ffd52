"""What is asked of a resource before it reaches the store."""

from __future__ import annotations

from typing import Any

from kangshu.base.faults import Fault, Invalid, Issue, Malformed, Unprocessable, Unsupported
from kangshu.fhir import definitions
from kangshu.sdk import Resource
from kangshu.validate import validate

_UNREADABLE = frozenset({"structure"})


def check_type(name: str) -> None:
    """Raise Invalid unless `name` is a resource type of R4."""
    if not definitions().is_resource(name):
        raise Invalid(f"'{name[:64]}' is no resource type of FHIR R4", zh=f"“{name[:64]}”不是FHIR R4资源类型")


def check_resource(resource: Resource, at: str = "") -> None:
    """Raise Malformed or Unprocessable with every finding of the validator that is an error.

    A resource that is not shaped as R4 says is malformed (400); one that is, and breaks a rule, unprocessable (422).
    """
    kind = str(resource.get("resourceType", ""))
    check_type(kind)
    if kind == "AuditEvent":
        raise Unsupported("the audit is written by the server alone", zh="审计日志由系统自动记录，不得写入")
    errors = tuple(one for one in validate(resource) if one.severity in ("error", "fatal"))
    if not errors:
        return
    issues = tuple(_at(one, at) for one in errors) if at else errors
    fault = Malformed if all(one.code in _UNREADABLE for one in errors) else Unprocessable
    raise fault(
        f"the resource has {len(errors)} errors; the first: {errors[0].text}",
        zh=f"资源有{len(errors)}处错误",
        issues=issues,
    )


def _at(issue: Issue, at: str) -> Issue:
    places = tuple(f"{at}.{one}" for one in issue.expression) or (at,)
    return Issue(issue.severity, issue.code, issue.text, places, issue.zh)


def check_bundle(bundle: Resource) -> dict[int, Fault]:
    """Check a batch or a transaction before it reaches the store.

    Returns the faults of a batch's entries by their number: those entries are answered alone. Raises Invalid or
    Malformed for any other Bundle, and the first fault of a transaction, as it fails the whole.
    """
    kind = bundle.get("type")
    if kind not in ("batch", "transaction"):
        raise Invalid(
            "post a Bundle of type batch or transaction to the base",
            zh="提交到根地址的Bundle类型须为batch或transaction",
            expression="Bundle.type",
        )
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Malformed("Bundle.entry is a list", zh="Bundle.entry须为数组", expression="Bundle.entry")
    faults: dict[int, Fault] = {}
    for number, entry in enumerate(entries):
        try:
            _check_entry(entry, f"Bundle.entry[{number}]")
        except Fault as fault:
            if kind == "transaction":
                raise
            faults[number] = fault
    return faults


def _check_entry(entry: Any, at: str) -> None:
    request = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        raise Invalid(
            "an entry needs request.method and request.url",
            zh="每个条目须有request.method和request.url",
            expression=at,
        )
    if request.get("method") not in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        raise Invalid(
            "request.method is GET, HEAD, POST, PUT, PATCH or DELETE",
            zh="request.method取值无效",
            expression=f"{at}.request.method",
        )
    if request["method"] in ("POST", "PUT"):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            raise Invalid("this entry needs a resource", zh="该条目缺少resource", expression=at)
        check_resource(resource, f"{at}.resource")
