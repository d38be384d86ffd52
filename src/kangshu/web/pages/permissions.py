"""权限说明: what may this account see, and why; for oneself (我的权限) and for those who check others' (权限核查)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.responses import Response

from kangshu.access import (
    ANY_TYPE,
    Decision,
    Explanation,
    Ground,
    basis_title,
    data_kinds,
    explain,
    label_title,
    protected_fields,
    purpose_title,
)
from kangshu.api import Admitted, Standing, count_admitted, decide, find_for_permissions, who_sees
from kangshu.base.faults import Fault, Gone, Invalid, NotFound
from kangshu.base.whole_numbers import whole_number
from kangshu.web.language import Words
from kangshu.web.lookup import divisions, kind_title
from kangshu.web.pages.accounts import operations_told
from kangshu.web.pages.emergency import shown
from kangshu.web.pages.own_posts import names_of, roles_of
from kangshu.web.visit import Visit, texts

_MOST_TYPES: Final = 6
_ACTIONS: Final = ("read", "write", "count")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said in a cell: which records, for which types where not for all of the kind, by which role."""

    texts: tuple[str, ...]
    types: str
    role: str
    empty: bool


@dataclass(frozen=True, slots=True)
class KindRow:
    """Kinds of data of which the same may be read, written and counted, each with how many records are seen now."""

    titles: tuple[tuple[str, str], ...]
    cells: tuple[tuple[Line, ...], ...]
    personal: bool
    differs: bool = False
    other: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says of one account in one post."""

    account: str
    display: str
    place: str
    roles: Sequence[tuple[str, str]]
    purposes: str
    kinds: Sequence[KindRow]
    labels: Sequence[tuple[str, str]]
    fields: Sequence[tuple[str, str]]
    operations: str
    grounds: Sequence[tuple[str, str, str]]
    residents: str = ""


@dataclass(slots=True)
class Tried:
    """A record that was asked about, and the answer."""

    kind: str = ""
    id: str = ""
    action: str = "read"
    asked: bool = False
    allowed: bool = False
    missing: bool = False
    reasons: list[tuple[str, str, str]] = field(default_factory=list)


async def mine(visit: Visit) -> Response:
    """Show what the visitor's own account may see in the post in which it acts, and why."""
    acting = await visit.platform.accounts.acting(visit.secret)
    standing = await visit.platform.accounts.permissions.of(
        visit.grant,
        visit.grant.account,
        acting.post.id if acting.post is not None and acting.deputy is None else None,
        acting.deputy.id if acting.deputy is not None else None,
    )
    return await _page(visit, standing, visit.grant.display, own=True)


async def policy(visit: Visit) -> Response:
    """Show what a chosen account may see, and why; beside another one where two are compared."""
    accounts = visit.platform.accounts
    name = visit.query("account")
    choices = [
        (one.name, f"{one.display}（{one.name}）")
        for one in await accounts.accounts(visit.grant)
        if one.active and one.roles
    ]
    if not name:
        return visit.render(
            "permissions.html", own=False, told=None, choices=choices, posts=[], post="", other="", versus=None,
            tried=Tried(), kinds=_record_kinds(visit), counted=False, resident=visit.grant.may("policy.resident"),
            issue="",
        )  # fmt: skip
    display = (await accounts.account(visit.grant, name)).display
    posts = await accounts.posts.posts(visit.grant, name)
    post = whole_number(visit.query("post"), 18)
    standing = await accounts.permissions.of(visit.grant, name, post)
    places = [(str(one.id), one.title or roles_of(visit.platform, visit.words, one.roles)) for one in posts]
    other = visit.query("other")
    versus = None
    if other:
        held = await accounts.account(visit.grant, other)
        versus = (held.display, await accounts.permissions.of(visit.grant, other))
    return await _page(
        visit, standing, display, own=False, choices=choices, posts=places, other=other, versus=versus
    )


async def _page(
    visit: Visit,
    standing: Standing,
    display: str,
    *,
    own: bool,
    choices: Sequence[tuple[str, str]] = (),
    posts: Sequence[tuple[str, str]] = (),
    other: str = "",
    versus: tuple[str, Standing] | None = None,
) -> Response:
    counted = visit.query("count") == "1"
    admitted = await count_admitted(visit.platform, visit.grant, standing) if counted else None
    return visit.render(
        "permissions.html",
        own=own,
        told=await _told(visit, standing, display, admitted, versus[1] if versus else None),
        choices=choices,
        posts=posts,
        post=str(standing.post.id) if standing.post is not None else "",
        other=other,
        versus=versus[0] if versus else None,
        tried=await _tried(visit, standing),
        kinds=_record_kinds(visit),
        counted=counted,
        resident=visit.grant.may("policy.resident"),
        issue="",
    )


