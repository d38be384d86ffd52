"""Accounts from the rows of a sheet: every row is checked, each finding names its row, and only a clean sheet enters.

Columns: 账号 name · 姓名 display · 角色 roles · 机构 organisation · 区划 district · 人员 practitioner · 居民 resident.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kangshu.access import Grant, Role
from kangshu.accounts.directory import Accounts
from kangshu.accounts.records import Account, NewAccount
from kangshu.base.faults import Fault, Issue

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("账号", "name", "account"),
    "display": ("姓名", "display"),
    "roles": ("角色", "roles", "role"),
    "organisation": ("机构", "organisation", "organization"),
    "district": ("区划", "district"),
    "practitioner": ("人员", "practitioner"),
    "patient": ("居民", "resident", "patient"),
}
"""Field → the headings it may stand under, the Chinese one first (that of the template)."""


@dataclass(frozen=True, slots=True)
class AccountImport:
    """What became of a sheet. With findings nothing was made; else `made` holds each account with its password."""

    made: tuple[NewAccount, ...]
    findings: tuple[Issue, ...]


async def import_accounts(
    accounts: Accounts,
    grant: Grant,
    rows: Iterable[Mapping[str, Any]],
    *,
    numbers: Sequence[int] = (),
    dry: bool = False,
) -> AccountImport:
    """Make an account of each row, or none when a row has a fault; with `dry` only look for faults.

    A row maps headings to values; roles are ids or titles, separated by ; , 、 or spaces, and are for whoever may
    assign roles. `numbers` are the rows' numbers in the sheet; without them the first is row 2, as below a heading.
    Raises Forbidden without `account.manage`.
    """
    grant.require("account.manage")
    taken = {one.name for one in await accounts.accounts(grant)}
    drafts: list[Account] = []
    findings: list[Issue] = []
    for at, row in enumerate(rows):
        number = numbers[at] if at < len(numbers) else at + 2
        fields = {name: _cell(row, headings) for name, headings in COLUMNS.items()}
        if not any(fields.values()):
            continue
        draft, faults = _draft(accounts, fields)
        if draft is not None and draft.name in taken:
            faults.append(("the name is taken, or stands twice in the sheet", "账号名已存在或在表中重复"))
        if fields["roles"] and not grant.may("role.assign"):
            faults.append(
                ("roles are assigned by the security administrator", "角色由安全保密管理员分配，请留空")
            )
        findings.extend(_finding(number, en, zh) for en, zh in faults)
        if draft is not None:
            taken.add(draft.name)
            drafts.append(draft)
    if findings or dry:
        return AccountImport((), tuple(findings))
    return AccountImport(tuple([await accounts.create_account(grant, one) for one in drafts]), ())


def _draft(accounts: Accounts, fields: Mapping[str, str]) -> tuple[Account | None, list[tuple[str, str]]]:
    faults: list[tuple[str, str]] = []
    roles: list[str] = []
    for word in _words(fields["roles"]):
        role = _role(accounts.roles, word)
        if role is None:
            faults.append((f"there is no role '{word[:40]}'", f"没有角色“{word[:40]}”"))
        else:
            roles.append(role)
    account = Account(
        name=fields["name"],
        display=fields["display"] or fields["name"],
        roles=tuple(roles),
        organisation=fields["organisation"].removeprefix("Organization/"),
        practitioner=fields["practitioner"].removeprefix("Practitioner/"),
        patient=fields["patient"].removeprefix("Patient/"),
        district=fields["district"],
        must_change=True,
    )
    if account.district and not (account.district.isdigit() and len(account.district) in (2, 4, 6, 9, 12)):
        faults.append(("a division code has 2, 4, 6, 9 or 12 digits", "区划代码须为2、4、6、9或12位数字"))
    try:
        accounts.check(account)
    except Fault as fault:
        faults.append((fault.text, fault.zh))
        return None, faults
    return account, faults


def _cell(row: Mapping[str, Any], headings: tuple[str, ...]) -> str:
    for heading in headings:
        value = row.get(heading)
        if value is not None and str(value).strip():
            return str(value).strip()
    return ""


def _words(text: str) -> list[str]:
    for sign in ";；,，、":
        text = text.replace(sign, " ")
    return text.split()


def _role(roles: Mapping[str, Role], word: str) -> str | None:
    if word in roles:
        return word
    return next((id_ for id_, role in roles.items() if word in (role.title.zh, role.title.en)), None)


def _finding(row: int, en: str, zh: str) -> Issue:
    return Issue("error", "invalid", f"row {row}: {en}", (f"row {row}",), f"第{row}行：{zh}")
