"""A second computation of this service's measures, from the records as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from kangshu.sdk import (
    CheckQuery,
    Resource,
    case_value,
    cases_of,
    civil_day,
    codes_of,
    extension_value,
    structure,
)

NUMBER = "http://kangshu.org/fhir/sid/care-worker"
AGENCIES = "care-worker-agencies"


def _posts(resources: list[Resource], day: date) -> Iterator[Resource]:
    """Yield the posts of care workers that hold on `day`."""
    for one in resources:
        if one["resourceType"] != "PractitionerRole" or "elder-care-worker" not in codes_of(
            one.get("code", []), "staff-role"
        ):
            continue
        period = one.get("period", {})
        if "start" in period and civil_day(period["start"]) > day:
            continue
        if civil_day(period["end"]) >= day if "end" in period else one.get("active", True):
            yield one


def _workers(
    resources: list[Resource], day: date, parameters: Mapping[str, Any]
) -> list[tuple[Resource, date | None]]:
    """Return each worker in post on `day` at an employer that counts, with the day on which the post began."""
    kinds = {"elder-institution", "day-care-centre"} | (
        {"service-provider"} if parameters[AGENCIES] else set()
    )
    employers = {
        f"Organization/{one['id']}"
        for one in resources
        if one["resourceType"] == "Organization"
        and kinds & codes_of(one.get("type", []), "organisation-kind")
    }
    began: dict[str, list[date]] = {}
    for post in _posts(resources, day):
        if post.get("organization", {}).get("reference") in employers:
            start = post.get("period", {}).get("start")
            began.setdefault(post["practitioner"]["reference"], []).extend(
                [civil_day(start)] if start else []
            )
    return [
        (one, min(began[f"Practitioner/{one['id']}"], default=None))
        for one in resources
        if one["resourceType"] == "Practitioner"
        and f"Practitioner/{one['id']}" in began
        and any(each.get("system") == NUMBER for each in one.get("identifier", ()))
    ]


def _held(worker: Resource, kind: str) -> Resource | None:
    return next((one for one in worker.get("qualification", ()) if codes_of([one["code"]], kind)), None)


def trained(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Workers whose training was over before the post began, of all in post."""
    workers = _workers(resources, end, parameters)
    count = 0
    for worker, began in workers:
        training = _held(worker, "care-training")
        count += bool(training and began and civil_day(training["period"]["start"]) < began)
    return count, len(workers)


def certified(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Workers with a skill certificate that holds on the day, of all in post."""
    workers = _workers(resources, end, parameters)
    count = 0
    for worker, _ in workers:
        period = (_held(worker, "care-skill-level") or {"period": None})["period"]
        count += bool(
            period is not None
            and ("start" not in period or civil_day(period["start"]) <= end)
            and ("end" not in period or civil_day(period["end"]) >= end)
        )
    return count, len(workers)


def in_post(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Workers in post."""
    count = len(_workers(resources, end, parameters))
    return count, count


def per_resident(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Frontline posts, and people who live in a home."""
    posts = sum(
        (extension_value(one, "care-post") or "frontline") == "frontline" for one in _posts(resources, end)
    )
    living = 0
    for one in resources:
        if one["resourceType"] == "EpisodeOfCare" and "elder-residence" in codes_of(
            one.get("type", []), "episode-kind"
        ):
            period = one.get("period", {})
            living += civil_day(period["start"]) <= end and (
                "end" not in period or civil_day(period["end"]) >= end
            )
    return posts, living


def incentives_paid(
    resources: list[Resource], start: date, end: date, parameters: Mapping[str, Any]
) -> tuple[float, float]:
    """Amounts of incentives paid in the period."""
    found = []
    for task in cases_of(resources, "care_workers/incentive"):
        days = [
            civil_day(note["time"])
            for note in task.get("note", ())
            for event in note.get("extension", ())
            if event["url"] == structure("case-event")
            for part in event["extension"]
            if part["url"] == "move" and part["valueCode"] == "pay"
        ]
        if days and start <= days[-1] <= end:
            found.append(float(case_value(task, "amount") or 0))
    return sum(found), len(found)


CHECKS: dict[str, CheckQuery] = {
    "pre-job-training-rate": trained,
    "certified-care-workers": certified,
    "care-workers-in-post": in_post,
    "care-workers-per-resident": per_resident,
    "incentives-paid": incentives_paid,
}
