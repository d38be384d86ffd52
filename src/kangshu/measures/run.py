"""Runs a ViewDefinition over resources: `run_view`."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import duckdb
import msgspec

from kangshu.base.faults import Invalid, Malformed, TooLarge, Unavailable, Unsupported
from kangshu.measures.closures import compile_rows
from kangshu.measures.definition import View, read_view
from kangshu.measures.engine import WORKER_MEMORY, connect, quoted
from kangshu.measures.view_sql import DEPTH_REACHED, compile_view
from kangshu.sdk import Resource

Engine = Literal["closures", "duckdb", "spark"]
ENGINES: Final[tuple[Engine, ...]] = ("closures", "duckdb", "spark")
_DEPTHS: Final = (8, 100)
_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def run_view(view: Resource, resources: Iterable[Resource], engine: str = "closures") -> list[dict[str, Any]]:
    """Return the rows of the ViewDefinition `view` over `resources`, columns in the view's order.

    Resources of other types are passed over. Engines: `closures` (the whole of FHIRPath, in Python) and
    `duckdb` (the FHIRPath subset of the SQL on FHIR specification). Raises Invalid for a ViewDefinition or an
    expression that cannot be used, Unsupported for what an engine does not offer, Unavailable for Spark.
    """
    checked = read_view(view)
    match engine:
        case "closures":
            rows = compile_rows(checked)
            return [row for resource in resources for row in rows(resource)]
        case "duckdb":
            with tempfile.TemporaryDirectory(prefix="kangshu-view-") as folder:
                path = Path(folder) / "resources.ndjson"
                with path.open("wb") as file:
                    for resource in resources:
                        if resource.get("resourceType") == checked.resource:
                            file.write(_ENCODER.encode(resource) + b"\n")
                return _run_duckdb(checked, path)
        case "spark":
            raise Unavailable(
                "the Spark engine is not part of this installation: install kangshu[spark]",
                zh="当前安装不含Spark引擎，请安装 kangshu[spark]",
            )
        case _:
            raise Unsupported(
                f"there is no engine '{engine}'; choose closures or duckdb",
                zh=f"没有“{engine}”引擎，请选择closures或duckdb",
            )


def parse_view(data: bytes | str) -> Resource:
    """Return the ViewDefinition in `data`, decimals kept. Raises Malformed unless it is one JSON object.

    A `resourceType` may be missing, as it is in the specification's own examples.
    """
    try:
        definition = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("the ViewDefinition is not JSON", zh="视图定义不是有效的JSON") from error
    if not isinstance(definition, dict):
        raise Malformed("a ViewDefinition is a JSON object", zh="视图定义必须是JSON对象")
    if definition.get("resourceType", "ViewDefinition") != "ViewDefinition":
        raise Invalid("this is no ViewDefinition", zh="该文件不是视图定义（ViewDefinition）")
    return definition


def run_view_file(view: Resource, path: Path, engine: str = "duckdb") -> list[dict[str, Any]]:
    """Return the rows of `view` over an NDJSON file, plain or .gz. DuckDB reads the file itself.

    Raises Invalid where a line is not JSON, else as `run_view`.
    """
    if engine == "duckdb":
        return _run_duckdb(read_view(view), path)
    with path.open("rb") as file:
        lines: Iterable[bytes] = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
        return run_view(view, _lines(lines), engine)


def _lines(file: Iterable[bytes]) -> Iterable[Resource]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            resource = _DECODER.decode(line)
        except msgspec.DecodeError as error:
            raise Invalid(f"line {number} is not JSON", zh=f"第{number}行不是JSON") from error
        if not isinstance(resource, dict):
            raise Invalid(f"line {number} is not a JSON object", zh=f"第{number}行不是JSON对象")
        yield resource


def _run_duckdb(view: View, path: Path) -> list[dict[str, Any]]:
    for depth in _DEPTHS:
        statement = compile_view(view, depth=depth)
        with connect(memory=WORKER_MEMORY, readable=[path.parent]) as connection:
            connection.execute(
                "CREATE TEMP VIEW resources AS SELECT json AS body FROM "
                f"read_ndjson_objects({quoted(str(path.resolve()))}, maximum_object_size = 67108864)"
            )
            try:
                found = connection.execute(statement.sql, statement.values)
                names = [column[0] for column in found.description or ()]
                return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            except duckdb.Error as error:
                if DEPTH_REACHED in str(error):
                    continue
                raise _fault(error) from error
    raise TooLarge(
        f"'repeat' found elements nested deeper than {_DEPTHS[-1]} levels",
        zh=f"repeat嵌套超过{_DEPTHS[-1]}层",
    )


def _fault(error: duckdb.Error) -> Invalid:
    # the first line alone: DuckDB quotes the data and the statement below it
    line = str(error).splitlines()[0]
    known = ("is expected", "more than one item")
    if isinstance(error, duckdb.InvalidInputException) and any(part in line for part in known):
        why = line.rpartition(": ")[2]
    else:
        why = type(error).__name__
    return Invalid(f"the view cannot be run on DuckDB: {why}", zh=f"视图无法在DuckDB上运行：{why}")
