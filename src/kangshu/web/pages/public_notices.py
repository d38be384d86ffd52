"""公示: what everybody may read while it is up, and objections to it. No sign-in; nothing that the state does not publish."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from kangshu.base.faults import Fault, Throttled, Unprocessable
from kangshu.web.forms import form_fields, shown_value, told
from kangshu.web.visit import Visit, texts

_HEADERS: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, noarchive"}
"""A notice is taken down on its last day: neither caches nor search engines keep it."""
_OBJECTION: Final = ("name", "contact", "reason")


async def notices(visit: Visit) -> Response:
    """Show the notices that are up."""
    found = await visit.platform.cases.public_notices.listed()
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in found:
        groups.setdefault(visit.words.of(one.publication.title), []).append(_shown(visit, one))
    return _kept(visit.render("public_notices.html", groups=groups))


async def notice(visit: Visit) -> Response:
    """Show one notice; when it has been taken down there is no such page."""
    one = await visit.platform.cases.public_notices.notice(visit.path("id"))
    return _kept(visit.render("public_notice.html", one=_shown(visit, one)))


async def objection(visit: Visit) -> Response:
    """Show the form of an objection."""
    return await _form(visit)


async def send_objection(visit: Visit) -> Response:
    """Take an objection in; a form with mistakes comes back with what is wrong."""
    sent = texts(await visit.form())
    values = {name: sent[name] for name in _OBJECTION if sent.get(name)}
    try:
        number = await visit.platform.cases.public_notices.object(visit.path("id"), values)
    except (Unprocessable, Throttled) as fault:
        return await _form(visit, values, fault)
    one = await visit.platform.cases.public_notices.notice(visit.path("id"))
    return _kept(
        visit.render("public_objection.html", one=_shown(visit, one), number=number, fields=(), issues=())
    )


async def _form(
    visit: Visit, values: Mapping[str, Any] | None = None, fault: Fault | None = None
) -> Response:
    one = await visit.platform.cases.public_notices.notice(visit.path("id"))
    kind = visit.platform.cases.declaration(f"{one.kind.service}/{one.publication.objection}")
    fields = [field for field in kind.form if field.id in _OBJECTION]
    return _kept(
        visit.render(
            "public_objection.html",
            422 if fault else 200,
            one=_shown(visit, one),
            number="",
            fields=form_fields(visit.words, fields, values or {}, fault.issues if fault else (), {}),
            issues=told(visit.words, fault) if fault else [],
        )
    )


def _shown(visit: Visit, one: Any) -> dict[str, Any]:
    words = visit.words
    lines = [(words.of(line.field.title), shown_value(words, line.field, line.value)) for line in one.fields]
    return {
        "title": words.of(one.publication.title),
        "text": words.of(one.publication.text),
        "number": one.number,
        "unit": one.unit,
        "phone": one.phone,
        "first": one.first.isoformat(),
        "last": one.last.isoformat(),
        "lines": lines,
        "address": f"/public/notices/{one.id}",
        "objects": bool(one.publication.objection),
    }


def _kept(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response
