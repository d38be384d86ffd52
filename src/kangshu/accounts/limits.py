"""The figures of sign-in as dated parameters: a city sets its own, with the clause they come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, Text

_CLAUSE: Final = "GB/T 22239-2019 8.1.4.1 身份鉴别 (数值由运营单位设定)"


def _declared(id_: str, zh: str, en: str, value: int, unit: str) -> ParameterDeclaration:
    return ParameterDeclaration(
        id=id_,
        title=Text(zh, en),
        value=value,
        unit=unit,
        jurisdiction="",
        valid_from=date(2019, 12, 1),
        valid_to=None,
        source=_CLAUSE,
        verified=False,
    )


PARAMETERS: Final = (
    _declared("accounts.password-length", "密码最小长度", "Least length of a password", 10, "1"),
    _declared(
        "accounts.failures", "连续登录失败锁定次数", "Failed sign-ins before the account is locked", 5, "1"
    ),
    _declared("accounts.lock-minutes", "登录失败锁定时长", "How long an account stays locked", 15, "min"),
    _declared("accounts.idle-minutes", "会话空闲超时", "A session ends after being idle for", 60, "min"),
    _declared("accounts.session-hours", "会话最长有效期", "A session ends at the latest after", 12, "h"),
)
"""What `app` declares in the table of parameters before it hands the table to `Accounts`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The figures in force today."""

    password_length: int
    failures: int
    lock: timedelta
    idle: timedelta
    session: timedelta


def limits(parameters: ParameterTable, jurisdiction: str) -> Limits:
    """Return the figures in force today in `jurisdiction`; where a table lacks one, the declared value."""
    day = today()

    def figure(declared: ParameterDeclaration) -> int:
        found = parameters.find(declared.id, jurisdiction, day)
        return int(found.value if found is not None else declared.value)

    length, failures, lock, idle, session = (figure(one) for one in PARAMETERS)
    return Limits(
        length, failures, timedelta(minutes=lock), timedelta(minutes=idle), timedelta(hours=session)
    )
