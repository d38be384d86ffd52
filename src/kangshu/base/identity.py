"""Identity numbers and their check digits: GB 11643 (resident), GB 32100 and GB 11714 (organisation), the
17-digit health record number.

A check says what is wrong, and never repeats the number: findings are logged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from kangshu.base.faults import Issue, Malformed

_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECK: Final = "10X98765432"
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS: Final = tuple(3**place % 31 for place in range(17))
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_FORM: Final = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
_USCC_FORM: Final = re.compile(rf"[159Y][0-9A-HJ-NPQRTUWXY][0-9]{{6}}[{_USCC_ALPHABET}]{{10}}", re.ASCII)
_RECORD_FORM: Final = re.compile(r"[0-9]{17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ResidentId:
    """What a resident identity number says."""

    division: str
    """Six digits: the place of first registration, not of residence."""
    birth_date: date
    sex: Literal["male", "female"]


def resident_check(body: str) -> str:
    """Return the check character of the 17 digits `body`. Source: GB 11643-1999 (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    return _RESIDENT_CHECK[total % 11]


def make_resident_id(division: str, birth_date: date, order: int) -> str:
    """Return the 18-character number; `order` is 0..999, odd for men and even for women."""
    body = f"{division}{birth_date:%Y%m%d}{order:03d}"
    return body + resident_check(body)


def check_resident_id(number: str, today: date | None = None) -> tuple[Issue, ...]:
    """Return what is wrong with `number`: form, date of birth, check character; empty when it is valid.

    With `today` a birth date in the future is a finding too.
    """
    if not _RESIDENT_FORM.fullmatch(number):
        return (
            Issue(
                "error",
                "value",
                "a resident identity number has 17 digits and a digit or X",
                zh="居民身份证号码应为17位数字加1位数字或X",
            ),
        )
    found = []
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        birth = None
    if birth is None or birth.year < 1850 or (today is not None and birth > today):
        found.append(
            Issue(
                "error",
                "value",
                "the date of birth in the identity number is no possible date",
                zh="身份证号码中的出生日期无效",
            )
        )
    if resident_check(number[:17]) != number[17]:
        found.append(
            Issue(
                "error",
                "value",
                "the check character of the identity number is wrong",
                zh="身份证号码校验位不正确",
            )
        )
    return tuple(found)


def read_resident_id(number: str) -> ResidentId:
    """Return what `number` says. Raises Malformed when it is not valid."""
    issues = check_resident_id(number)
    if issues:
        raise Malformed("not a valid resident identity number", zh="居民身份证号码无效", issues=issues)
    birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return ResidentId(number[:6], birth, "male" if int(number[16]) % 2 else "female")


def organisation_check(body: str) -> str:
    """Return the check character of the eight characters `body`. Source: GB 11714-1997."""
    total = sum(int(sign, 36) * weight for sign, weight in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    value = 11 - total % 11
    return {10: "X", 11: "0"}.get(value, str(value))


def uscc_check(body: str) -> str:
    """Return the check character of the 17 characters `body`. Source: GB 32100-2015."""
    total = sum(_USCC_ALPHABET.index(sign) * weight for sign, weight in zip(body, _USCC_WEIGHTS, strict=True))
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def make_uscc(kind: str, division: str, organisation: str) -> str:
    """Return a code: `kind` is two characters (12 public institution, 52 private non-profit, 91 company),
    `organisation` the eight characters of GB 11714 without their check character."""
    body = f"{kind}{division}{organisation}{organisation_check(organisation)}"
    return body + uscc_check(body)


def check_uscc(code: str) -> tuple[Issue, ...]:
    """Return what is wrong with the 统一社会信用代码 `code`; empty when it is valid."""
    if not _USCC_FORM.fullmatch(code):
        return (
            Issue(
                "error",
                "value",
                "a unified social credit code has 18 digits and capital letters without I, O, S, V, Z",
                zh="统一社会信用代码应为18位，由数字和大写字母（不含I、O、S、V、Z）组成",
            ),
        )
    if uscc_check(code[:17]) != code[17]:
        return (
            Issue(
                "error",
                "value",
                "the check character of the unified social credit code is wrong",
                zh="统一社会信用代码校验位不正确",
            ),
        )
    return ()


def make_record_number(community: str, order: int) -> str:
    """Return the 17-digit health record number of the `order`-th resident of a 12-digit `community`."""
    return f"{community}{order:05d}"


def check_record_number(number: str, division: str = "") -> tuple[Issue, ...]:
    """Return what is wrong with a health record number: 12 digits of place and 5 of the resident's order.

    With `division` (a prefix) a number of another place is a finding. The number carries no check digit.
    """
    if not _RECORD_FORM.fullmatch(number) or number.endswith("00000"):
        return (
            Issue(
                "error", "value", "a health record number has 17 digits", zh="居民健康档案编号应为17位数字"
            ),
        )
    if not number.startswith(division):
        return (
            Issue(
                "error",
                "value",
                "the health record number belongs to another place",
                zh="居民健康档案编号不属于本地区",
            ),
        )
    return ()
