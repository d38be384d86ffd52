"""A calculation of a service folder, reckoned with the folder's parameters, some of them entered anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import kangshu_services
from kangshu.base.parameters import ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.calculations import Calculation, calculate
from kangshu.services import read_folder

_DAY, _COUNTY = date(2026, 5, 1), "990102"


def calculator_of(service: str) -> Callable[..., Calculation]:
    """Return what works out a calculation of `service`: its id, the inputs, and parameters by name with underscores."""
    draft = read_folder(Path(kangshu_services.__path__[0]) / service)
    declared = {one.id: one for one in draft.calculations}

    def work(name: str, given: dict[str, Any], **parameters: Any) -> Calculation:
        table = ParameterTable(draft.parameters)
        for one, value in parameters.items():
            id_ = one.replace("_", "-")
            since = date(2024, 1, 1)
            table.enter(
                ParameterVersion(id_, Text(id_, id_), value, "", "99", since, None, "市民政局文件", True)
            )

        def found(one: str) -> Any:
            return table.find(one, _COUNTY, _DAY) or Text(one, one)

        return calculate(declared[name], given, found, _DAY, _COUNTY)

    return work
