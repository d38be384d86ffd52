"""How a measure comes about: its definition, inputs, SQL and source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Language
from kangshu.measures.examples import Worked, worked
from kangshu.measures.result import MeasureResult
from kangshu.measures.spark_measure import spark_measure
from kangshu.measures.statement import parameter_name
from kangshu.measures.views import Views
from kangshu.sdk import MeasureDeclaration


@dataclass(frozen=True, slots=True)
class Check:
    """What a measure's check query counted over all records, and whether the measure counts the same."""

    numerator: float
    denominator: float
    agrees: bool


def explain(
    measure: MeasureDeclaration,
    views: Views | None = None,
    parameters: Mapping[str, Any] | None = None,
    result: MeasureResult | None = None,
    check: Check | None = None,
) -> dict[str, Any]:
    """Return all that makes the measure's number, as plain JSON data.

    `views` adds the ViewDefinitions' columns; `parameters` the dated values, or the versions in force with their
    source; `result` the number itself; `check` what its check query found.
    """
    told: dict[str, Any] = {
        "id": measure.id,
        "service": measure.service,
        "title": {"zh": measure.title.zh, "en": measure.title.en},
        "definition": {"zh": measure.definition.zh, "en": measure.definition.en},
        "source": measure.source,
        "systems": list(measure.systems),
        "targets": list(measure.targets),
        "kind": measure.kind,
        "formula": _formula(measure),
        "unit": measure.unit,
        "direction": measure.direction,
        "period": measure.period,
        "dimensions": ["district", *(one.id for one in measure.dimensions)],
        "inputs": {name: _input(name, views) for name in measure.views},
        "parameters": {
            one: {"placeholder": f"${parameter_name(one)}", **_parameter((parameters or {}).get(one))}
            for one in measure.parameters
        },
        "sql": measure.sql.strip(),
        "spark": spark_measure(measure.sql),
        "exclusions": {one.id: str(one.title) for one in measure.exclusions},
        "sample": measure.sample,
        "examples": [_example(measure, one) for one in _worked(measure, views, parameters)],
    }
    if result is not None:
        told["result"] = {
            "value": result.value,
            "limits": result.limits,
            "excluded": dict(result.excluded),
            "numerator": result.numerator,
            "denominator": result.denominator,
            "period": [result.period_start.isoformat(), result.period_end.isoformat()],
            "position": result.position,
            "instant": result.instant,
        }
    if check is not None:
        told["check"] = {
            "numerator": check.numerator,
            "denominator": check.denominator,
            "agrees": check.agrees,
        }
    return told


def explain_text(
    measure: MeasureDeclaration,
    views: Views | None = None,
    parameters: Mapping[str, Any] | None = None,
    result: MeasureResult | None = None,
    check: Check | None = None,
    language: Language = "zh",
) -> str:
    """Return the same as `explain`, as lines for a reader in `language`."""
    told = explain(measure, views, parameters, result, check)
    zh = language == "zh"
    lines = [
        f"{measure.title.in_language(language)} ({measure.id})",
        "",
        measure.definition.in_language(language),
        "",
        f"{'计算' if zh else 'Formula'}: {told['formula']} [{measure.unit}]",
        f"{'来源' if zh else 'Source'}: {measure.source}",
        f"{'维度' if zh else 'Dimensions'}: {', '.join(told['dimensions'])}",
    ]
    for name, one in told["inputs"].items():
        columns = ", ".join(one.get("columns", {}))
        lines.append(f"{'输入视图' if zh else 'Input view'}: {name} ← {one.get('resource', '?')} ({columns})")
    for name, one in told["parameters"].items():
        clause = f" {one['unit']} ← {one['source']}" if "source" in one else ""
        shown = one["value"] if one["value"] is not None else "?"
        lines.append(f"{'参数' if zh else 'Parameter'}: {one['placeholder']} = {shown}{clause} ({name})")
    if result is not None:
        value = "未知" if zh else "unknown"
        if result.value is not None:
            value = f"{result.value:.{measure.decimals}f}"
        lines.append(
            f"{'结果' if zh else 'Result'}: {value} {measure.unit} = {result.numerator:g} / {result.denominator:g} "
            f"({result.period_start} – {result.period_end}, {'截至' if zh else 'as of'} {result.instant})"
        )
    if check is not None:
        word = ("一致" if zh else "agrees") if check.agrees else ("不一致" if zh else "differs")
        figures = f"{check.numerator:g} / {check.denominator:g}"
        lines.append(f"{'核对查询（全部记录）' if zh else 'Check query (all records)'}: {figures} ({word})")
    if result is not None and result.rows:
        lines += ["", "各地之和即总数：" if zh else "The places add up to the whole:", *_sum(result)]
    for one in told["examples"]:
        lines += ["", *_example_lines(one, measure, zh=zh)]
    sql = [f"SQL (DuckDB {duckdb.__version__}):", told["sql"], "", "SQL (Spark 4):"]
    untold = "（不能转换）" if zh else "(cannot be said on Spark)"
    return "\n".join([*lines, "", *sql, told["spark"] or untold, ""])


