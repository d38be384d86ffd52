"""Checks view and measure declarations before they are used; every finding is returned.

The `expression` of an issue is the declaration's name, then the place in it: a key (`parameters`, `select[0].column[1]`)
and, for SQL, the line within its text, from 0.
"""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any, TypeVar

import duckdb

from kangshu.access import Everything
from kangshu.base.faults import Fault, Issue, Unsupported
from kangshu.fhir import definitions
from kangshu.measures.dimensions import DISTRICT, subject_type
from kangshu.measures.engine import bound, connect
from kangshu.measures.examples import worked
from kangshu.measures.extract import DISTRICT_COLUMN, PERSON
from kangshu.measures.generalisation import LEVELS
from kangshu.measures.layout import one_way
from kangshu.measures.statement import (
    MACROS,
    REQUIRED_COLUMNS,
    Declared,
    check_placeholders,
    measured,
)
from kangshu.measures.view_sql import compile_view
from kangshu.measures.views import CompiledView, Views, compile_declaration
from kangshu.sdk import (
    DimensionDeclaration,
    ExtractDeclaration,
    ListDeclaration,
    MeasureDeclaration,
    ParameterDeclaration,
    ViewDeclaration,
)

_Linted = TypeVar("_Linted", MeasureDeclaration, ExtractDeclaration, ListDeclaration)


def lint_views(declarations: Iterable[ViewDeclaration]) -> tuple[Issue, ...]:
    """Return what is wrong with views: they do not compile, two have one name, or R4 has no such element."""
    found: list[Issue] = []
    names: set[str] = set()
    for declaration in declarations:
        try:
            compiled = compile_declaration(declaration)
        except Fault as fault:
            place = next((one for issue in fault.issues for one in issue.expression), "")
            part = place.removeprefix("ViewDefinition").removeprefix(".")
            found.append(_issue(declaration.name, part, fault.text, fault.zh, kind="view "))
            continue
        if compiled.name in names:
            found.append(_issue(compiled.name, "name", "declared twice", "视图重复声明", kind="view "))
        names.add(compiled.name)
        found.extend(_elements(compiled))
        found.extend(_kept(compiled))
    return tuple(found)


def _kept(compiled: CompiledView) -> Iterator[Issue]:
    """Find SQL of the tag `kangshu/kept` that does not compile over the view's own columns."""
    if not compiled.kept:
        return
    own = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in compiled.given_columns().items())
    with connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        connection.execute(one_way(""))
        for name, sql in compiled.kept.items():
            try:
                connection.execute(f"SELECT ({sql}) FROM (SELECT {own})")
            except duckdb.Error as error:
                why = str(error).splitlines()[0]
                text, zh = (
                    f"column '{name}': the SQL does not compile: {why}",
                    f"列“{name}”的SQL无法编译：{why}",
                )
                yield _issue(compiled.name, "tag", text, zh, kind="view ")


def _elements(compiled: CompiledView) -> Iterator[Issue]:
    """Find resource types and elements that R4 does not have: their columns would stay empty for ever."""
    name, resource = compiled.name, compiled.view.resource
    if not definitions().is_resource(resource):
        text, zh = f"R4 has no resource type {resource}", f"R4没有资源类型{resource}"
        yield _issue(name, "resource", text, zh, kind="view ")
        return
    try:
        unknown = compile_view(compiled.view).unknown
    except Unsupported:  # beyond the subset that DuckDB is given; the closures run it all the same
        return
    for element in unknown:
        yield _issue(name, "", f"R4 has no element {element}", f"R4没有元素{element}", kind="view ")


def lint_measures(
    measures: Iterable[MeasureDeclaration],
    views: Views,
    parameters: Iterable[ParameterDeclaration] = (),
) -> tuple[Issue, ...]:
    """Return what is wrong with measures: texts, source, views, parameters, and SQL that does not compile.

    SQL is compiled against empty views on a connection that can open no file.
    """

    def wanted(measure: MeasureDeclaration) -> tuple[str, ...]:
        own = (one.column for one in measure.dimensions if not one.view)
        return (*REQUIRED_COLUMNS, *own, *(("exclusion",) if measure.exclusions else ()))

    return _lint(measures, views, parameters, (_texts, _names, _meanings, _examples), wanted)


