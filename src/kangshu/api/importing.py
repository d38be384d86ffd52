"""What makes a city of an empty installation, from Excel: divisions, accounts, roles, parameters.

Every import checks all rows first and names each finding's row; with a finding nothing is written. Organisations and
all other records come in by their registers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kangshu.access import Grant, division_prefix
from kangshu.accounts import Account, NewAccount, import_accounts
from kangshu.api.jurisdiction import enter_parameter
from kangshu.api.platform import Platform
from kangshu.api.sheets import SheetColumn, SheetRow, read_rows, write_template
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Invalid, Unprocessable
from kangshu.base.parameters import ParameterVersion
from kangshu.base.text import Language, Text
from kangshu.documents import Value
from kangshu.registers import ImportReport, RowError
from kangshu.services import division

DIVISION: Final = "http://kangshu.org/fhir/sid/division"


@dataclass(frozen=True, slots=True)
class AccountsMade:
    """What became of a sheet of accounts: with errors nothing was made; passwords are shown once."""

    report: ImportReport
    made: tuple[NewAccount, ...] = ()


# Divisions

DIVISION_SHEET: Final = (
    SheetColumn(
        "code",
        Text("区划代码", "Division code"),
        Text(
            "6 位到区县，9 位到乡镇街道，12 位到村居；12 位以 000 结尾的按乡镇识别",
            "6 digits a district, 9 a town, 12 a community; 12 digits that end in 000 are a town",
        ),
        needed=True,
    ),
    SheetColumn("name", Text("名称", "Name"), Text("全称，如 云湖区", "full name"), needed=True),
)


def divisions_template(language: Language = "zh") -> bytes:
    """Return the workbook of divisions to fill in."""
    return write_template(Text("行政区划", "Divisions"), DIVISION_SHEET, language)


async def division_names(platform: Platform, grant: Grant) -> dict[str, str]:
    """Return the names of the city's divisions by code, in order of code."""
    found = await platform.store.search_all(grant, "Location", f"identifier={DIVISION}|")
    named = {
        str(identifier["value"]): str(one.get("name", ""))
        for one in found
        for identifier in one.get("identifier", ())
        if identifier.get("system") == DIVISION and identifier.get("value")
    }
    return dict(sorted(named.items()))


async def import_divisions(platform: Platform, grant: Grant, data: bytes) -> ImportReport:
    """Make or rename the divisions of a sheet; all rows or none.

    Raises Forbidden without `organisation.manage`, Malformed, TooLarge, Unprocessable for the sheet as a whole.
    """
    grant.require("organisation.manage")
    city = platform.settings.jurisdiction
    if not city:
        raise Unprocessable("the installation has no jurisdiction yet", zh="尚未设置本市行政区划")
    rows = read_rows(data, DIVISION_SHEET)
    known = await division_names(platform, grant)
    wanted: dict[str, str] = {}
    errors: list[RowError] = []
    numbers: dict[str, int] = {}
    for row in rows:
        code, name = _full_code(row.cells["code"]), row.cells["name"]
        problem = _division_problem(code, name, city)
        if problem is None and code in wanted:
            problem = ("code", Text(f"与第{numbers[code]}行重复", f"repeats row {numbers[code]}"))
        if problem is not None:
            errors.append(_row_error(DIVISION_SHEET, row, *problem))
            continue
        wanted[code], numbers[code] = name, row.number
    for code in wanted:
        above = _above(code, city)
        if above and above not in wanted and above not in known:
            text = Text(f"上级区划{above}不在系统中，也不在本表中", f"division {above} above it is not known")
            errors.append(RowError(numbers[code], DIVISION_SHEET[0].title.zh, text))
    if errors:
        return ImportReport(len(rows), 0, 0, tuple(sorted(errors, key=lambda one: one.row)))
    async with platform.store.transaction(grant) as transaction:
        for code in sorted(wanted, key=lambda one: (len(one), one)):
            await transaction.update(division(code, wanted[code], _above(code, city)))
    created = sum(code not in known for code in wanted)
    return ImportReport(len(rows), created, len(wanted) - created, ())


def _full_code(code: str) -> str:
    """Return a code without the zeros that statistics add: 120101001000 → 120101001 → a town."""
    while len(code) in (9, 12) and code.endswith("000"):
        code = code[:-3]
    return code


