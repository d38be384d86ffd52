"""The audit shown as AuditEvent. The server alone writes it, so that it can be read and searched, and nothing else.

Source: FHIR R4 auditevent.html; codes of http://hl7.org/fhir/restful-interaction.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from kangshu.api.bundles import Pairs, link
from kangshu.base.clock import instant, now
from kangshu.base.faults import Invalid, NotFound, Unsupported
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import date_range
from kangshu.sdk import Resource
from kangshu.store import AuditQuery

if TYPE_CHECKING:
    from datetime import datetime

    from kangshu.access import Grant
    from kangshu.store import AuditRow, Store

PARAMETERS: Final = {
    "agent-name": "string", "entity": "reference", "patient": "reference", "date": "date", "action": "token",
    "subtype": "token", "outcome": "token", "address": "string",
}  # fmt: skip
"""What the audit is searched by: an account's name, a record (`Patient/1`) or a type (`Patient`), the resident whose
record was shown, `date=ge…` and `date=lt…`, what was done, how it ended, the client's network address."""

_RESULT: Final = frozenset({"_count", "_cursor", "_format", "_pretty", "_sort", "_total"})
_ACTIONS: Final = {
    "create": "C", "update": "U", "patch": "U", "delete": "D", "read": "R", "vread": "R", "history": "R",
    "search-type": "E", "sign-in": "E", "sign-out": "E", "measure": "E", "measure-subjects": "E", "export": "E",
    "reveal": "R", "find-resident": "E",
}  # fmt: skip
_PATIENT: Final = {
    "system": "http://terminology.hl7.org/CodeSystem/object-role",
    "code": "1",
    "display": "Patient",
}
_APPLICATION: Final = {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110150"}
_SUBTYPE: Final = "http://hl7.org/fhir/restful-interaction"


async def audit_event(store: Store, grant: Grant, id_: str) -> Resource:
    """Return one row of the audit. Raises Forbidden without `audit.read`, NotFound."""
    position = whole_number(id_, 18)
    if position is None:
        raise NotFound("there is no such AuditEvent", zh="没有此审计记录")
    rows = await store.audit_rows(grant, before=position + 1, count=1)
    if not rows or rows[0][0] != position:
        raise NotFound("there is no such AuditEvent", zh="没有此审计记录")
    return shown_event(*rows[0])


async def search_audit(store: Store, grant: Grant, base: str, pairs: Pairs) -> Resource:
    """Return a page of the audit, newest first. Raises Forbidden without `audit.read`, Unsupported, Invalid."""
    asked = _asked([pair for pair in pairs if pair[0] not in _RESULT])
    count, cursor = dict(pairs).get("_count", "50"), dict(pairs).get("_cursor", "")
    asked_size, before = whole_number(count, 20), whole_number(cursor, 18)
    if asked_size is None or (cursor and before is None):
        raise Invalid("_count and _cursor are numbers", zh="_count与_cursor须为数字")
    size = min(max(asked_size, 1), 1000)
    rows = await store.audit_rows(grant, asked, before=before, count=size)
    links = [{"relation": "self", "url": link(base, "AuditEvent", pairs)}]
    if len(rows) == size:
        onward = [pair for pair in pairs if pair[0] != "_cursor"] + [("_cursor", str(rows[-1][0]))]
        links.append({"relation": "next", "url": link(base, "AuditEvent", onward)})
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"lastUpdated": instant(now())},
    }
    bundle["link"] = links
    if rows:
        bundle["entry"] = [
            {
                "fullUrl": f"{base}/AuditEvent/{position}",
                "resource": shown_event(position, row),
                "search": {"mode": "match"},
            }
            for position, row in rows
        ]
    return bundle


def _asked(pairs: Pairs) -> AuditQuery:
    found = dict(pairs)
    for name in found.keys() - PARAMETERS.keys():
        raise Unsupported(
            f"the audit is searched by {', '.join(PARAMETERS)}; '{name[:60]}' is not offered",
            zh=f"审计日志可按{'、'.join(PARAMETERS)}检索，不支持“{name[:60]}”",
        )
    kind, _, id_ = found.get("entity", "").partition("/")
    since: datetime | None = None
    until: datetime | None = None
    for name, value in pairs:
        if name != "date" or not value:
            continue
        if value.startswith(("ge", "sa")):
            since = date_range(value[2:])[0 if value.startswith("ge") else 1]
        elif value.startswith(("lt", "le")):
            until = date_range(value[2:])[0 if value.startswith("lt") else 1]
        else:
            raise Invalid(
                "the audit is searched by date=ge… and date=lt…", zh="审计日志的date仅支持ge、sa、lt、le前缀"
            )
    return AuditQuery(
        account=found.get("agent-name", ""), type=kind, id=id_, resident=found.get("patient", "").rpartition("/")[2],
        actions=_actions(found.get("action", ""), found.get("subtype", "").rpartition("|")[2]),
        outcome=_outcome(found.get("outcome", "")), address=found.get("address", ""), since=since, until=until,
    )  # fmt: skip


def _actions(action: str, subtype: str) -> tuple[str, ...]:
    if subtype:
        return (subtype,)
    if not action:
        return ()
    words = tuple(name for name, code in _ACTIONS.items() if code == action)
    if not words:
        raise Invalid("action is one of C, R, U, D, E", zh="action取值为C、R、U、D、E之一")
    return words


def _outcome(text: str) -> str:
    known = {"": "", "0": "ok", "4": "refused", "8": "refused", "12": "refused"}
    code = text.rpartition("|")[2]
    if code not in known:
        raise Invalid("outcome is 0 or 4", zh="outcome取值为0或4")
    return known[code]


def shown_event(position: int, row: AuditRow) -> Resource:
    """Return one row of the audit as AuditEvent; its id is its position."""
    interaction, _, subject = row.action.partition(" ")
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": str(position),
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [{"system": _SUBTYPE, "code": interaction}],
        "action": _ACTIONS.get(interaction, "E"),
        "recorded": instant(row.at),
        "outcome": "0" if row.outcome == "ok" else "4",
        "agent": list(_agents(row)),
        "source": {"observer": {"display": "Kangshu 康枢"}},
    }
    if row.outcome != "ok":
        event["outcomeDesc"] = row.outcome
    entity: dict[str, Any] = {}
    if row.id:
        entity["what"] = {"reference": f"{row.type}/{row.id}"}
    elif row.type or subject:
        entity["what"] = {"display": row.type or subject}
    if row.detail:
        entity["query"] = base64.b64encode(row.detail.encode()).decode()
    entities = [entity] if entity else []
    entities.extend({"what": {"reference": f"Patient/{one}"}, "role": _PATIENT} for one in row.residents)
    if entities:
        event["entity"] = entities
    return event


def _agents(row: AuditRow) -> Iterator[dict[str, Any]]:
    """Yield who acted, from where and why; for whom, where a deputy did; and through which application."""
    agent: dict[str, Any] = {"name": row.account or "unknown", "requestor": True}
    if row.address:
        agent["network"] = {"address": row.address, "type": "2"}
    if row.purpose:
        system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
        agent["purposeOfUse"] = [{"coding": [{"system": system, "code": row.purpose}]}]
        if row.reason:
            agent["purposeOfUse"][0]["text"] = row.reason
    yield agent
    if row.on_behalf_of:
        yield {"type": {"text": "on behalf of"}, "name": row.on_behalf_of, "requestor": False}
    if row.app:
        yield {"type": {"coding": [_APPLICATION]}, "name": row.app, "requestor": False}
