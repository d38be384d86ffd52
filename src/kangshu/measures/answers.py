"""What every answer from a publication needs: the connection, what a grant admits, the answers kept."""

# ruff: noqa: S608 - this file writes SQL: names are checked identifiers, texts are bound or quoted

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb

from kangshu.access import Grant, Nothing, Predicate
from kangshu.base.canonical import STATISTICAL
from kangshu.base.faults import Forbidden, Invalid, TooLarge, Unavailable
from kangshu.measures.dimensions import views_of
from kangshu.measures.drill import SLICED
from kangshu.measures.engine import WEB_MEMORY, bound, connect
from kangshu.measures.guarded import Family
from kangshu.measures.kept_answers import AnswersAtHand
from kangshu.measures.limits import SMALL_CELL, Secrecy
from kangshu.measures.manifest import Manifest
from kangshu.measures.segments import relation
from kangshu.measures.statement import MACROS, Declared
from kangshu.measures.stored import Stored
from kangshu.sdk import ListDeclaration, MeasureDeclaration

_ROW_LIMIT: Final = 20_000
_KEPT_ANSWERS: Final = 256
_KEPT_ROWS: Final = 200


def declared_threshold() -> int:
    """Return the declared least count that is shown; an installation gives its own."""
    return int(SMALL_CELL.value)


class Published:
    """The views of one publication under a lock, and what is asked of them again and again."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        memory: str = WEB_MEMORY,
        threshold: Callable[[], int] = declared_threshold,
        secrecy: Callable[[], Secrecy] = Secrecy,
        sliced_from: int = SLICED,
    ) -> None:
        self._folder, self._manifest, self._threshold, self._secrecy = folder, manifest, threshold, secrecy
        self._sliced = sliced_from
        self._connection = connect(memory=memory, readable=[folder])
        for macro in MACROS:
            self._connection.execute(macro)
        self._lock = threading.Lock()
        self._answers: OrderedDict[Any, list[tuple[Any, ...]]] = OrderedDict()
        self._families: OrderedDict[Any, Family] = OrderedDict()
        self._protected: dict[tuple[str, str], bool] = {}
        self.stored = Stored(folder, manifest)
        self._at_hand = AnswersAtHand(folder, manifest)

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    @property
    def manifest(self) -> Manifest:
        """What is published."""
        return self._manifest

    @property
    def least_shown(self) -> int:
        """The least count that is shown to those who may not read who is counted."""
        return self._threshold()

    @property
    def secrecy(self) -> Secrecy:
        """The rule under which numbers over statistical returns are shown to those who may not read them."""
        return self._secrecy()

    @property
    def position(self) -> int:
        """The feed position as of which the snapshot answers."""
        return self._manifest.position

    @property
    def instant(self) -> str:
        """When the snapshot was published, a FHIR instant."""
        return self._manifest.instant

    @property
    def views(self) -> Mapping[str, Mapping[str, str]]:
        """The published views: column types by column name by view."""
        return {name: dict(view.columns) for name, view in self._manifest.views.items()}

    def _beyond_reading(self, measure: MeasureDeclaration, grant: Grant, by: tuple[str, ...]) -> bool:
        """Return whether the number counts people, or units in statistics, whom `grant` may not read."""
        for name in views_of(measure, by):
            kind = self._manifest.views[name].resource
            if grant.may_count(kind) != grant.may_read(kind) and (
                self._of_people(name) or self._of_units(name)
            ):
                return True
        return False

    def _of_people(self, view: str) -> bool:
        """Return whether the view has rows of residents: beds and posts are no secret, however few they are."""
        return self._has_rows(view, "scope_patient <> ''")

    def _of_units(self, view: str) -> bool:
        """Return whether the view has rows that tell of a single unit from statistics (label STATISTICS)."""
        return self._has_rows(view, f"list_contains(scope_labels, '{STATISTICAL['code']}')")

    def _has_rows(self, view: str, condition: str) -> bool:
        if (view, condition) not in self._protected:
            sql = f"SELECT count(*) FROM (SELECT 1 FROM ({self._relation(view)}) WHERE {condition} LIMIT 1)"
            with self._lock:
                self._protected[view, condition] = bool(self._connection.execute(sql).fetchall()[0][0])
        return self._protected[view, condition]

    def _admitted(self, measure: Declared, grant: Grant, *, counting: bool, by: tuple[str, ...] = ()) -> Any:
        predicates: dict[str, Predicate] = {}
        used = views_of(measure, by) if isinstance(measure, MeasureDeclaration) else measure.views
        for name in used:
            view = self._manifest.views.get(name)
            if view is None:
                raise Unavailable(
                    f"the view '{name}' of measure '{measure.id}' is not published yet",
                    zh=f"指标“{measure.title.zh}”所需视图“{name}”尚未生成",
                )
            counted = counting or name in (measure.counted if isinstance(measure, ListDeclaration) else ())
            predicate = grant.may_count(view.resource) if counted else grant.may_read(view.resource)
            if not counted and isinstance(predicate, Nothing):
                raise Forbidden(
                    f"this account may see the number but not the records ({view.resource}) behind it",
                    zh=f"当前账号可查看该指标数值，但无权查看其背后的记录（{view.resource}）",
                )
            predicates[name] = predicate
        return predicates.__getitem__

    def _relation(self, view: str) -> str:
        return relation(self._folder, self._manifest.views[view])

    def _fetch(self, measure: Declared, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        given = bound(sql, values)
        # the statement and its values hold the grant's predicates: equal keys may see the same
        key = (sql, tuple((name, repr(value)) for name, value in sorted(given.items())))
        try:
            with self._lock:
                if key in self._answers:
                    self._answers.move_to_end(key)
                    return self._answers[key]
                answer = self._connection.execute(sql, given)
                found: list[tuple[Any, ...]] = answer.fetchmany(_ROW_LIMIT + 1)
                if len(found) <= _KEPT_ROWS:
                    self._answers[key] = found
                if len(self._answers) > _KEPT_ANSWERS:
                    self._answers.popitem(last=False)
        except duckdb.OutOfMemoryException as error:
            raise Unavailable(
                f"measure '{measure.id}' needs more memory than a page may use",
                zh=f"指标“{measure.title.zh}”的计算超出内存限制",
            ) from error
        except duckdb.IOException as error:
            raise Unavailable(
                "this snapshot has been replaced; open the newest one", zh="指标快照已更新，请重试"
            ) from error
        except duckdb.Error as error:
            # the first line alone: the rest quotes the statement
            why = str(error).splitlines()[0]
            raise Invalid(
                f"measure '{measure.id}' cannot be computed: {why}",
                zh=f"指标“{measure.title.zh}”无法计算：{why}",
            ) from error
        if len(found) > _ROW_LIMIT:
            raise TooLarge(
                f"measure '{measure.id}' has more than {_ROW_LIMIT} rows; choose fewer dimensions",
                zh=f"结果超过{_ROW_LIMIT}行，请减少维度",
            )
        return found