def _division_problem(code: str, name: str, city: str) -> tuple[str, Text] | None:
    if not (code.isascii() and code.isdigit() and len(code) in (6, 9, 12)):
        return "code", Text("区划代码须为 6、9 或 12 位数字", "a division code has 6, 9 or 12 digits")
    if not code.startswith(division_prefix(city)):
        return "code", Text(f"不属于本市（{city}）", f"is not within this city ({city})")
    if not name:
        return "name", Text("请填写名称", "the name is missing")
    return None


def _above(code: str, city: str) -> str:
    """Return the code of the division above, "" for the city itself."""
    if code == city:
        return ""
    return city if len(code) == 6 else code[:6] if len(code) == 9 else code[:9]


# Accounts

ACCOUNT_SHEET: Final = (
    SheetColumn(
        "name", Text("账号", "Account"), Text("2–64 个字母、数字、点或短横", "2–64 letters, digits, dots or dashes"),
        needed=True,
    ),
    SheetColumn("display", Text("姓名", "Display name"), Text("姓名或岗位", "name or post"), needed=True),
    SheetColumn("organisation", Text("机构", "Organisation"), Text("机构台账中的名称或简称", "name or short name in the register")),
    SheetColumn("district", Text("区划", "District"), Text("区划代码或名称；按区域授权的岗位必填", "code or name; needed by posts that work by district")),
)  # fmt: skip


def accounts_template(language: Language = "zh") -> bytes:
    """Return the workbook of accounts to fill in. Roles are another sheet: another administrator assigns them."""
    return write_template(Text("账号", "Accounts"), ACCOUNT_SHEET, language)


async def import_account_sheet(platform: Platform, grant: Grant, data: bytes) -> AccountsMade:
    """Make the accounts of a sheet, without roles; all rows or none. Raises as `import_divisions` does."""
    grant.require("account.manage")
    rows = read_rows(data, ACCOUNT_SHEET)
    organisations = await organisation_ids(platform, grant)
    divisions = await division_names(platform, grant)
    places = {name: code for code, name in divisions.items()}
    errors: list[RowError] = []
    entries: list[dict[str, str]] = []
    for row in rows:
        entry = dict(row.cells)
        written = entry["organisation"]
        if written:
            ids = organisations.get(written, ())
            if len(ids) == 1:
                entry["organisation"] = ids[0]
            else:
                text = (
                    Text("有多个同名机构，请填写全称", "more than one organisation has this name")
                    if ids
                    else Text(
                        f"机构台账中没有“{written[:40]}”", f"no organisation is called '{written[:40]}'"
                    )
                )
                errors.append(_row_error(ACCOUNT_SHEET, row, "organisation", text))
        if entry["district"]:
            code = places.get(entry["district"], entry["district"])
            if code not in divisions:
                text = Text(
                    f"行政区划中没有“{entry['district'][:20]}”", f"no division is '{entry['district'][:20]}'"
                )
                errors.append(_row_error(ACCOUNT_SHEET, row, "district", text))
            entry["district"] = code
        entries.append(entry)
    numbers = [row.number for row in rows]
    checked = await import_accounts(platform.accounts, grant, entries, numbers=numbers, dry=bool(errors))
    for issue in checked.findings:
        number = int(issue.expression[0].removeprefix("row "))
        zh, en = issue.zh.partition("：")[2] or issue.zh, issue.text.partition(": ")[2] or issue.text
        errors.append(RowError(number, "", Text(zh, en)))
    if errors:
        return AccountsMade(ImportReport(len(rows), 0, 0, tuple(sorted(errors, key=lambda one: one.row))))
    return AccountsMade(ImportReport(len(rows), len(checked.made), 0, ()), checked.made)


async def organisation_ids(platform: Platform, grant: Grant) -> dict[str, tuple[str, ...]]:
    """Return the ids of the organisations by name, alias and id."""
    found: dict[str, tuple[str, ...]] = {}
    for one in await platform.store.search_all(grant, "Organization", ""):
        for name in {str(one.get("name", "")), *map(str, one.get("alias", ())), str(one["id"])}:
            found[name] = (*found.get(name, ()), str(one["id"]))
    return found


# Roles