def _sum(result: MeasureResult) -> list[str]:
    """Return the rows of a result as a sum: how the number comes about of its parts."""
    lines = []
    for row in result.rows:
        if row.numerator is not None and row.denominator is not None:
            lines.append(f"  {' '.join(row.keys) or '?'}: {row.numerator:g} / {row.denominator:g}")
    if result.numerator is not None and result.denominator is not None:
        lines.append(f"  Σ {result.numerator:g} / {result.denominator:g}")
    return lines


def _worked(
    measure: MeasureDeclaration, views: Views | None, parameters: Mapping[str, Any] | None
) -> tuple[Worked, ...]:
    if views is None or any(name not in views for name in measure.views):
        return ()
    values = {
        name: given.value if isinstance(given, ParameterVersion) else given
        for name, given in (parameters or {}).items()
    }
    return worked(measure, views, values)


def _example(measure: MeasureDeclaration, one: Worked) -> dict[str, Any]:
    return {
        "title": {"zh": one.example.title.zh, "en": one.example.title.en},
        "period": [one.start.isoformat(), one.end.isoformat()],
        "given": {
            name: [{key: _value(value) for key, value in row.items()} for row in rows]
            for name, rows in one.example.given.items()
        },
        "rows": [
            {
                "subject": row.subject,
                "numerator": row.numerator,
                "denominator": row.denominator,
                **({"excluded": row.excluded} if row.excluded else {}),
            }
            for row in one.rows
        ],
        "numerator": one.numerator,
        "denominator": one.denominator,
        "value": one.value,
        "agrees": one.agrees,
    }


def _example_lines(one: Mapping[str, Any], measure: MeasureDeclaration, *, zh: bool) -> list[str]:
    head = "算例" if zh else "Worked example"
    title = one["title"]["zh" if zh else "en"]
    lines = [f"{head}{'：' if zh else ': '}{title} ({one['period'][0]} – {one['period'][1]})"]
    for name, rows in one["given"].items():
        lines += [f"  {name}: " + ", ".join(f"{key}={value}" for key, value in row.items()) for row in rows]
    for row in one["rows"]:
        why = f" ({row['excluded']})" if "excluded" in row else ""
        lines.append(f"  → {row['subject']}: {row['numerator']:g} / {row['denominator']:g}{why}")
    value = "?" if one["value"] is None else f"{one['value']:.{measure.decimals}f} {measure.unit}"
    return [*lines, f"  = {one['numerator']:g} / {one['denominator']:g} = {value}"]


def _formula(measure: MeasureDeclaration) -> str:
    if measure.kind == "count":
        return "sum(numerator)" + (f" × {measure.scale}" if measure.scale != 1 else "")
    return f"sum(numerator) ÷ sum(denominator) × {measure.scale}"


def _input(name: str, views: Views | None) -> dict[str, Any]:
    if views is None or name not in views:
        return {}
    view = views[name]
    return {
        "resource": view.view.resource,
        "where": list(view.view.where),
        "columns": {column.name: column.path for column in view.view.columns()},
    }


def _parameter(given: Any) -> dict[str, Any]:
    if not isinstance(given, ParameterVersion):
        return {"value": _value(given)}
    return {
        "value": _value(given.value),
        "unit": given.unit,
        "source": given.source,
        "jurisdiction": given.jurisdiction,
        "valid_from": given.valid_from.isoformat(),
        "verified": given.verified,
    }


def _value(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
