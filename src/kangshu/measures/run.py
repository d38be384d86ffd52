"""Runs a ViewDefinition over resources: `run_view`, and over an NDJSON file: `run_view_file`."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import bz2
import gzip
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final, Literal

import duckdb
import msgspec

from kangshu.base.faults import Invalid, Malformed, NotFound, TooLarge, Unavailable, Unsupported
from kangshu.measures import spark
from kangshu.measures.closures import compile_rows
from kangshu.measures.definition import View, read_view
from kangshu.measures.dialect import DEPTH_REACHED, DepthReached, Dialect
from kangshu.measures.duckdb_sql import DUCKDB
from kangshu.measures.engine import WORKER_MEMORY, connect, quoted
from kangshu.measures.spark_sql import SPARK
from kangshu.measures.view_sql import Statement, compile_view
from kangshu.sdk import Resource

Engine = Literal["closures", "duckdb", "spark"]
ENGINES: Final[tuple[Engine, ...]] = ("closures", "duckdb", "spark")
_DEPTHS: Final = (8, 100)
_LINE: Final = 64 * 1024 * 1024
_DECODER: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Decimal)
_ROWS: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, Any])
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")


def run_view(view: Resource, resources: Iterable[Resource], engine: str = "closures") -> list[dict[str, Any]]:
    """Return the rows of the ViewDefinition `view` over `resources`, columns in the view's order.

    Resources of other types are passed over. Engines: `closures` (the whole of FHIRPath, in Python), `duckdb` and
    `spark` (the FHIRPath subset of the SQL on FHIR specification). Raises Invalid for a ViewDefinition or an
    expression that cannot be used, Unsupported for what an engine does not offer, Unavailable where Spark is not
    installed.
    """
    checked = read_view(view)
    if engine == "closures":
        rows = compile_rows(checked)
        return [row for resource in resources for row in rows(resource)]
    _known(engine)
    with tempfile.TemporaryDirectory(prefix="kangshu-view-") as folder:
        path = Path(folder) / "resources.ndjson"
        with path.open("wb") as file:
            for resource in resources:
                if resource.get("resourceType") == checked.resource:
                    file.write(_ENCODER.encode(resource) + b"\n")
        return list(_sql_rows(checked, path, engine))


def run_view_file(view: Resource, path: Path, engine: str = "duckdb") -> Iterator[dict[str, Any]]:
    """Yield the rows of `view` over an NDJSON file, plain, .gz or .bz2, in bounded memory whatever its size.

    The SQL engines read the file themselves and yield nothing unless the whole of it can be used; `closures` goes
    line by line. Raises NotFound, Invalid with file and line where one is not a JSON object, else as `run_view`.
    """
    checked = read_view(view)
    if not path.is_file():
        raise NotFound(f"there is no file {path}", zh=f"文件不存在：{path}")
    if engine == "closures":
        rows = compile_rows(checked)
        return (row for resource in _resources(path) for row in rows(resource))
    _known(engine)
    return _sql_rows(checked, path, engine)


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


def _known(engine: str) -> None:
    if engine not in ENGINES:
        raise Unsupported(
            f"there is no engine '{engine}'; choose closures, duckdb or spark",
            zh=f"没有“{engine}”引擎，请选择closures、duckdb或spark",
        )
    if engine == "spark" and not spark.available():
        raise Unavailable(
            "the Spark engine is not part of this installation: install kangshu[spark]",
            zh="当前安装不含Spark引擎，请安装 kangshu[spark]",
        )


# ---------------------------------------------------------------------- lines


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile | bz2.BZ2File:
    if path.suffix == ".gz":
        return gzip.open(path, "rb")
    if path.suffix == ".bz2":
        return bz2.open(path, "rb")
    return path.open("rb")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:  # what is packed ends early or is damaged
        raise _bad_line(path, number + 1, "the file cannot be read further", "文件无法继续读取") from error


def _resources(path: Path) -> Iterator[Resource]:
    for number, line in _lines(path):
        try:
            resource = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _bad_line(path, number, "this is not JSON", "不是JSON") from error
        if not isinstance(resource, dict):
            raise _bad_line(path, number, "this is no JSON object", "不是JSON对象")
        if not isinstance(resource.get("resourceType"), str):
            raise _bad_line(path, number, "there is no resourceType", "缺少resourceType")
        yield resource


def _bad_line(path: Path, number: int, why: str, zh: str) -> Invalid:
    return Invalid(f"{path.name}:{number}: {why}", zh=f"{path.name} 第 {number} 行：{zh}")


def _blame(path: Path) -> None:
    """Raise Invalid for the first line that is no resource, if there is one: engines do not tell the line."""
    for _ in _resources(path):
        pass


# ---------------------------------------------------------------------- the SQL engines

_Run = Callable[[Statement, Path, Path], list[Path]]


def _sql_rows(view: View, path: Path, engine: str) -> Iterator[dict[str, Any]]:
    dialect: Dialect = SPARK if engine == "spark" else DUCKDB
    run: _Run = spark.write_rows if engine == "spark" else _write_rows
    compile_view(view, dialect)  # a path that cannot be used is told before the file is read
    names = [column.name for column in view.columns()]
    with tempfile.TemporaryDirectory(prefix="kangshu-rows-") as folder:
        # DuckDB reads .gz alone
        read = _unpacked(path, Path(folder)) if path.suffix == ".bz2" and engine == "duckdb" else path
        try:
            files = _written(view, read, dialect, run, Path(folder))
        except Invalid:
            _blame(path)
            raise
        for made in files:
            with made.open("rb") as file:
                for line in file:
                    row = _ROWS.decode(line)
                    yield {name: row[name] for name in names}


def _written(view: View, path: Path, dialect: Dialect, run: _Run, folder: Path) -> list[Path]:
    """Return the files of the view's rows; `repeat` is followed deeper where the data asks for it."""
    for depth in _DEPTHS:
        statement = compile_view(view, dialect, depth=depth)
        try:
            return run(statement, path, folder / f"depth-{depth}")
        except DepthReached:
            continue
    raise TooLarge(
        f"'repeat' found elements nested deeper than {_DEPTHS[-1]} levels",
        zh=f"repeat嵌套超过{_DEPTHS[-1]}层",
    )


