"""The calculations (测算) of a case: worked out from its values and the records it looks up, kept with their trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import Everything, Grant, system_grant
from kangshu.base.clock import instant
from kangshu.base.faults import Fault, Issue, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations import (
    Calculation,
    calculate,
    check_calculation,
    figures,
    kept_calculation,
    read_calculation,
    written,
)
from kangshu.cases.frozen_records import keep_record, record_bytes, record_content
from kangshu.cases.tasks import outputs
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import CalculationDeclaration, CaseDeclaration, Resource
from kangshu.store import FROZEN_TAG, Store, Transaction

_READS: Final = replace(
    system_grant("calculations in documents"), read=MappingProxyType({"DocumentReference": Everything()})
)
"""A kept calculation is part of its case: whoever may take the case's documents reads it in them."""
RECORD: Final = "calculation"
"""Kind of the frozen records that hold a calculation, and begin of the names under which the Task keeps them."""
_TITLE: Final = Text("测算记录", "Calculation")


@dataclass(frozen=True, slots=True)
class KeptCalculation:
    """A calculation of a case: kept by a move (`reference`), or a trial as the case stands now."""

    calculation: Calculation
    id: str
    """Id of its declaration within the service."""
    reference: str = ""
    made: str = ""
    by: str = ""
    sha256: str = ""
    wrong: tuple[Text, ...] = ()
    """What a second reckoning of the kept record found; nothing means that it holds."""