def _record_kinds(visit: Visit) -> list[tuple[str, str]]:
    """Return the resource types that a record may be asked for by, those of people first."""
    found = [(name, kind_title(visit, name)) for kind in data_kinds() for name in kind.types]
    plain = visit.words("记录")
    return [(name, f"{title} {name}" if title != plain else name) for name, title in found]


async def _told(
    visit: Visit, standing: Standing, display: str, admitted: Admitted | None, versus: Standing | None
) -> Told:
    words, subject = visit.words, standing.subject
    names, places = await names_of(visit), await divisions(visit)
    said = explain(subject, standing.roles)
    beside = explain(versus.subject, versus.roles) if versus is not None else ()
    place = " · ".join(
        filter(
            None,
            (
                names.get(subject.organisation, subject.organisation),
                places.get(subject.district, subject.district),
                words("本人档案") if subject.patient else "",
                words("监护 {count} 人", count=len(subject.wards)) if subject.wards else "",
            ),
        )
    )
    grouped: dict[KindRow, list[tuple[str, str]]] = {}
    for kind in data_kinds():
        cells = tuple(_lines(visit, said, kind.id, action, places) for action in _ACTIONS)
        there = _lines(visit, beside, kind.id, "read", places)
        if not any(cells) and not there:
            continue
        number = words.figure(admitted.records[kind.id]) if admitted is not None else ""
        differs = versus is not None and {one.texts for one in there} != {one.texts for one in cells[0]}
        # beside another account only what is read is shown
        row = KindRow((), cells[:1] if versus is not None else cells, kind.personal, differs, there)
        grouped.setdefault(row, []).append((words.of(kind.title), number))
    kinds = [replace(row, titles=tuple(titles)) for row, titles in grouped.items()]
    return Told(
        account=subject.account,
        display=display,
        place=place,
        roles=[(words.of(one.title), words.of(one.description)) for one in standing.roles],
        purposes=_listed(
            words, (words.of(purpose_title(code)) for one in standing.roles for code in one.purposes)
        ),
        kinds=kinds,
        labels=[
            (
                words.of(one.title),
                _listed(words, (words.of(label_title(code)) for code in sorted(one.labels)))
                or words("不看任何带敏感标签的记录"),
            )
            for one in standing.roles
        ],
        fields=_fields(visit, said, places),
        operations=operations_told(visit, {one for role in standing.roles for one in role.operations}),
        grounds=grounds_told(words, (ground for one in said if not one.empty for ground in one.grounds)),
        residents=words.figure(admitted.residents) if admitted is not None else "",
    )


def _lines(
    visit: Visit, said: Iterable[Explanation], kind: str, action: str, places: Mapping[str, str]
) -> tuple[Line, ...]:
    return tuple(
        Line(
            tuple(
                _placed(visit.words.of(one.text), places).split(
                    "；" if visit.words.language == "zh" else "; "
                )
            ),
            "" if one.whole else _types_told(visit, one.types),
            visit.words.of(one.role_title),
            one.empty,
        )
        for one in said
        if one.action == action and one.kind is not None and one.kind.id == kind
    )


def _fields(visit: Visit, said: Iterable[Explanation], places: Mapping[str, str]) -> list[tuple[str, str]]:
    words, listed = visit.words, list(said)
    found = []
    for id_, one in protected_fields().items():
        clear = [
            _placed(words.of(each.text), places)
            for each in listed
            if each.action == "clear" and each.field == id_ and not each.empty
        ]
        text = (
            words("全文显示：{where}；其余打码", where="；".join(dict.fromkeys(clear)))
            if clear
            else words("一律打码")
        )
        found.append((words.of(one.title), text))
    return found


def _types_told(visit: Visit, types: tuple[str, ...]) -> str:
    """Return resource types in words, the first of many."""
    told = list(dict.fromkeys(_type_told(visit, name) for name in sorted(types, key=_fhir_only(visit))))
    if len(told) <= _MOST_TYPES:
        return _listed(visit.words, told)
    return visit.words(
        "{types} 等 {count} 种", types=_listed(visit.words, told[:_MOST_TYPES]), count=len(told)
    )


def _fhir_only(visit: Visit) -> Callable[[str], bool]:
    """Return a sort key by which types that have a name here come first."""
    return lambda name: _type_told(visit, name) == name


def _type_told(visit: Visit, name: str) -> str:
    title = kind_title(visit, name)
    return name if title == visit.words("记录") else title


