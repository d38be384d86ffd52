"""Batch and transaction Bundles.

Source: https://hl7.org/fhir/R4/http.html#transaction. Order within a transaction: DELETE, POST, PUT and PATCH, GET.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from kangshu.access import Grant
from kangshu.base import faults
from kangshu.base.clock import instant
from kangshu.base.faults import (
    Fault,
    Invalid,
    MultipleMatches,
    NotFound,
    PreconditionFailed,
    TooLarge,
    Unsupported,
)
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import check_values, definitions, rewrite_references, walk_references
from kangshu.sdk import Resource
from kangshu.search import parse_query
from kangshu.store.bodies import new_id
from kangshu.store.records import Page, Stored, Written
from kangshu.store.transaction import Transaction

if TYPE_CHECKING:
    from kangshu.store.store import Store

_ORDER: Final = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
_STATUS: Final[dict[type[Fault], str]] = {
    faults.Invalid: "400 Bad Request",
    faults.Unauthenticated: "401 Unauthorized",
    faults.Forbidden: "403 Forbidden",
    faults.NotFound: "404 Not Found",
    faults.NotAcceptable: "406 Not Acceptable",
    faults.Conflict: "409 Conflict",
    faults.Gone: "410 Gone",
    faults.PreconditionFailed: "412 Precondition Failed",
    faults.TooLarge: "413 Payload Too Large",
    faults.UnsupportedMedia: "415 Unsupported Media Type",
    faults.Unprocessable: "422 Unprocessable Entity",
    faults.Throttled: "429 Too Many Requests",
    faults.Unavailable: "503 Service Unavailable",
}
"""Bundle.entry.response.status of a fault. The table of `api` rules the wire; a test holds the two together."""


Check = Callable[[Resource], None]
"""Raises a Fault for a resource that must not be stored."""

MOST_ENTRIES: Final = 10_000
MOST_ANSWERED: Final = 64 * 1024 * 1024
"""Bytes of all records that the answer to one Bundle shows."""


@dataclass(slots=True)
class _Terms:
    """What holds for all entries: whether answers show what was written, what a patch must leave, how much is shown."""

    representation: bool
    check: Check | None
    left: int = MOST_ANSWERED

    def spend(self, *shown: Stored) -> None:
        """Raise TooLarge when the records shown so far are more than one answer may hold."""
        self.left -= sum(len(one.body) for one in shown)
        if self.left < 0:
            raise TooLarge(
                "the answer would be too large; split the Bundle", zh="应答内容过大，请拆分 Bundle"
            )


@dataclass(slots=True)
class Entry:
    """One entry, its request taken apart."""

    number: int
    method: str
    type: str
    id: str
    criteria: str | None
    version: int | None
    full_url: str
    resource: Any
    if_match: int | None
    if_none_exist: str | None


async def process(
    store: Store, grant: Grant, bundle: Resource, *, representation: bool = False, check: Check | None = None
) -> Resource:
    """Return the response Bundle; see `Store.bundle`. `representation` adds the written resources."""
    kind = bundle.get("type")
    if bundle.get("resourceType") != "Bundle" or kind not in ("batch", "transaction"):
        raise Invalid(
            "send a Bundle of type batch or transaction", zh="请提交 batch 或 transaction 类型的 Bundle"
        )
    raw = bundle.get("entry", [])
    if not isinstance(raw, list):
        raise Invalid("Bundle.entry is a list", zh="Bundle.entry 应为列表", expression="Bundle.entry")
    if len(raw) > MOST_ENTRIES:
        raise TooLarge(
            f"a Bundle has at most {MOST_ENTRIES} entries; split it, or load it with 'kangshu load'",
            zh=f"一个 Bundle 最多 {MOST_ENTRIES} 个条目，请拆分或使用“kangshu load”命令装载",
        )
    if kind == "batch":
        terms = _Terms(representation, check)
        answers = [await _independent(store, grant, number, one, terms) for number, one in enumerate(raw)]
    else:
        entries = [_located(number, one) for number, one in enumerate(raw)]
        answers = await store.run(grant, lambda t: _transact(t, entries, _Terms(representation, check)))
    return {"resourceType": "Bundle", "type": f"{kind}-response", "entry": answers}


def status_of(fault: Fault) -> str:
    """Return the status line of a fault within a batch."""
    for kind in type(fault).__mro__:
        if kind in _STATUS:
            return _STATUS[kind]
    return "500 Internal Server Error"


def outcome_of(fault: Fault) -> Resource:
    """Return the OperationOutcome of a fault within a batch."""
    issues: list[Resource] = []
    for issue in fault.issues:
        row: Resource = {
            "severity": issue.severity,
            "code": issue.code,
            "details": {"text": issue.zh or issue.text},
        }
        row["diagnostics"] = issue.text
        if issue.expression:
            row["expression"] = list(issue.expression)
        issues.append(row)
    return {"resourceType": "OperationOutcome", "issue": issues}


async def _independent(store: Store, grant: Grant, number: int, raw: Any, terms: _Terms) -> Resource:
    try:
        entry = _read(number, raw)
        async with store.audited_entry(grant, entry.method.lower(), entry.type, entry.id):
            return await store.run(grant, lambda t: _perform(t, entry, terms))
    except Fault as fault:
        return {"response": {"status": status_of(fault), "outcome": outcome_of(fault)}}


def _located(number: int, raw: Any) -> Entry:
    try:
        return _read(number, raw)
    except Fault as fault:
        raise _at(fault, number) from None


def _at(fault: Fault, number: int) -> Fault:
    """Return `fault` with the entry it comes from."""
    place = f"Bundle.entry[{number}]"
    fault.issues = tuple(replace(issue, expression=(place, *issue.expression)) for issue in fault.issues)
    return fault


def _read(number: int, raw: Any) -> Entry:
    request = raw.get("request") if isinstance(raw, dict) else None
    if not isinstance(request, dict):
        raise Invalid("the entry has no request", zh="条目缺少 request")
    method, url = request.get("method"), request.get("url")
    if method not in _ORDER or not isinstance(url, str):
        raise Invalid("the entry's request needs a method and a url", zh="条目的 request 缺少 method 或 url")
    path, _, criteria = url.partition("?")
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if not definitions().is_resource(parts[0]):
        raise Unsupported(f"there is no {url[:80]!r} within a Bundle", zh=f"Bundle 中不支持 {url[:80]!r}")
    version: int | None = None
    if len(parts) == 4 and parts[2] == "_history" and whole_number(parts[3]) is not None:
        version = whole_number(parts[3])
    elif len(parts) > 2 or (len(parts) == 2 and parts[1].startswith(("_", "$"))):
        raise Unsupported(f"{url[:80]!r} is not offered within a Bundle", zh=f"Bundle 中不支持 {url[:80]!r}")
    if method in ("POST", "PUT") and not isinstance(raw.get("resource"), dict):
        raise Invalid(f"{method} needs a resource", zh=f"{method} 需要 resource")
    if method in ("PUT", "PATCH", "DELETE") and len(parts) == 1 and not criteria:
        raise Invalid(
            f"{method} needs an id or criteria in the url", zh=f"{method} 的 url 须有 id 或检索条件"
        )
    for value in (raw.get("fullUrl", ""), request.get("ifNoneExist", "")):
        if not isinstance(value, str):
            raise Invalid("fullUrl and ifNoneExist are text", zh="fullUrl 与 ifNoneExist 须为文本")
    return Entry(
        number=number,
        method=method,
        type=parts[0],
        id=parts[1] if len(parts) > 1 else "",
        criteria=criteria if "?" in url else None,
        version=version,
        full_url=raw.get("fullUrl") or "",
        resource=raw.get("resource"),
        if_match=_etag(request.get("ifMatch")),
        if_none_exist=request.get("ifNoneExist"),
    )


def _etag(text: Any) -> int | None:
    if text is None:
        return None
    number = whole_number(str(text).removeprefix("W/").strip('"'))
    if number is None:
        raise PreconditionFailed("If-Match is not a version of this server", zh="If-Match 不是有效的版本号")
    return number


async def _transact(transaction: Transaction, entries: list[Entry], terms: _Terms) -> list[Resource]:
    entries = [replace(entry, resource=_copy(entry.resource)) for entry in entries]
    await transaction.lock_all([(e.type, e.id) for e in entries if e.id and e.method != "GET"])
    places: dict[str, str] = {}
    matched: dict[int, Stored] = {}
    seen: set[str] = set()
    for entry in entries:
        try:
            await _place(transaction, entry, places, matched)
        except Fault as fault:
            raise _at(fault, entry.number) from None
        target = f"{entry.type}/{entry.id}" if entry.id and entry.method != "GET" else ""
        if target and target in seen:
            raise _at(Invalid(f"{target} is in two entries", zh=f"{target} 出现在两个条目中"), entry.number)
        seen.add(target)
    await _resolve(transaction, entries, places)
    answers: list[Resource] = [{} for _ in entries]
    for entry in sorted(entries, key=lambda one: _ORDER[one.method]):
        try:
            found = matched.get(entry.number)
            if found is not None and entry.method == "POST":
                answers[entry.number] = _answer(Written(found, created=False, changed=False), terms)
            else:
                answers[entry.number] = await _perform(transaction, entry, terms)
        except Fault as fault:
            raise _at(fault, entry.number) from None
    return answers


async def _place(
    transaction: Transaction, entry: Entry, places: dict[str, str], matched: dict[int, Stored]
) -> None:
    """Decide the entry's id before anything is written, so that others can refer to it."""
    if entry.method == "POST":
        if entry.if_none_exist is not None:
            found = await transaction.match(entry.type, entry.if_none_exist)
            if found is not None:
                matched[entry.number] = found
                entry.id = found.id
        entry.id = entry.id or new_id()
    elif entry.method in ("PUT", "DELETE", "PATCH") and not entry.id and entry.criteria is not None:
        found = await transaction.match(entry.type, entry.criteria)
        if found is not None:
            entry.id = found.id
        elif entry.method == "PUT":
            entry.id = entry.resource.get("id") or new_id()
        entry.criteria = None
    if entry.full_url and entry.id and entry.method in ("POST", "PUT"):
        places[entry.full_url] = f"{entry.type}/{entry.id}"


