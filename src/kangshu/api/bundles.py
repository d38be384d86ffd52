"""Pages of records as Bundles: searchset and history, with links.

Source: FHIR R4 bundle.html, http.html#search, http.html#history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from msgspec import Raw

from kangshu.api.outcome import issues_outcome
from kangshu.api.subset import subset
from kangshu.base.clock import instant, now
from kangshu.base.faults import Issue
from kangshu.sdk import Resource

if TYPE_CHECKING:
    from kangshu.store import Page, Stored

Pairs = Sequence[tuple[str, str]]


def link(base: str, path: str, pairs: Pairs) -> str:
    """Return the address of `path` with these parameters."""
    return f"{base}/{path}?{urlencode(pairs)}" if pairs else f"{base}/{path}"


def searchset(
    page: Page,
    base: str,
    path: str,
    pairs: Pairs,
    *,
    summary: str = "",
    elements: tuple[str, ...] = (),
    ignored: tuple[str, ...] = (),
) -> Resource:
    """Return one page of a search: matches, then what was included, then a note on ignored parameters."""
    entries = [_entry(base, one, "match", summary, elements) for one in page.entries]
    entries += [_entry(base, one, "include", "", ()) for one in page.included]
    if ignored:
        entries.append(
            {
                "resource": issues_outcome(
                    tuple(
                        Issue(
                            "warning",
                            "not-supported",
                            f"parameter '{one}' was ignored",
                            zh=f"参数“{one}”已忽略",
                        )
                        for one in ignored
                    )
                ),
                "search": {"mode": "outcome"},
            }
        )
    bundle: Resource = {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"lastUpdated": instant(now())},
    }
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = _links(base, path, pairs, page.next)
    if entries:
        bundle["entry"] = entries
    return bundle


def counted(total: int, base: str, path: str, pairs: Pairs) -> Resource:
    """Return the searchset of `_summary=count`."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"lastUpdated": instant(now())},
        "total": total,
        "link": [{"relation": "self", "url": link(base, path, pairs)}],
    }


def _links(base: str, path: str, pairs: Pairs, cursor: str | None) -> list[dict[str, str]]:
    links = [{"relation": "self", "url": link(base, path, pairs)}]
    if cursor is not None:
        onward = [pair for pair in pairs if pair[0] != "_cursor"] + [("_cursor", cursor)]
        links.append({"relation": "next", "url": link(base, path, onward)})
    return links


def _entry(base: str, stored: Stored, mode: str, summary: str, elements: tuple[str, ...]) -> dict[str, Any]:
    return {
        "fullUrl": f"{base}/{stored.type}/{stored.id}",
        "resource": subset(stored.resource, summary, elements) if summary or elements else Raw(stored.body),
        "search": {"mode": mode},
    }


def history_bundle(page: Page, base: str, path: str, pairs: Pairs) -> Resource:
    """Return one page of versions, newest first."""
    bundle: Resource = {"resourceType": "Bundle", "type": "history", "meta": {"lastUpdated": instant(now())}}
    if page.total is not None:
        bundle["total"] = page.total
    bundle["link"] = _links(base, path, pairs, page.next)
    if page.entries:
        bundle["entry"] = [_version(base, one) for one in page.entries]
    return bundle


def _version(base: str, stored: Stored) -> dict[str, Any]:
    place = f"{stored.type}/{stored.id}"
    method, status = ("DELETE", "204") if stored.deleted else ("PUT", "200")
    if stored.version == 1 and not stored.deleted:
        status = "201"
    entry: dict[str, Any] = {
        "fullUrl": f"{base}/{place}",
        "request": {"method": method, "url": place},
        "response": {
            "status": status,
            "etag": f'W/"{stored.version}"',
            "lastModified": instant(stored.last_updated),
        },
    }
    if not stored.deleted:
        entry["resource"] = Raw(stored.body)
    return entry
