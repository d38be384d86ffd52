"""`parse_query`: the parameters of a search URL to a `Query`. Unknown ones are faults, or left out when lenient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from kangshu.access import division_prefix
from kangshu.base.faults import Invalid, UnknownParameter, Unsupported
from kangshu.fhir import definitions
from kangshu.search import values
from kangshu.search.model import (
    ChainClause,
    Clause,
    CompositeClause,
    DistrictClause,
    HasClause,
    IdClause,
    Include,
    MissingClause,
    Query,
    ReferenceValue,
    Sort,
    Source,
    StringValue,
    Total,
    UpdatedClause,
    ValueClause,
)
from kangshu.search.parameters import RECORD, Composite, Parameter, parameters_of
from kangshu.search.size import check_size
from kangshu.search.sounds import PHONETIC, sought

LARGEST_PAGE: Final = 1000
USUAL_PAGE: Final = 50
_DEEPEST_CHAIN: Final = 4
_MOST_TARGETS: Final = 16
"""A chain through a reference to almost anything must name the type: each one is a search of its own."""
_MODIFIERS: Final[dict[str, frozenset[str]]] = {
    "token": frozenset({"not", "text"}),
    "string": frozenset({"exact", "contains"}),
    "uri": frozenset({"above", "below"}),
    "reference": frozenset(),
    "date": frozenset(),
    "number": frozenset(),
    "quantity": frozenset(),
}
_SUMMARIES: Final = ("true", "false", "text", "data", "count")
_TOTALS: Final[dict[str, Total]] = {"none": "none", "estimate": "estimate", "accurate": "accurate"}
_PRESENTATION: Final = frozenset({"_format", "_pretty"})


@dataclass(slots=True)
class _Draft:
    where: list[Clause]
    sort: list[Sort]
    includes: list[Include]
    ignored: list[str]
    count: int = USUAL_PAGE
    total: Total = "none"
    summary: str = ""
    elements: tuple[str, ...] = ()


def parse_criteria(type: str, criteria: str) -> Query:
    """Return the query of a URL's query part: `identifier=a|b&status=active`; a leading `Type?` may stand."""
    head, mark, rest = criteria.partition("?")
    return parse_query(
        type, parse_qsl(rest if mark and head in ("", type) else criteria, keep_blank_values=True)
    )


def parse_query(type: str, pairs: Sequence[tuple[str, str]], lenient: bool = False, base: str = "") -> Query:
    """Return the query over `type` that `pairs` (decoded name and value) ask for.

    `lenient` leaves out what is unknown and names it in `Query.ignored`. `base` is this server's own base URL:
    references below it are local ones.

    Raises:
        UnknownParameter: a parameter, modifier or include that is not declared for the type.
        Invalid: a value that does not parse.
        Unsupported: declared, and not offered.
        TooLarge: more than one search may ask for; see `size`.
    Source: https://hl7.org/fhir/R4/search.html
    """
    if not definitions().is_resource(type):
        raise UnknownParameter(f"there is no resource type {type!r}", zh=f"没有资源类型 {type!r}")
    draft = _Draft([], [], [], [])
    for name, value in pairs:
        try:
            _take(draft, type, name, value, base)
        except (UnknownParameter, Unsupported):
            if not lenient:
                raise
            draft.ignored.append(name)
    query = Query(
        type=type,
        where=tuple(draft.where),
        sort=tuple(draft.sort),
        count=draft.count,
        total=draft.total,
        count_only=draft.summary == "count" or draft.count == 0,
        includes=tuple(draft.includes),
        elements=draft.elements,
        summary=draft.summary,  # type: ignore[arg-type]  # checked against _SUMMARIES
        ignored=tuple(draft.ignored),
        text=urlencode(pairs),
    )
    check_size(query)
    return query


def _take(draft: _Draft, type: str, name: str, value: str, base: str) -> None:
    head, _, modifier = name.partition(":")
    taker = _RESULT.get(head)
    if taker is not None:
        taker(draft, type, modifier, value)
    elif head not in _PRESENTATION:
        draft.where.append(_clause(type, name, value, base, 0))


def _take_sort(draft: _Draft, type: str, modifier: str, value: str) -> None:
    for part in filter(None, value.split(",")):
        name = part.removeprefix("-")
        kind = RECORD.get(name)
        if kind is not None and name != "_district":
            draft.sort.append(Sort(name, kind, (), part.startswith("-")))
            continue
        parameter = parameters_of(type).simple.get(name)
        if parameter is None:
            raise _unknown(type, f"_sort={name}")
        draft.sort.append(Sort(name, parameter.kind, parameter.sources, part.startswith("-")))