async def _resolve(transaction: Transaction, entries: list[Entry], places: dict[str, str]) -> None:
    """Rewrite references to entries and conditional references (`Practitioner?identifier=…`)."""
    known = dict(places)
    for entry in entries:
        if entry.resource is None or entry.method not in ("POST", "PUT"):
            continue
        for element in walk_references(entry.resource):
            text = element["reference"]
            kind, mark, criteria = text.partition("?")
            if mark and text not in known and definitions().is_resource(kind):
                try:
                    found = await transaction.match(kind, criteria, lock=False)
                except MultipleMatches as fault:
                    raise _at(fault, entry.number) from None
                if found is None:
                    missing = NotFound(
                        f"no {kind} meets the conditional reference", zh=f"条件引用未匹配到 {kind}"
                    )
                    raise _at(PreconditionFailed(missing.text, zh=missing.zh), entry.number)
                known[text] = found.reference
        rewrite_references(entry.resource, lambda text: known.get(text, text))


async def _perform(transaction: Transaction, entry: Entry, terms: _Terms) -> Resource:
    """Do one entry and return its answer."""
    match entry.method:
        case "GET" | "HEAD":
            return await _get(transaction, entry, terms)
        case "POST" if not entry.id:
            done = await transaction.create(_typed(entry), if_none_exist=entry.if_none_exist)
        case "POST":
            done = await transaction.create_as(entry.id, _typed(entry))
        case "PUT" if entry.criteria is not None:
            done = await transaction.update_matching(
                entry.type, entry.criteria, _typed(entry), if_match=entry.if_match
            )
        case "PUT":
            resource = _typed(entry)
            if resource.get("id", entry.id) != entry.id:
                raise Invalid("the resource's id is not that of the url", zh="资源 id 与 url 不一致")
            done = await transaction.update({**resource, "id": entry.id}, if_match=entry.if_match)
        case "PATCH":
            done = await transaction.patch(
                entry.type, entry.id, _operations(entry.resource), if_match=entry.if_match, check=terms.check
            )
        case _:
            return await _delete(transaction, entry)
    return _answer(done, terms)


