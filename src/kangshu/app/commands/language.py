"""`kangshu fhirpath`, `validate` and `view run`: the FHIR language on files, without an installation."""

import json
import sys
from itertools import chain, islice
from pathlib import Path
from typing import Annotated

import typer

from kangshu.app.files import read_bytes, read_lines, write_rows
from kangshu.app.groups import group
from kangshu.app.speech import Speech
from kangshu.base.faults import Fault, Invalid, Issue
from kangshu.fhir import parse, render
from kangshu.fhirpath import batch, compile
from kangshu.measures import parse_view, run_view_file
from kangshu.validate import validate


def add(application: typer.Typer, say: Speech) -> None:
    """Add the three commands to `application`."""
    _add_fhirpath(application, say)
    _add_validate(application, say)
    view = group(say, say("Run a ViewDefinition.", "运行视图定义。"))
    _add_view(view, say)
    application.add_typer(view, name="view")


def _add_fhirpath(application: typer.Typer, say: Speech) -> None:
    @application.command(
        help=say("Evaluate a FHIRPath expression on a resource.", "对一个资源求值 FHIRPath 表达式。")
    )
    def fhirpath(
        expression: Annotated[str, typer.Argument(help=say("the expression", "表达式"))] = "",
        file: Annotated[Path | None, typer.Argument(help=say("a resource, JSON", "资源 JSON 文件"))] = None,
        batch_file: Annotated[
            Path | None,
            typer.Option(
                "--batch", help=say('lines of {"expr":…,"resource":…}', '每行 {"expr":…,"resource":…}')
            ),
        ] = None,
    ) -> None:
        if batch_file is not None:
            for line in batch(read_lines(batch_file)):
                sys.stdout.write(line + "\n")
            return
        if not expression or file is None:
            raise Invalid(
                "give an expression and a file, or --batch CASES.jsonl", zh="请给出表达式和文件，或 --batch"
            )
        found = compile(expression).evaluate(parse(read_bytes(file)))
        sys.stdout.write(render({"result": found}).decode("utf-8") + "\n")


def _add_validate(application: typer.Typer, say: Speech) -> None:
    @application.command(
        name="validate",
        help=say("Check resources against R4 and our profiles.", "按 R4 与本项目的规范校验资源。"),
    )
    def validate_files(
        files: Annotated[list[Path], typer.Argument(help=say("JSON files", "JSON 文件"))],
        as_json: Annotated[
            bool, typer.Option("--json", help=say("one JSON line a file", "每个文件一行 JSON"))
        ] = False,
    ) -> None:
        invalid = unread = 0
        for file in files:
            try:
                data = read_bytes(file)
            except Fault as fault:
                issues, unread = fault.issues, unread + 1
            else:
                issues = _issues(data)
            valid = not any(issue.severity in {"error", "fatal"} for issue in issues)
            invalid += not valid
            if as_json:
                row = {"file": str(file), "valid": valid, "issues": [_issue_json(one) for one in issues]}
                sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")
                continue
            word = say("valid", "通过") if valid else say("invalid", "未通过")
            sys.stdout.write(f"{file}: {word}\n")
            for one in issues:
                place = ", ".join(one.expression)
                sys.stdout.write(f"  {one.severity} {place}: {say(one.text, one.zh or one.text)}\n")
        if invalid:
            raise typer.Exit(2 if unread else 1)


def _issues(data: bytes) -> tuple[Issue, ...]:
    try:
        return validate(parse(data))
    except Fault as fault:
        return fault.issues


def _issue_json(issue: Issue) -> dict[str, object]:
    return {
        "severity": issue.severity,
        "code": issue.code,
        "expression": list(issue.expression),
        "text": issue.text,
    }


def _add_view(view: typer.Typer, say: Speech) -> None:
    @view.command(help=say("Rows of a view over NDJSON resources.", "在 NDJSON 资源上运行视图。"))
    def run(
        definition: Annotated[Path, typer.Argument(help=say("a ViewDefinition, JSON", "视图定义 JSON"))],
        source: Annotated[Path, typer.Option("--in", help=say("resources, NDJSON", "资源 NDJSON"))],
        engine: Annotated[str, typer.Option(help="closures | duckdb | spark")] = "duckdb",
        as_json: Annotated[
            bool, typer.Option("--json", help=say("a JSON array, a row a line", "JSON 数组，每行一条"))
        ] = False,
    ) -> None:
        rows = run_view_file(parse_view(read_bytes(definition)), source, engine)
        first = list(islice(rows, 1))  # a fault of the whole file comes before any output
        if as_json:
            write_rows(chain(first, rows))
            return
        for row in first:
            sys.stdout.write("\t".join(row) + "\n")
        for row in chain(first, rows):
            sys.stdout.write("\t".join("" if value is None else str(value) for value in row.values()) + "\n")