def _take_count(draft: _Draft, type: str, modifier: str, value: str) -> None:
    if not value.isascii() or not value.isdigit():
        raise Invalid(
            f"_count is a whole number from 0, not {value[:20]!r}",
            zh=f"_count 须为非负整数，不能是 {value[:20]!r}",
        )
    draft.count = min(int(value[:9]), LARGEST_PAGE)


def _take_total(draft: _Draft, type: str, modifier: str, value: str) -> None:
    if value not in _TOTALS:
        raise Invalid(
            f"_total is none, estimate or accurate, not {value[:20]!r}",
            zh="_total 只能是 none、estimate 或 accurate",
        )
    draft.total = _TOTALS[value]


def _take_summary(draft: _Draft, type: str, modifier: str, value: str) -> None:
    if value not in _SUMMARIES:
        raise Invalid(
            f"_summary is one of {', '.join(_SUMMARIES)}, not {value[:20]!r}",
            zh=f"_summary 只能是 {'、'.join(_SUMMARIES)}",
        )
    draft.summary = value


def _take_elements(draft: _Draft, type: str, modifier: str, value: str) -> None:
    draft.elements = (*draft.elements, *filter(None, value.split(",")))


def _take_include(draft: _Draft, type: str, modifier: str, value: str) -> None:
    draft.includes.extend(_include(type, modifier, value, reverse=False))


def _take_revinclude(draft: _Draft, type: str, modifier: str, value: str) -> None:
    draft.includes.extend(_include(type, modifier, value, reverse=True))


_RESULT: Final[dict[str, Callable[[_Draft, str, str, str], None]]] = {
    "_sort": _take_sort,
    "_count": _take_count,
    "_total": _take_total,
    "_summary": _take_summary,
    "_elements": _take_elements,
    "_include": _take_include,
    "_revinclude": _take_revinclude,
}


def _include(type: str, modifier: str, value: str, *, reverse: bool) -> list[Include]:
    word = "_revinclude" if reverse else "_include"
    if modifier not in ("", "iterate", "recurse"):
        raise _unknown(type, f"{word}:{modifier}")
    source, _, rest = value.partition(":")
    name, _, target = rest.partition(":")
    if not definitions().is_resource(source) or not name:
        raise _unknown(type, f"{word}={value[:60]}")
    iterate = bool(modifier)
    if not reverse and source != type and not iterate:
        raise _unknown(type, f"{word}={value[:60]}")
    declared = parameters_of(source).simple
    if name == "*":
        found = [p for p in declared.values() if p.kind == "reference" and p.own]
    else:
        found = [declared[name]] if name in declared and declared[name].kind == "reference" else []
    if not found or (target and not definitions().is_resource(target)):
        raise _unknown(source, f"{word}={value[:60]}")
    return [Include(source, parameter.sources, target, reverse, iterate) for parameter in found]


def _clause(type: str, name: str, value: str, base: str, depth: int) -> Clause:
    if depth > _DEEPEST_CHAIN:
        raise Unsupported(
            f"chains of more than {_DEEPEST_CHAIN} references are not offered", zh="链式检索层数过多"
        )
    if name.startswith("_has:"):
        return _has(type, name, value, base, depth)
    head, dot, rest = name.partition(".")
    if dot:
        return _chain(type, head, rest, value, base, depth)
    bare, _, modifier = name.partition(":")
    if bare in RECORD:
        return _record_clause(type, bare, modifier, value)
    declared = parameters_of(type)
    if bare in declared.simple:
        return _value_clause(type, declared.simple[bare], modifier, value, base)
    if bare in declared.composite:
        return _composite_clause(type, declared.composite[bare], modifier, value, base)
    raise _unknown(type, name)


def _alternatives(name: str, value: str) -> list[str]:
    parts = [part for part in values.split(value, ",") if part]
    if not parts:
        raise Invalid(f"the parameter {name!r} has no value", zh=f"参数 {name!r} 没有值")
    return parts


def _record_clause(type: str, name: str, modifier: str, value: str) -> Clause:
    parts = _alternatives(name, value)
    if name == "_id" and modifier in ("", "not"):
        ids = tuple(values.unescape(part).removeprefix(f"{type}/") for part in parts)
        return IdClause(ids, negated=modifier == "not")
    if name == "_lastUpdated" and not modifier:
        return UpdatedClause(tuple(values.date(part) for part in parts))
    if name == "_district" and not modifier:
        return DistrictClause(tuple(division_prefix(part) for part in parts))
    raise _unknown(type, f"{name}:{modifier}")


