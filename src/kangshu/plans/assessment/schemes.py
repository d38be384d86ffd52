"""Schemes in the records: a Library each, versioned by year, a draft until a second person approves it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any, Final, cast

from kangshu.access import Grant
from kangshu.base.canonical import BASE, DEMO_TAG, DISTRICT, structure
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.plans.assessment.scheme import Scheme, SchemeState, as_data, from_data, lint
from kangshu.plans.elements import extension_value
from kangshu.plans.view import is_demo
from kangshu.plans.writing import writing
from kangshu.sdk import Resource
from kangshu.store import Store, Transaction, new_id

SCHEME: Final = f"{BASE}/sid/assessment-scheme"
"""Identifier system: year/version of a scheme."""
_MADE_BY, _APPROVED_BY = structure("made-by"), structure("approved-by")
_LIBRARY_TYPE: Final = "http://terminology.hl7.org/CodeSystem/library-type"


async def keep(store: Store, grant: Grant, scheme: Scheme, jurisdiction: str, today: str) -> Scheme:
    """Keep a scheme as the next draft of its year; return it with its id and version.

    Raises Unprocessable with every finding of `lint`.
    """
    found = lint(scheme)
    if found:
        raise Unprocessable(
            f"the scheme has {len(found)} findings; the first: {found[0].text}",
            zh=f"考核方案有 {len(found)} 处问题：{'；'.join(one.zh for one in found[:8])}",
            issues=found,
        )

    async def work(transaction: Transaction) -> Scheme:
        version = await transaction.next_number(f"assessment-scheme/{scheme.year}")
        made = replace(scheme, id=new_id(), version=version, state="draft", made_by=grant.account)
        await transaction.create_as(made.id, _library(made, jurisdiction, today))
        return made

    return await store.run(writing(grant), work)


async def approve(store: Store, grant: Grant, identifier: str, today: str) -> Scheme:
    """Put a draft in force; the one of the same year that was is retired.

    Raises:
        NotFound: no such scheme.
        Forbidden: the account made it itself.
        Conflict: it is no draft.
    """

    async def work(transaction: Transaction) -> Scheme:
        await transaction.lock("Library", identifier)
        stored = await transaction.read("Library", identifier)
        scheme = scheme_of(stored.resource)
        if scheme is None:
            raise NotFound("there is no such scheme", zh="没有该考核方案")
        if scheme.made_by == grant.account:
            raise Forbidden("somebody else approves a scheme", zh="方案须由录入人以外的人批准")
        if scheme.state != "draft":
            raise Conflict("only a draft is approved", zh="只有草稿可以批准")
        for one in await transaction.search_all("Library", f"identifier={SCHEME}|&status=active"):
            other = scheme_of(one)
            if other is not None and other.year == scheme.year:
                await transaction.update({**one, "status": "retired"})
        approved = {
            **stored.resource,
            "status": "active",
            "approvalDate": today,
            "extension": [
                *stored.resource.get("extension", ()),
                {"url": _APPROVED_BY, "valueString": grant.account},
            ],
        }
        await transaction.update(approved, if_match=stored.version)
        return replace(scheme, state="active", approved_by=grant.account, approved_on=today)

    return await store.run(writing(grant), work)


async def schemes(store: Store, grant: Grant) -> tuple[Scheme, ...]:
    """Return every scheme that the grant sees, the newest year and version first."""
    found = map(scheme_of, await store.search_all(grant, "Library", f"identifier={SCHEME}|"))
    return tuple(sorted((one for one in found if one), key=lambda one: (one.year, one.version), reverse=True))


async def scheme(store: Store, grant: Grant, identifier: str) -> Scheme:
    """Return one scheme. Raises NotFound."""
    found = scheme_of((await store.read(grant, "Library", identifier)).resource)
    if found is None:
        raise NotFound("there is no such scheme", zh="没有该考核方案")
    return found


def scheme_of(library: Resource) -> Scheme | None:
    """Return the scheme that a Library holds, None for any other Library."""
    key = next((one["value"] for one in library.get("identifier", ()) if one.get("system") == SCHEME), "")
    if not key:
        return None
    data = json.loads(base64.b64decode(library["content"][0]["data"]))
    return replace(
        from_data(data),
        id=str(library["id"]),
        version=int(str(library.get("version", "1"))),
        state=cast("SchemeState", library["status"]),
        made_by=str(extension_value(library, _MADE_BY) or ""),
        approved_by=str(extension_value(library, _APPROVED_BY) or ""),
        approved_on=str(library.get("approvalDate", "")),
        demo=is_demo(library),
    )


def _library(scheme: Scheme, jurisdiction: str, today: str) -> Resource:
    data = json.dumps(as_data(scheme), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    extensions: list[dict[str, Any]] = [{"url": _MADE_BY, "valueString": scheme.made_by}]
    if jurisdiction:
        extensions.append({"url": DISTRICT, "valueCode": jurisdiction})
    library: Resource = {
        "resourceType": "Library",
        "id": scheme.id,
        "extension": extensions,
        "identifier": [{"system": SCHEME, "value": f"{scheme.year}/{scheme.version}"}],
        "version": str(scheme.version),
        "title": scheme.title,
        "status": scheme.state,
        "type": {"coding": [{"system": _LIBRARY_TYPE, "code": "asset-collection"}]},
        "date": today,
        "relatedArtifact": [{"type": "derived-from", "citation": scheme.source}],
        "content": [{"contentType": "application/json", "data": base64.b64encode(data).decode()}],
    }
    if scheme.demo:
        library["meta"] = {"tag": [{"system": DEMO_TAG, "code": "demo", "display": "演示数据"}]}
    return library
