"""The figures of sign-in as dated parameters: a city sets its own, with the clause they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from kangshu.access import Role
from kangshu.base.clock import today
from kangshu.base.parameters import ParameterTable
from kangshu.sdk import ParameterDeclaration, unverified_parameter

_IDENTITY: Final = "GB/T 22239-2019 8.1.4.1 身份鉴别 (数值由运营单位设定)"
_TWO_FACTORS: Final = "GB/T 22239-2019 8.1.4.1 d) 两种或两种以上组合的鉴别技术 (范围由运营单位设定)"
_ACCESS: Final = "GB/T 22239-2019 8.1.4.2 访问控制 (数值由运营单位设定)"
_BACKEND: Final = "HL7 SMART App Launch 2.2.0 Backend Services (数值由运营单位设定)"

NOBODY: Final = "none"
EVERYONE: Final = "all"
DECLARED: Final = "declared"
SECOND_FACTOR: Final = "accounts.second-factor-roles"
"""The parameter that says of which roles a second factor is asked."""


def _declared(
    id_: str, zh: str, en: str, value: Any, unit: str, source: str = _IDENTITY
) -> ParameterDeclaration:
    return unverified_parameter(id_, zh, en, value, unit, source, since=date(2019, 12, 1))


PARAMETERS: Final = (
    _declared("accounts.password-length", "密码最小长度", "Least length of a password", 10, "1"),
    _declared(
        "accounts.failures", "连续登录失败锁定次数", "Failed sign-ins before the account is locked", 5, "1"
    ),
    _declared("accounts.lock-minutes", "登录失败锁定时长", "How long an account stays locked", 15, "min"),
    _declared("accounts.idle-minutes", "会话空闲超时", "A session ends after being idle for", 60, "min"),
    _declared("accounts.session-hours", "会话最长有效期", "A session ends at the latest after", 12, "h"),
    _declared(
        "accounts.address-failures",
        "同一网络地址登录失败次数上限",
        "Failed sign-ins from one network address before it has to wait",
        50,
        "1",
    ),
    _declared(
        "accounts.address-minutes",
        "同一网络地址登录失败的统计时长",
        "Failed sign-ins from one network address are counted over",
        15,
        "min",
    ),
    _declared(
        SECOND_FACTOR,
        "必须使用动态口令的角色（declared 为角色定义中注明的，另加的角色标识以空格分隔；all 为全部，none 为不要求）",
        "Roles that need a second factor (declared: those that say so, and ids separated by spaces; all; none)",
        DECLARED,
        "1",
        _TWO_FACTORS,
    ),
    _declared(
        "accounts.deputy-days", "一次代办的最长天数", "Longest time of one deputising", 30, "d", _ACCESS
    ),
    _declared(
        "accounts.invitation-hours", "绑定统一身份的邀请码有效期", "An invitation code is good for", 72, "h"
    ),
    _declared(
        "accounts.service-token-seconds", "系统间令牌有效期", "Life of a service's token", 300, "s", _BACKEND
    ),
    _declared(
        "accounts.assertion-seconds",
        "系统间身份声明最长有效期",
        "Longest life of a service's assertion",
        300,
        "s",
        _BACKEND,
    ),
    replace(
        _declared(
            "adult-age", "成年年龄（未成年人监护终止）", "Age of majority, when guardianship ends", 18, "a"
        ),
        valid_from=date(2021, 1, 1),
        source="《中华人民共和国民法典》第十七条（十八周岁以上的自然人为成年人）",
        verified=True,
    ),
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
    address_failures: int
    address_span: timedelta
    second_factor: frozenset[str]
    """Ids of the roles that need a second factor, besides the words `EVERYONE` and `DECLARED`."""
    deputy: timedelta
    invitation: timedelta
    service_token: timedelta
    assertion: timedelta
    adult_age: int
    """Completed years."""

    def needs_second_factor(self, roles: Iterable[Role]) -> bool:
        """Return whether an account with `roles` has to have a second factor."""
        return EVERYONE in self.second_factor or any(
            one.id in self.second_factor or (one.second_factor and DECLARED in self.second_factor)
            for one in roles
        )


def limits(parameters: ParameterTable, jurisdiction: str) -> Limits:
    """Return the figures in force today in `jurisdiction`; where a table lacks one, the declared value."""
    day = today()
    held: dict[str, Any] = {
        one.id.removeprefix("accounts."): parameters.figure(one, jurisdiction, day) for one in PARAMETERS
    }
    return Limits(
        password_length=int(held["password-length"]),
        failures=int(held["failures"]),
        lock=timedelta(minutes=int(held["lock-minutes"])),
        idle=timedelta(minutes=int(held["idle-minutes"])),
        session=timedelta(hours=int(held["session-hours"])),
        address_failures=int(held["address-failures"]),
        address_span=timedelta(minutes=int(held["address-minutes"])),
        second_factor=frozenset(str(held["second-factor-roles"]).replace(",", " ").split()) - {NOBODY},
        deputy=timedelta(days=int(held["deputy-days"])),
        invitation=timedelta(hours=int(held["invitation-hours"])),
        service_token=timedelta(seconds=int(held["service-token-seconds"])),
        assertion=timedelta(seconds=int(held["assertion-seconds"])),
        adult_age=int(held["adult-age"]),
    )