def _placed(text: str, places: Mapping[str, str]) -> str:
    """Return `text` with a division's name in place of its code, which stands in brackets."""
    for code, name in places.items():
        for short in {code, code.rstrip("0"), code.removesuffix("00")}:
            if short:
                text = text.replace(f"（{short}）", f"（{name}）").replace(f"({short})", f"({name})")
    return text


def _listed(words: Words, parts: Iterable[str]) -> str:
    return ("、" if words.language == "zh" else ", ").join(dict.fromkeys(parts))


def grounds_told(words: Words, grounds: Iterable[Ground]) -> list[tuple[str, str, str]]:
    """Return title, basis and clause of each ground once."""
    return [
        (words.of(one.title), words.of(basis_title(one.basis)), one.clause) for one in dict.fromkeys(grounds)
    ]


async def _tried(visit: Visit, standing: Standing) -> Tried:
    """Return the answer for the record in the address, by type and id."""
    words = visit.words
    tried = Tried(visit.query("kind")[:40], visit.query("id")[:64], visit.query("action") or "read")
    if not tried.kind or not tried.id:
        return tried
    if tried.action not in ("read", "write"):
        tried.action = "read"
    tried.asked = True
    try:
        decision = await decide(visit.platform, visit.grant, standing, tried.action, tried.kind, tried.id)
    except (NotFound, Gone, Invalid):
        tried.missing = True
        return tried
    tried.allowed = decision.allowed
    tried.reasons = reasons_told(words, decision, await divisions(visit))
    return tried


def reasons_told(words: Words, decision: Decision, places: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return role, what it says of the record, and ground or need, for each reason of a decision."""
    found = []
    for one in decision.reasons:
        if one.admits:
            ground = "；".join(
                f"{words.of(each.title)}（{words.of(basis_title(each.basis))}）{each.clause}"
                for each in one.grounds
            )
            found.append((words.of(one.role_title), _placed(words.of(one.text), places), ground))
        else:
            needs = "；".join(_placed(words.of(need), places) for need in one.needs)
            found.append((words.of(one.role_title), _placed(words.of(one.text), places), needs))
    return found


# Who sees this resident


async def find_resident(visit: Visit) -> Response:
    """Lead the data protection officer to who sees the resident of exactly this identity number and name."""
    sent = texts(await visit.form())
    try:
        id_ = await find_for_permissions(
            visit.platform, visit.grant, sent.get("number", ""), sent.get("name", "")
        )
    except NotFound as fault:
        return visit.render(
            "permissions.html", 404, own=False, told=None, choices=[], posts=[], post="", other="", versus=None,
            tried=Tried(), kinds=[], counted=False, resident=True, issue=visit.words.of(fault.zh)
            if not visit.words.english else fault.text,
        )  # fmt: skip
    return visit.go(f"/permissions/residents/{id_}")


async def resident(visit: Visit) -> Response:
    """Show by organisation and role who can see the records of a resident now: to them, and to the officer."""
    words, patient = visit.words, visit.path("id")
    try:
        sight = await who_sees(visit.platform, visit.grant, patient)
    except Fault as fault:
        # whoever may not ask learns nothing of who there is
        raise NotFound("there is no such record", zh="没有这条记录") from fault
    names, places = await names_of(visit), await divisions(visit)
    relations = [
        (
            names.get(one.organisation, one.organisation),
            words.of(one.title),
            words.of(basis_title(one.ground.basis)),
            one.ground.clause,
            words.of(purpose_title(one.purpose)) if one.purpose else words("不限"),
            _listed(words, (_type_told(visit, name) for name in one.kinds)) or words("全部"),
            words.day(one.until) if one.until is not None else words("关系存续期间"),
            one.refused,
        )
        for one in sight.relations
    ]
    seers = [
        (
            names.get(one.organisation, one.organisation) or words("未填单位"),
            words.of(one.title),
            one.number,
            _listed(words, (words.of(kind.title) for kind in one.kinds)),
            _placed(words.of(one.reason), {**places, one.district: places.get(one.district, one.district)}),
            _listed(
                words,
                (words.of(label_title(code)) if code != ANY_TYPE else words("全部") for code in one.labels),
            )
            or words("不看"),
        )
        for one in sorted(sight.seers, key=lambda one: (one.organisation, one.role))
    ]
    emergencies = []
    if visit.grant.acts_as(patient) or visit.grant.may("emergency.review"):
        for one in await visit.platform.accounts.emergencies.of_patient(visit.grant, patient):
            emergencies.append(shown(words, one, names))
    return visit.render(
        "permissions_resident.html",
        emergencies=emergencies,
        patient=patient,
        own=visit.grant.acts_as(patient),
        relations=relations,
        seers=seers,
    )