def _value_clause(type: str, parameter: Parameter, modifier: str, value: str, base: str) -> Clause:
    name, kind = parameter.name, parameter.kind
    if modifier == "missing":
        if value not in ("true", "false"):
            raise Invalid(f"{name}:missing is true or false", zh=f"{name}:missing 只能是 true 或 false")
        return MissingClause(kind, parameter.sources, value == "true")
    parts = _alternatives(name, value)
    if kind == "reference" and modifier:
        if modifier == "identifier":
            sources = tuple(Source(source.code) for source in parameter.sources)
            return ValueClause("token", sources, tuple(values.token(part) for part in parts))
        if not definitions().is_resource(modifier):
            raise _unknown(type, f"{name}:{modifier}")
        return ValueClause("reference", parameter.sources, tuple(_typed(modifier, part) for part in parts))
    if modifier in ("in", "not-in") and kind == "token":
        raise Unsupported(f"{name}:{modifier} is not offered", zh=f"暂不支持 {name}:{modifier}")
    if modifier and modifier not in _MODIFIERS[kind]:
        raise _unknown(type, f"{name}:{modifier}")
    if modifier == "text":
        texts = tuple(values.parse_value("string", part) for part in parts)
        return ValueClause("token", parameter.sources, texts, "text")
    if name == PHONETIC:
        sounds = tuple(StringValue(sought(values.unescape(part))) for part in parts)
        return ValueClause(kind, parameter.sources, sounds, modifier)  # type: ignore[arg-type]  # one of _MODIFIERS
    parsed = tuple(
        values.parse_value(kind, part, exact=modifier == "exact", plain=parameter.plain, base=base)
        for part in parts
    )
    return ValueClause(kind, parameter.sources, parsed, modifier)  # type: ignore[arg-type]  # one of _MODIFIERS


def _typed(type: str, text: str) -> ReferenceValue:
    found = values.reference(values.unescape(text))
    return found if found.type or found.url else ReferenceValue(type, found.id)


def _composite_clause(type: str, composite: Composite, modifier: str, value: str, base: str) -> Clause:
    if modifier:
        raise _unknown(type, f"{composite.name}:{modifier}")
    tuples = []
    for part in _alternatives(composite.name, value):
        pieces = values.split(part, "$")
        if len(pieces) != len(composite.kinds):
            raise Invalid(
                f"{composite.name} takes {len(composite.kinds)} values joined by $",
                zh=f"{composite.name} 需要 {len(composite.kinds)} 个以 $ 连接的值",
            )
        kinds = zip(composite.kinds, composite.plain, pieces, strict=True)
        tuples.append(
            tuple(values.parse_value(kind, piece, plain=plain, base=base) for kind, plain, piece in kinds)
        )
    return CompositeClause(composite.sources, tuple(tuples))


def _chain(type: str, head: str, rest: str, value: str, base: str, depth: int) -> Clause:
    name, _, wanted = head.partition(":")
    parameter = parameters_of(type).simple.get(name)
    if parameter is None or parameter.kind != "reference":
        raise _unknown(type, head)
    if wanted and not definitions().is_resource(wanted):
        raise _unknown(type, head)
    targets = (wanted,) if wanted else parameter.targets
    if not targets or len(targets) > _MOST_TARGETS:
        raise UnknownParameter(
            f"say which type {head!r} leads to, as in {name}:Patient.{rest}", zh=f"请写明 {head!r} 指向的类型"
        )
    found: list[tuple[str, Clause]] = []
    for target in targets:
        try:
            found.append((target, _clause(target, rest, value, base, depth + 1)))
        except UnknownParameter:
            continue
    if not found:
        raise _unknown(type, f"{head}.{rest}")
    return ChainClause(parameter.sources, tuple(found))


def _has(type: str, name: str, value: str, base: str, depth: int) -> Clause:
    parts = name.split(":", 3)
    if len(parts) < 4:
        raise _unknown(type, name)
    _, source, reference, rest = parts
    parameter = parameters_of(source).simple.get(reference)
    if parameter is None or parameter.kind != "reference":
        raise _unknown(type, name)
    return HasClause(source, parameter.sources, _clause(source, rest, value, base, depth + 1))


def _unknown(type: str, name: str) -> UnknownParameter:
    return UnknownParameter(
        f"{type} has no search parameter {name[:80]!r}; see /fhir/metadata for those there are",
        zh=f"{type} 没有检索参数 {name[:80]!r}，可用参数见 /fhir/metadata",
    )