class Calculator:
    """Works out the declared calculations."""

    def __init__(self, declarations: Iterable[CalculationDeclaration], parameters: ParameterTable) -> None:
        self._declared = {one.code: one for one in declarations}
        self._parameters = parameters

    def of(self, kind: CaseDeclaration) -> tuple[CalculationDeclaration, ...]:
        """Return the calculations that are made for cases of this kind."""
        return tuple(
            one for one in self._declared.values() if one.service == kind.service and kind.id in one.cases
        )

    def asked(self, kind: CaseDeclaration, effects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield the expressions that the calculations of these effects ask of the case."""
        for effect in effects:
            if "calculate" in effect:
                yield from asked_by(self.declaration(kind, str(effect["calculate"])))

    def declaration(self, kind: CaseDeclaration, name: str) -> CalculationDeclaration:
        """Return a calculation of the kind's service. Raises NotFound."""
        found = self._declared.get(f"{kind.service}/{name}")
        if found is None or kind.id not in found.cases:
            raise NotFound(f"there is no calculation '{name[:60]}'", zh=f"没有测算“{name[:60]}”")
        return found

    def applies(self, declaration: CalculationDeclaration, task: Resource, names: Mapping[str, Any]) -> bool:
        """Return whether a calculation applies to a case."""
        return not declaration.when or _first(declaration.when, task, names) is True

    def work_out(
        self,
        declaration: CalculationDeclaration,
        task: Resource,
        names: Mapping[str, Any],
        today: date,
        jurisdiction: str,
    ) -> Calculation:
        """Return the calculation of a case; `names` are what guards may name of it."""
        day = today
        if declaration.day:
            said = _first(declaration.day, task, names)
            day = date.fromisoformat(str(said)[:10]) if said else today
        find = self._finder(jurisdiction, day)
        known = {**names, "parameters": figures(declaration, find)}
        given = {one.id: _first(one.value, task, known) for one in declaration.inputs}
        return calculate(declaration, given, find, day, jurisdiction)

    def _finder(self, jurisdiction: str, day: date) -> Any:
        def find(name: str) -> ParameterVersion | Text:
            version = self._parameters.find(name, jurisdiction, day)
            if version is not None:
                return version
            known = self._parameters.versions(name)
            return known[0].title if known else Text(name, name)

        return find


NO_CALCULATIONS: Final = Calculator((), ParameterTable())


def asked_by(declaration: CalculationDeclaration) -> Iterator[str]:
    """Yield the expressions by which a calculation asks for its inputs and its day."""
    yield from (one.value for one in declaration.inputs)
    yield declaration.day
    yield declaration.when


def refuse_unfounded(one: Calculation) -> None:
    """Raise Unprocessable, naming all that is missing and every figure that may not be, where there is no result."""
    issues = [
        Issue("error", "required", f"missing: {each.en}", (), f"缺少：{each.zh}") for each in one.missing
    ]
    issues += [
        Issue(
            "error",
            "business-rule",
            f"{each.text.en} ({each.clause})",
            (),
            f"{each.text.zh}（{each.clause}）",
        )
        for each in one.refused
    ]
    if one.result is None:
        said_en, said_zh = "; ".join(each.text for each in issues), "；".join(each.zh for each in issues)
        raise Unprocessable(
            f"'{one.title.en}' cannot be calculated: {said_en}",
            zh=f"“{one.title.zh}”无法得出结果：{said_zh}",
            issues=tuple(issues),
        )


async def keep_calculation(
    transaction: Transaction, task: Resource, name: str, one: Calculation, when: datetime, by: str
) -> str:
    """Keep a calculation with its trace for good; return the record's reference."""
    content = {**kept_calculation(one), "id": name, "made": instant(when), "by": by}
    identifier = await keep_record(transaction, task, content, RECORD, name, _TITLE, when)
    return f"DocumentReference/{identifier}"


async def calculation_records(store: Store, grant: Grant, task: str) -> tuple[KeptCalculation, ...]:
    """Return the kept calculations of a case that the grant sees, the newest first, each reckoned again."""
    tag = f"{FROZEN_TAG['system']}|{RECORD}"
    found = await store.search_all(grant, "DocumentReference", f"related=Task/{task}&_tag={tag}")
    kept = [kept_of(one) for one in found]
    return tuple(sorted(kept, key=lambda one: one.made, reverse=True))


async def calculation_rows(store: Store, task: Resource) -> dict[str, list[dict[str, str]]]:
    """Return what documents may table of the calculation that a case kept last, in Chinese.

    `calculation`: its steps (title, figures, value, clause); `unmet`: the conditions that do not hold (title, text,
    clause). Both are empty where nothing was calculated.
    """
    made = [name for name in outputs(task) if name.startswith(f"{RECORD}-")]
    if not made:
        return {"calculation": [], "unmet": []}
    records = [(await store.read(_READS, *outputs(task)[name].split("/", 1))).resource for name in made]
    one = max((kept_of(record) for record in records), key=lambda kept: kept.made).calculation
    steps = [
        {
            "title": step.title.zh,
            "figures": step.figures.zh,
            "value": f"{_amount(step.value, step.unit, one)}{step.unit}",
            "clause": step.clause,
        }
        for step in one.steps
    ]
    unmet = [
        {"title": each.title.zh, "text": each.text.zh, "clause": each.clause}
        for each in one.conditions
        if not each.held
    ]
    return {"calculation": steps, "unmet": unmet}


def _amount(value: Any, unit: str, one: Calculation) -> str:
    """Return a step's value as a letter says it: money to the cent."""
    if unit == "元" and isinstance(value, Decimal | int):
        return f"{value:,.2f}"
    return written(value, one.titles).zh


def kept_of(record: Resource) -> KeptCalculation:
    """Return the calculation that a kept record holds, reckoned again."""
    data = record_content(record)
    return KeptCalculation(
        read_calculation(data),
        str(data["id"]),
        f"DocumentReference/{record['id']}",
        str(data["made"]),
        str(data["by"]),
        sha256(record_bytes(record)).hexdigest(),
        check_calculation(data),
    )


def _first(expression: str, task: Resource, names: Mapping[str, Any]) -> Any:
    try:
        found = compile_expression(expression).evaluate(task, names)
    except Fault:
        return None
    return found[0] if found and not isinstance(found[0], dict | list) else None
