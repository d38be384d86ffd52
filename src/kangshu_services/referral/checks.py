"""A second computation of this service's measures, from the cases as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from kangshu.sdk import CheckQuery, Resource, case_value, cases_of, codes_of, falls_within

_CENTRES = frozenset({"community-health-centre", "township-health-centre"})
Answer = tuple[float, float]


def _moved(task: Resource, move: str) -> str:
    """Return when a move was made first, "" for never."""
    for note in task.get("note", ()):
        for event in note.get("extension", ()):
            codes = [one.get("valueCode") for one in event.get("extension", ()) if one["url"] == "move"]
            if move in codes:
                return str(note["time"])
    return ""


def _referrals(resources: list[Resource]) -> Iterator[Resource]:
    """Yield the referrals that an organisation asked for."""
    for one in cases_of(resources, "referral/referral"):
        if str((one.get("requester") or {}).get("reference", "")).startswith("Organization/"):
            yield one


def up(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Referrals up that were sent."""
    found = [
        one
        for one in _referrals(resources)
        if case_value(one, "direction") == "up" and falls_within(_moved(one, "send"), start, end)
    ]
    return len(found), len(found)


def from_homes(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Referrals up that homes for older people sent."""
    homes = {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization"
        and "elder-institution" in codes_of(one.get("type", []), "organisation-kind")
    }
    found = [
        one
        for one in _referrals(resources)
        if one["requester"]["reference"] in homes
        and case_value(one, "direction") == "up"
        and falls_within(_moved(one, "send"), start, end)
    ]
    return len(found), len(found)


def down(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Referrals down: begun by a hospital, or up and referred down afterwards."""
    count = 0
    for one in _referrals(resources):
        again = _moved(one, "refer-down")
        begun = _moved(one, "send") if case_value(one, "direction") == "down" and not again else ""
        count += falls_within(again, start, end) or falls_within(begun, start, end)
    return count, count


def acceptance(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Hours from sending to acceptance, of those accepted."""
    hours = []
    for one in _referrals(resources):
        sent, accepted = _moved(one, "send"), _moved(one, "accept")
        if sent and falls_within(accepted, start, end):
            spent = datetime.fromisoformat(accepted) - datetime.fromisoformat(sent)
            hours.append(spent.total_seconds() / 3600)
    return sum(hours), len(hours)


def feedback(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Referrals admitted that were answered, of all admitted."""
    admitted = [
        one
        for one in _referrals(resources)
        if falls_within(_moved(one, "admit") or _moved(one, "emergency-admit"), start, end)
    ]
    return len([one for one in admitted if _moved(one, "complete")]), len(admitted)


def down_ratio(resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]) -> Answer:
    """Referrals up answered that were referred down, of all answered."""
    answered = [
        one
        for one in _referrals(resources)
        if case_value(one, "direction") == "up" and falls_within(_moved(one, "complete"), start, end)
    ]
    return len([one for one in answered if _moved(one, "refer-down")]), len(answered)


def primary_visits(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> Answer:
    """Outpatient visits at health centres, of all."""
    kinds = {
        f"Organization/{one['id']}": set(codes_of(one.get("type", []), "organisation-kind"))
        for one in resources
        if one["resourceType"] == "Organization"
    }
    places = [
        str((one.get("serviceProvider") or {}).get("reference"))
        for one in resources
        if one["resourceType"] == "Encounter"
        and one["status"] == "finished"
        and "outpatient" in codes_of(one.get("type", []), "encounter-kind")
        and falls_within((one.get("period") or {}).get("start"), start, end)
    ]
    known = [kinds[one] for one in places if one in kinds]
    return len([one for one in known if one & _CENTRES]), len(known)


CHECKS: dict[str, CheckQuery] = {
    "referrals-up": up,
    "referrals-down": down,
    "referrals-from-homes": from_homes,
    "referral-acceptance-hours": acceptance,
    "referral-feedback-rate": feedback,
    "referral-down-ratio": down_ratio,
    "primary-visit-share": primary_visits,
}
