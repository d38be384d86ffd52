"""The audit shown as AuditEvent. The server alone writes it, so that it can be read and searched, and nothing else.

Source: FHIR R4 auditevent.html; codes of http://hl7.org/fhir/restful-interaction.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from kangshu.api.bundles import Pairs, link
from kangshu.base.clock import instant, now
from kangshu.base.faults import Invalid, NotFound, Unsupported
from kangshu.base.whole_numbers import whole_number
from kangshu.fhir import date_range
from kangshu.sdk import Resource

if TYPE_CHECKING:
    from kangshu.access import Grant
    from kangshu.store import AuditRow, Store

PARAMETERS: Final = {"agent-name": "string", "entity": "reference", "date": "date"}
"""What the audit is searched by: an account's name, a record (`Patient/1`) or a type (`Patient`), `date=ge…`."""

_RESULT: Final = frozenset({"_count", "_cursor", "_format", "_pretty", "_sort", "_total"})
_ACTIONS: Final = {"create": "C", "update": "U", "patch": "U", "delete": "D"}
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
    asked = {name: value for name, value in pairs if name not in _RESULT}
    for name in asked.keys() - PARAMETERS.keys():
        raise Unsupported(
            f"the audit is searched by {', '.join(PARAMETERS)}; '{name[:60]}' is not offered",
            zh=f"审计日志可按{'、'.join(PARAMETERS)}检索，不支持“{name[:60]}”",
        )
    kind, _, id_ = asked.get("entity", "").partition("/")
    since = asked.get("date", "")
    if since and not since.startswith("ge"):
        raise Invalid("the audit is searched by date=ge…", zh="审计日志的date仅支持ge前缀")
    count, cursor = dict(pairs).get("_count", "50"), dict(pairs).get("_cursor", "")
    asked_size, before = whole_number(count, 20), whole_number(cursor, 18)
    if asked_size is None or (cursor and before is None):
        raise Invalid("_count and _cursor are numbers", zh="_count与_cursor须为数字")
    size = min(max(asked_size, 1), 1000)
    rows = await store.audit_rows(
        grant,
        account=asked.get("agent-name", ""),
        type=kind,
        id=id_,
        since=date_range(since[2:])[0] if since else None,
        before=before,
        count=size,
    )
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


def shown_event(position: int, row: AuditRow) -> Resource:
    """Return one row of the audit as AuditEvent; its id is its position."""
    interaction, _, subject = row.action.partition(" ")
    event: Resource = {
        "resourceType": "AuditEvent",
        "id": str(position),
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "subtype": [{"system": _SUBTYPE, "code": interaction}],
        "action": _ACTIONS.get(interaction, "E" if interaction in ("search-type", "sign-in") else "R"),
        "recorded": instant(row.at),
        "outcome": "0" if row.outcome == "ok" else "4",
        "agent": [_agent(row)],
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
    if entity:
        event["entity"] = [entity]
    return event


def _agent(row: AuditRow) -> dict[str, Any]:
    agent: dict[str, Any] = {"name": row.account or "unknown", "requestor": True}
    if row.purpose:
        system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
        agent["purposeOfUse"] = [{"coding": [{"system": system, "code": row.purpose}]}]
    return agent