def _unpacked(path: Path, folder: Path) -> Path:
    plain = folder / path.stem
    with plain.open("wb") as target:
        target.writelines(line for _, line in _lines(path))
    return plain


def _write_rows(statement: Statement, source: Path, folder: Path) -> list[Path]:
    """Run `statement` on DuckDB and return the file of its rows, JSON lines."""
    folder.mkdir()
    made = folder / "rows.ndjson"
    with connect(memory=WORKER_MEMORY, readable=[folder, source.parent], spill=True) as connection:
        connection.execute(
            "CREATE TEMP VIEW resources AS SELECT json AS body FROM "
            f"read_ndjson_objects({quoted(str(source.resolve()))}, maximum_object_size = {_LINE})"
        )
        try:
            connection.execute(
                f"COPY ({statement.sql}) TO {quoted(str(made.resolve()))} (FORMAT json)", statement.values
            )
        except duckdb.Error as error:
            if DEPTH_REACHED in str(error):
                raise DepthReached from error
            raise _fault(error) from error
    return [made]


def _fault(error: duckdb.Error) -> Invalid:
    # the first line alone: DuckDB quotes the data and the statement below it
    line = str(error).splitlines()[0]
    known = ("is expected", "more than one item")
    if isinstance(error, duckdb.InvalidInputException) and any(part in line for part in known):
        why = line.rpartition(": ")[2]
    else:
        why = type(error).__name__
    return Invalid(f"the view cannot be run on DuckDB: {why}", zh=f"视图无法在DuckDB上运行：{why}")