def lint_dimensions(declared: Iterable[DimensionDeclaration], views: Views) -> tuple[Issue, ...]:
    """Return what is wrong with dimensions declared once: the view, its key, and SQL that does not compile."""
    found: list[Issue] = []
    with connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        for one in declared:
            if one.view not in views:
                text, zh = f"there is no view '{one.view}'", f"没有视图“{one.view}”"
                found.append(_issue(one.id, "view", text, zh))
            elif not views[one.view].key_column():
                text = f"the view '{one.view}' has no column getResourceKey(): no subject can be found in it"
                found.append(
                    _issue(one.id, "view", text, f"视图“{one.view}”没有资源键列，无法与指标对象关联")
                )
            else:
                # the expression is a declaration's, as measure SQL is
                sql = f"SELECT ({one.expression}) FROM ({_empty(views[one.view])})"
                try:
                    connection.execute(sql, bound(sql, {"period_end": date(2024, 12, 31)}))
                except duckdb.Error as error:
                    why = str(error).splitlines()[0]
                    found.append(
                        _issue(
                            one.id,
                            "expression",
                            f"the SQL does not compile: {why}",
                            f"SQL无法编译：{why}",
                        )
                    )
    return tuple(found)


def _meanings(measure: MeasureDeclaration, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    """Find words of the language that do not fit each other."""
    ids = [one.id for one in measure.exclusions]
    if len(set(ids)) < len(ids) or not all(ids):
        yield _issue(measure.id, "exclusions", "the ids of exclusions are unique", "排除原因的标识须唯一")
    if measure.per == "person":
        kinds = {name: views[name].view for name in measure.views if name in views}
        subject = subject_type(measure, kinds)
        if subject != "Patient":
            text = "'per: person' is for measures whose subjects are residents"
            yield _issue(measure.id, "per", text, "per: person 只用于以居民为对象的指标")
    if measure.sample and measure.kind == "count":
        text = "a count is no sample: 'sample' is for proportions and ratios"
        yield _issue(measure.id, "sample", text, "计数类指标不能声明为抽样")


def _examples(measure: MeasureDeclaration, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    """Compute the worked examples: each must give what is written beside it."""
    if not measure.examples or any(name not in views for name in measure.views):
        return
    try:
        made = worked(measure, views, samples)
    except Fault as fault:
        yield _issue(measure.id, "examples", fault.text, fault.zh)
        return
    for one in made:
        if not one.agrees:
            wanted = f"{one.example.numerator} / {one.example.denominator}"
            found = f"{one.numerator:g} / {one.denominator:g}"
            yield _issue(
                measure.id,
                "examples",
                f"the example gives {found}, and not {wanted}",
                f"示例的结果是{found}，与所写的{wanted}不一致",
            )


def lint_extracts(
    extracts: Iterable[ExtractDeclaration],
    views: Views,
    parameters: Iterable[ParameterDeclaration] = (),
) -> tuple[Issue, ...]:
    """Return what is wrong with extracts: texts, views, parameters, columns, and SQL that does not compile."""

    def wanted(extract: ExtractDeclaration) -> tuple[str, ...]:
        return (PERSON, DISTRICT_COLUMN, *(one.column for one in extract.columns))

    return _lint(extracts, views, parameters, (_used, _columns), wanted)


def lint_lists(
    lists: Iterable[ListDeclaration],
    views: Views,
    parameters: Iterable[ParameterDeclaration] = (),
) -> tuple[Issue, ...]:
    """Return what is wrong with lists of work: views, parameters, and SQL that does not compile."""

    def wanted(declared: ListDeclaration) -> tuple[str, ...]:
        return (PERSON, DISTRICT_COLUMN, *(one.column for one in declared.columns), *declared.hidden)

    return _lint(lists, views, parameters, (_used,), wanted)


def _lint(
    declarations: Iterable[_Linted],
    views: Views,
    parameters: Iterable[ParameterDeclaration],
    checks: Sequence[Callable[[_Linted, Views, dict[str, Any]], Iterator[Issue]]],
    wanted: Callable[[_Linted], tuple[str, ...]],
) -> tuple[Issue, ...]:
    """Return what `checks` find, and SQL that does not compile or lacks a `wanted` column."""
    samples = {one.id: one.value for one in parameters}
    found: list[Issue] = []
    with connect() as connection:
        for macro in MACROS:
            connection.execute(macro)
        for one in declarations:
            for check in checks:
                found.extend(check(one, views, samples))
            if all(name in views for name in one.views):
                found.extend(_compiles(connection, one, views, samples, wanted(one)))
    return tuple(found)


def _columns(extract: ExtractDeclaration, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    ids = [one.id for one in extract.columns]
    if not ids or len(set(ids)) < len(ids):
        yield _issue(extract.id, "columns", "column ids are there, and unique", "须有字段，且标识唯一")
    for one in extract.columns:
        if one.finest and one.finest not in LEVELS[one.kind]:
            text = f"'{one.finest}' is no level of {one.kind}; choose from {', '.join(LEVELS[one.kind])}"
            yield _issue(extract.id, "columns", text, f"“{one.finest}”不是{one.kind}的层级")
        if one.role in ("other", "sensitive") and one.kind in ("age", "place"):
            text = f"'{one.id}' is of kind {one.kind}: it tells of a person, so its role is quasi"
            yield _issue(
                extract.id, "columns", text, f"“{one.title.zh}”可用于识别个人，应为准标识符（quasi）"
            )
    if sum(1 for one in extract.columns if one.kind == "place") > 1:
        yield _issue(extract.id, "columns", "one column may be a place", "区划字段只能有一个")


def _texts(measure: MeasureDeclaration, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    for name, told in (("title", measure.title), ("definition", measure.definition)):
        if not told.zh.strip() or not told.en.strip():
            yield _issue(measure.id, name, f"'{name}' needs Chinese and English", f"“{name}”须有中英文")
    if not measure.source.strip():
        yield _issue(measure.id, "source", "no source is cited", "缺少来源依据")
    if measure.kind != "count" and not measure.unit:
        yield _issue(measure.id, "unit", "no unit", "缺少单位")
    if measure.scale < 1:
        yield _issue(measure.id, "scale", "'scale' must be 1 or more", "scale须不小于1")
    for place, pattern in enumerate(measure.matches):
        try:
            re.compile(pattern)
        except re.error:
            text, zh = f"'{pattern}' is no regular expression", f"“{pattern}”不是正则表达式"
            yield _issue(measure.id, f"matches[{place}]", text, zh)


def _names(measure: MeasureDeclaration, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    yield from _used(measure, views, samples)
    ids = [one.id for one in measure.dimensions]
    if DISTRICT in ids or len(set(ids)) < len(ids):
        yield _issue(
            measure.id,
            "dimensions",
            "dimension ids are unique, and not 'district'",
            "维度编号须唯一，且不能是district",
        )


def _used(measure: Declared, views: Views, samples: dict[str, Any]) -> Iterator[Issue]:
    for name in measure.views:
        if name not in views:
            yield _issue(measure.id, "views", f"there is no view '{name}'", f"没有视图“{name}”")
    for name in measure.parameters:
        if name not in samples:
            yield _issue(measure.id, "parameters", f"there is no parameter '{name}'", f"没有参数“{name}”")
    undeclared, unused = check_placeholders(measure)
    for name in sorted(undeclared):
        text, zh = f"the SQL binds ${name}, which is not declared", f"SQL中的${name}没有声明"
        yield _issue(measure.id, "sql", text, zh, _line_of(measure.sql, f"${name}"))
    for name in sorted(unused):
        yield _issue(measure.id, "parameters", f"the parameter ${name} is never used", f"参数${name}没有使用")


def _compiles(
    connection: duckdb.DuckDBPyConnection,
    measure: Declared,
    views: Views,
    samples: dict[str, Any],
    wanted: tuple[str, ...],
) -> Iterator[Issue]:
    given = {name: samples.get(name, 1) for name in measure.parameters}
    day = date(2024, 12, 31)
    by = tuple(one.id for one in measure.dimensions) if isinstance(measure, MeasureDeclaration) else ()
    query = measured(measure, lambda name: _empty(views[name]), lambda _: Everything(), given, day, day, by)
    sql = f"{query.sql} SELECT * FROM measured"
    try:
        answer = connection.execute(sql, bound(sql, query.values))
    except duckdb.Error as error:
        why = str(error).splitlines()[0]
        text, zh = f"the SQL does not compile: {why}", f"SQL无法编译：{why}"
        yield _issue(measure.id, "sql", text, zh, _told_line(str(error)))
        return
    columns = [column[0] for column in answer.description or ()]
    for name in wanted:
        if name not in columns:
            yield _issue(measure.id, "sql", f"the SQL has no column '{name}'", f"SQL结果缺少列“{name}”")


def _empty(view: CompiledView) -> str:
    columns = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in view.all_columns().items())
    return f"SELECT {columns} WHERE false"


def _told_line(error: str) -> int:
    """Return the line of the measure's SQL, from 0, that DuckDB's error names; the clauses before it have none."""
    told = re.search(r"^LINE (\d+): ", error, re.MULTILINE)
    return int(told.group(1)) - 1 if told else 0


def _line_of(sql: str, part: str) -> int:
    """Return the line of `sql`, stripped, where `part` first stands, from 0."""
    return sql.strip().partition(part)[0].count("\n")


def _issue(name: str, part: str, text: str, zh: str, line: int = 0, *, kind: str = "") -> Issue:
    place = (name, part, str(line)) if line else (name, part)
    return Issue("error", "invalid", f"{kind}{name}: {text}", place, f"{name}：{zh}")