def _typed(entry: Entry) -> Resource:
    resource: Resource = entry.resource
    if resource.get("resourceType") != entry.type:
        raise Invalid("the resource's type is not that of the url", zh="资源类型与 url 不一致")
    return resource


def _operations(resource: Any) -> Any:
    """Return the JSON Patch that a Binary carries."""
    if isinstance(resource, dict) and resource.get("resourceType") == "Binary" and "data" in resource:
        try:
            data = base64.b64decode(resource["data"])
            check_values(data)
            return msgspec.json.decode(data)
        except (ValueError, TypeError, msgspec.DecodeError):
            raise Invalid("the Binary holds no JSON Patch", zh="Binary 中不是 JSON Patch") from None
    return resource


async def _delete(transaction: Transaction, entry: Entry) -> Resource:
    if entry.id:
        try:
            await transaction.delete(entry.type, entry.id)
        except NotFound:
            return {"response": {"status": "204 No Content"}}
    elif entry.criteria is not None:
        await transaction.delete_matching(entry.type, entry.criteria)
    return {"response": {"status": "204 No Content"}}


async def _get(transaction: Transaction, entry: Entry, terms: _Terms) -> Resource:
    if entry.id:
        if entry.version is not None:
            found = await transaction.vread(entry.type, entry.id, entry.version)
        else:
            found = await transaction.read(entry.type, entry.id)
        terms.spend(found)
        return {
            "resource": found.resource,
            "response": {
                "status": "200 OK",
                "etag": f'W/"{found.version}"',
                "lastModified": instant(found.last_updated),
            },
        }
    query = parse_query(entry.type, parse_qsl(entry.criteria or "", keep_blank_values=True))
    page = await transaction.search(query)
    terms.spend(*page.entries, *page.included)
    return {"resource": _searchset(page), "response": {"status": "200 OK"}}


def _searchset(page: Page) -> Resource:
    found: Resource = {"resourceType": "Bundle", "type": "searchset"}
    if page.total is not None:
        found["total"] = page.total
    entries = [{"resource": one.resource, "search": {"mode": "match"}} for one in page.entries]
    entries += [{"resource": one.resource, "search": {"mode": "include"}} for one in page.included]
    if entries:
        found["entry"] = entries
    return found


def _answer(done: Written, terms: _Terms) -> Resource:
    stored = done.stored
    answer: Resource = {
        "response": {
            "status": "201 Created" if done.created else "200 OK",
            "location": f"{stored.reference}/_history/{stored.version}",
            "etag": f'W/"{stored.version}"',
            "lastModified": instant(stored.last_updated),
        }
    }
    if terms.representation:
        terms.spend(stored)
        answer["resource"] = stored.resource
    return answer


def _copy(resource: Any) -> Any:
    """Return a deep copy of JSON: a transaction tried again starts from what was sent."""
    if isinstance(resource, dict):
        return {name: _copy(value) for name, value in resource.items()}
    return [_copy(value) for value in resource] if isinstance(resource, list) else resource