ROLE_SHEET: Final = (
    SheetColumn("name", Text("账号", "Account"), Text("已有的账号", "an account that exists"), needed=True),
    SheetColumn("display", Text("姓名", "Display name"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("post", Text("岗位", "Post"), Text("机构与区划，仅供核对", "organisation and district, for reference"), shown=True),
    SheetColumn("held", Text("现有角色", "Present roles"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("roles", Text("角色", "Roles"), Text("要分配的全部角色，多个用、分隔；留空的行不改", "all roles that it is to have, separated by 、; rows left empty stay"), needed=True),
)  # fmt: skip


async def roles_template(platform: Platform, grant: Grant, language: Language = "zh") -> bytes:
    """Return the workbook of roles with every account that stands, those without a role first."""
    roles = platform.accounts.roles
    names = {
        id_: name
        for name, ids in (await organisation_ids(platform, grant)).items()
        for id_ in ids
        if name != id_
    }
    rows: list[list[Value]] = []
    for one in sorted(
        await platform.accounts.accounts(grant), key=lambda held: (bool(held.roles), held.name)
    ):
        if one.name in ("system", grant.account):
            continue
        held = "、".join(roles[id_].title.in_language(language) if id_ in roles else id_ for id_ in one.roles)
        post = " ".join(filter(None, (names.get(one.organisation, one.organisation), one.district)))
        rows.append([one.name, one.display, post, held, ""])
    return write_template(Text("角色分配", "Roles"), ROLE_SHEET, language, rows)


async def import_roles(platform: Platform, grant: Grant, data: bytes) -> ImportReport:
    """Assign the roles of a sheet; all rows or none. Raises as `import_divisions` does."""
    grant.require("role.assign")
    rows = [row for row in read_rows(data, ROLE_SHEET) if row.cells["roles"]]
    accounts = {one.name: one for one in await platform.accounts.accounts(grant)}
    wanted: dict[str, tuple[str, ...]] = {}
    errors: list[RowError] = []
    for row in rows:
        name = row.cells["name"]
        try:
            if name in wanted:
                raise Unprocessable("the account stands twice", zh="账号在表中重复", expression="name")
            wanted[name] = _roles_of(platform, grant, accounts.get(name), row.cells["roles"])
        except Fault as fault:
            place = fault.issues[0].expression[0] if fault.issues and fault.issues[0].expression else "roles"
            errors.append(_row_error(ROLE_SHEET, row, place, Text(fault.zh, fault.text)))
    if errors:
        return ImportReport(len(rows), 0, 0, tuple(errors))
    for name, roles in wanted.items():
        await platform.accounts.assign_roles(grant, name, roles)
    return ImportReport(len(rows), 0, len(wanted), ())


def _roles_of(platform: Platform, grant: Grant, account: Account | None, written: str) -> tuple[str, ...]:
    """Return the ids of the roles written. Raises Unprocessable: unknown account or role, a post that is missing."""
    if account is None or account.name == "system":
        raise Unprocessable("there is no such account", zh="没有此账号", expression="name")
    if account.name == grant.account:
        raise Unprocessable("nobody assigns their own roles", zh="不得为本人账号分配角色", expression="name")
    roles = platform.accounts.roles
    titles = {title: id_ for id_, role in roles.items() for title in (role.title.zh, role.title.en)}
    for sign in "；;，,\n":
        written = written.replace(sign, "、")
    found = [titles.get(word.strip(), word.strip()) for word in written.split("、") if word.strip()]
    chosen = tuple(dict.fromkeys(found))
    platform.accounts.check(replace(account, roles=chosen))
    return chosen


# Parameters

PARAMETER_SHEET: Final = (
    SheetColumn("id", Text("参数标识", "Parameter"), Text("不要修改", "leave as it is"), needed=True),
    SheetColumn("title", Text("参数名称", "Name"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("present", Text("今日有效值", "In force today"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("unit", Text("单位", "Unit"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("check", Text("核对情况", "Checked"), Text("仅供核对", "for reference"), shown=True),
    SheetColumn("value", Text("新值", "New value"), Text("与现值相同也要填写，表示已核对；留空的行不改", "fill it in also where it stays the same: it is then verified; rows left empty stay"), needed=True),
    SheetColumn("valid_from", Text("生效日期", "Valid from"), Text("如 2026-01-01", "as 2026-01-01"), needed=True),
    SheetColumn("valid_to", Text("失效日期", "Valid to"), Text("留空表示长期有效", "empty: open")),
    SheetColumn("source", Text("来源条款", "Source clause"), Text("文件名、文号与条款", "document, number and clause"), needed=True),
)  # fmt: skip


def parameters_template(platform: Platform, language: Language = "zh") -> bytes:
    """Return the workbook of parameters with what is in force today, unverified ones first."""
    table, place = platform.parameters, platform.settings.jurisdiction
    rows: list[list[Value]] = []
    for id_ in table.ids():
        version = table.find(id_, place, today())
        title = (version or table.versions(id_)[0]).title.in_language(language)
        check = (
            Text("待确认", "to be verified")
            if version is None or not version.verified
            else Text("已核对", "verified")
        )
        value = str(version.value) if version is not None else ""
        unit = (version or table.versions(id_)[0]).unit
        rows.append([id_, title, value, unit, check.in_language(language), "", "", "", ""])
    known = Text("已核对", "verified").in_language(language)
    rows.sort(key=lambda row: (row[4] == known, row[0]))
    return write_template(Text("政策参数", "Parameters"), PARAMETER_SHEET, language, rows)


async def import_parameters(platform: Platform, grant: Grant, data: bytes) -> ImportReport:
    """Enter the new values of a sheet for this city; all rows or none. Raises as `import_divisions` does."""
    grant.require("parameter.write")
    rows = [row for row in read_rows(data, PARAMETER_SHEET) if row.cells["value"]]
    versions: list[ParameterVersion] = []
    errors: list[RowError] = []
    for row in rows:
        try:
            versions.append(_version(platform, row.cells))
        except Fault as fault:
            place = fault.issues[0].expression[0] if fault.issues and fault.issues[0].expression else ""
            errors.append(_row_error(PARAMETER_SHEET, row, place, Text(fault.zh, fault.text)))
    if errors:
        return ImportReport(len(rows), 0, 0, tuple(errors))
    for version in versions:
        await enter_parameter(platform, grant, version)
    return ImportReport(len(rows), len(versions), 0, ())


def _version(platform: Platform, cells: Mapping[str, str]) -> ParameterVersion:
    held = platform.parameters.versions(cells["id"])
    if not held:
        raise Invalid("there is no such parameter", zh=f"没有参数“{cells['id'][:60]}”", expression="id")
    if not cells["source"]:
        raise Invalid(
            "a parameter needs the clause it comes from", zh="参数必须注明来源条款", expression="source"
        )
    start, end = _day(cells, "valid_from"), _day(cells, "valid_to") if cells["valid_to"] else None
    if end is not None and end < start:
        raise Invalid(
            "a parameter cannot end before it starts",
            zh="参数的失效日期不能早于生效日期",
            expression="valid_to",
        )
    return ParameterVersion(
        id=cells["id"],
        title=held[0].title,
        value=parameter_value(held[0].value, cells["value"]),
        unit=held[0].unit,
        jurisdiction=platform.settings.jurisdiction,
        valid_from=start,
        valid_to=end,
        source=cells["source"],
        verified=True,
    )


def parameter_value(before: Any, text: str) -> Any:
    """Return `text` in the form of the value before it: a number stays a number. Raises Invalid."""
    text = text.strip()
    if not text:
        raise Invalid("the value is missing", zh="请填写新值", expression="value")
    if isinstance(before, bool):
        return text.lower() in ("true", "是", "1")
    if isinstance(before, int | float | Decimal):
        try:
            number = Decimal(text.replace(",", ""))
        except InvalidOperation as error:
            raise Invalid(
                "the value must be a number", zh="该参数的值应为数字", expression="value"
            ) from error
        if not number.is_finite():
            raise Invalid("the value must be a number", zh="该参数的值应为数字", expression="value")
        return int(number) if number == int(number) and not isinstance(before, float) else float(number)
    return text


def _day(cells: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(cells[name])
    except ValueError as error:
        raise Invalid(
            "a date is written as 2026-03-01", zh="日期格式应为 2026-03-01", expression=name
        ) from error


def _row_error(columns: Sequence[SheetColumn], row: SheetRow, place: str, text: Text) -> RowError:
    title = next((one.title.zh for one in columns if one.id == place), "")
    return RowError(row.number, title, text)
