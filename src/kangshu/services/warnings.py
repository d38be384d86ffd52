"""The YAML of warning rules → their declarations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, cast

from kangshu.sdk import (
    WARNING_LEVELS,
    ListDeclaration,
    MeasureDeclaration,
    WarningRule,
)
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.places import Places

_TESTS: Final = ("above", "below", "rise", "fall", "beyond", "pace")
_AGAINST: Final = ("quarter", "year", "peers")
_DIVISIONS: Final = ("", "district", "county", "town")
_CITY: Final = "city"


def read_warning(entry: Entry, service: str, places: Places) -> WarningRule:
    """Return the warning rule that `entry` declares; what is wrong goes to the entry's findings."""
    listed = entry.string("list")
    rule = WarningRule(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        help=entry.text("help"),
        level=cast("Any", entry.one_of("level", WARNING_LEVELS, required=True)),
        act=entry.text("act"),
        measure=entry.string("measure"),
        list=f"{service}/{listed}" if listed and "/" not in listed else listed,
        targets=entry.boolean("targets"),
        by=entry.string("by"),
        urgent=entry.string("urgent"),
        least=entry.string("least"),
        where={str(name): str(value) for name, value in (entry.raw("where") or {}).items()},
        each=entry.boolean("each"),
        institution=entry.string("institution"),
        office=entry.string("office"),
        note=entry.text("note", required=False),
    )
    if entry.has("when"):
        rule = _with_test(rule, entry.entry("when"))
    elif rule.measure:
        entry.find(entry.line, "a rule on a measure says 'when'", "对指标的预警规则须写明 when")
    places.note(rule, entry)
    entry.close()
    return rule


def _with_test(rule: WarningRule, entry: Entry) -> WarningRule:
    tests = [one for one in _TESTS if entry.has(one)]
    if len(tests) != 1:
        entry.find(
            entry.line, f"'when' has one of {', '.join(_TESTS)}", f"when 须为其一：{'、'.join(_TESTS)}"
        )
    test = tests[0] if tests else "above"
    made = replace(
        rule,
        test=cast("Any", test),
        parameter=entry.string(test, required=True),
        against=cast("Any", entry.one_of("against", _AGAINST, default="quarter")),
        relative=entry.boolean("relative"),
    )
    for other in tests[1:]:
        entry.raw(other)
    entry.close()
    if test == "beyond":
        if made.parameter != _CITY:
            entry.find(
                entry.line, "what lies beyond chance is held against 'city'", "beyond 只能与 city 比较"
            )
        made = replace(made, parameter="")
    return made


def check_warnings(
    rules: Iterable[WarningRule],
    numbers: tuple[Mapping[str, MeasureDeclaration], Collection[str]],
    lists: Mapping[str, ListDeclaration],
    parameters: Collection[str],
    places: Places,
) -> Iterator[Finding]:
    """Yield what is wrong with warning rules, given every measure (by id) with the shared dimensions, every list (by code)
    and parameter."""
    measures, dimensions = numbers
    for rule in rules:
        if sum((bool(rule.measure), bool(rule.list), rule.targets)) != 1:
            text = "a warning stands on one of 'measure', 'list' and 'targets'"
            yield places.finding(rule, text, "预警规则须且只能写 measure、list、targets 之一")
        for name in filter(None, (rule.parameter, rule.urgent, rule.least, rule.office)):
            if name not in parameters:
                yield places.finding(
                    rule, f"no rule declares the parameter '{name}'", f"没有声明参数“{name}”"
                )
        if rule.measure:
            yield from _on_measure(rule, measures.get(rule.measure), dimensions, places)
        if rule.list:
            yield from _on_list(rule, lists.get(rule.list), places)


def _on_measure(
    rule: WarningRule, measure: MeasureDeclaration | None, dimensions: Collection[str], places: Places
) -> Iterator[Finding]:
    if measure is None:
        # of a folder that may be taken away
        finding = places.finding(
            rule, f"there is no measure '{rule.measure}'", f"没有指标“{rule.measure}”，该规则不启用"
        )
        yield replace(finding, severity="warning")
        return
    splits = {*_DIVISIONS, *dimensions, *(one.id for one in measure.dimensions)}
    if rule.by not in splits:
        yield places.finding(rule, f"the measure is not split by '{rule.by}'", f"该指标没有维度“{rule.by}”")
    if rule.test == "beyond" and (not rule.by or measure.kind == "count"):
        text = "'beyond: city' compares the places of a proportion or ratio: say 'by'"
        yield places.finding(rule, text, "beyond 用于分地区或机构的比例类指标，须写明 by")
    if rule.against == "peers" and not rule.by:
        yield places.finding(rule, "peers are those of a split: say 'by'", "与同类比较须写明 by")
    if rule.where or rule.each or rule.institution:
        text = "'where', 'each' and 'institution' are of rules on lists"
        yield places.finding(rule, text, "where、each、institution 只用于清单类规则")


def _on_list(rule: WarningRule, declared: ListDeclaration | None, places: Places) -> Iterator[Finding]:
    if declared is None:
        finding = places.finding(
            rule, f"there is no list '{rule.list}'", f"没有清单“{rule.list}”，该规则不启用"
        )
        yield replace(finding, severity="warning")
        return
    columns = {one.id for one in declared.columns}
    for name in {*rule.where, rule.institution} - {""} - columns:
        yield places.finding(rule, f"the list has no column '{name}'", f"清单没有列“{name}”")
    if rule.test != "above" or rule.by or rule.least or rule.relative:
        text = "of a list 'when' holds 'above' alone: of how many rows there must be more than"
        yield places.finding(rule, text, "清单类规则的 when 只能写 above（多于几条才预警）")
    if "$organisation" in declared.sql:
        text = "this list is each organisation's own: the product itself finds no rows in it"
        yield places.finding(rule, text, "该清单按本机构取数，不能用于预警")
