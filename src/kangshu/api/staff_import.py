"""A unit's people in one workbook: units, people, accounts, posts. Previewed first; then all of it, or nothing.

Least privilege: an account comes without roles unless whoever imports may assign them, and a post reaches no further
than its unit and division. First passwords are random and shown once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kangshu.access import Grant
from kangshu.accounts import Account, NewAccount, Post
from kangshu.api.importing import division_names, organisation_ids
from kangshu.api.platform import Platform
from kangshu.api.sheets import SheetColumn, SheetRow, read_sheets, write_templates
from kangshu.base.canonical import BASE, DISTRICT, ORGANISATION_CODE, ORGANISATION_KIND
from kangshu.base.clock import today
from kangshu.base.faults import Fault, Forbidden
from kangshu.base.text import Language, Text
from kangshu.registers import RowError
from kangshu.sdk import Resource
from kangshu.store import new_id

STAFF_NUMBER: Final = f"{BASE}/sid/staff-number"
"""The number that a unit gives to its people (工号)."""
STAFF_ROLE: Final = f"{BASE}/CodeSystem/staff-role"

UNITS, PEOPLE = Text("单位", "Units"), Text("人员", "People")
ACCOUNTS, POSTS = Text("账号", "Accounts"), Text("岗位", "Posts")
_UNIT: Final = Text("单位", "Unit")
_DIVISION: Final = Text("代码或名称", "code or name")
_NAMED: Final = Text("机构台账或“单位”表中的名称", "name in the register or in the sheet of units")

SHEETS: Final[Mapping[Text, Sequence[SheetColumn]]] = {
    UNITS: (
        SheetColumn("name", Text("单位名称", "Name"), Text("全称；已有的单位照用，不会改动", "full name; a unit that is there is used as it is"), needed=True),
        SheetColumn("alias", Text("简称", "Short name"), Text("多个用、分隔", "several separated by 、")),
        SheetColumn("kind", Text("类别", "Kind"), Text("同机构台账的机构类别", "as in the register of organisations")),
        SheetColumn("code", Text("统一社会信用代码", "Unified social credit code"), Text("18 位", "18 signs")),
        SheetColumn("above", Text("上级单位", "Unit above"), _NAMED),
        SheetColumn("district", Text("所在区划", "Division"), _DIVISION),
    ),
    PEOPLE: (
        SheetColumn("number", Text("工号", "Staff number"), Text("本单位内不重复；已有的人员照用", "one a person; who is there already is used"), needed=True),
        SheetColumn("name", Text("姓名", "Name"), Text("", ""), needed=True),
        SheetColumn("unit", _UNIT, _NAMED, needed=True),
        SheetColumn("profession", Text("专业岗位", "Profession"), Text("医师、护士等，同任职台账；行政人员留空", "as in the register of posts; empty for administration")),
    ),
    ACCOUNTS: (
        SheetColumn("name", Text("账号", "Account"), Text("2–64 个字母、数字、点或短横", "2–64 letters, digits, dots or dashes"), needed=True),
        SheetColumn("display", Text("显示名", "Display name"), Text("姓名或岗位", "name or post"), needed=True),
        SheetColumn("number", Text("工号", "Staff number"), Text("对应的人员，可不填", "the person, may stay empty")),
    ),
    POSTS: (
        SheetColumn("account", Text("账号", "Account"), Text("“账号”表中的账号；第一行为主岗", "an account of that sheet; its first row is the first post"), needed=True),
        SheetColumn("title", Text("岗位名称", "Name of the post"), Text("如 老龄科经办", "such as clerk")),
        SheetColumn("unit", _UNIT, _NAMED, needed=True),
        SheetColumn("district", Text("所辖区划", "District"), _DIVISION),
        SheetColumn("stand_in", Text("B 岗账号", "Account of the stand-in"), Text("可不填", "may stay empty")),
        SheetColumn("roles", Text("角色", "Roles"), Text("由安全保密管理员另行分配，请留空", "assigned by the security administrator: leave empty")),
    ),
}  # fmt: skip


@dataclass(slots=True)
class StaffPlan:
    """What a workbook would make, with every fault that was found. With a fault nothing is made."""

    units: dict[str, Resource] = field(default_factory=dict)
    people: dict[str, Resource] = field(default_factory=dict)
    roles: list[Resource] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    posts: dict[str, list[Post]] = field(default_factory=dict)
    errors: list[RowError] = field(default_factory=list)

    def counts(self) -> tuple[tuple[Text, int], ...]:
        """Return how many of each would be made."""
        number = sum(len(one) for one in self.posts.values())
        return (
            (UNITS, len(self.units)),
            (PEOPLE, len(self.people)),
            (ACCOUNTS, len(self.accounts)),
            (POSTS, number),
        )


def staff_template(language: Language = "zh") -> bytes:
    """Return the workbook to fill in."""
    return write_templates(SHEETS, language)


async def plan_staff(platform: Platform, grant: Grant, data: bytes) -> StaffPlan:
    """Return what the workbook would make; nothing is written.

    Raises Forbidden without `account.manage` and `organisation.manage`, Malformed, TooLarge, Unprocessable.
    """
    _require(grant)
    rows = read_sheets(data, SHEETS)
    check = _Check(platform, grant)
    await check.look()
    for row in rows[UNITS]:
        check.unit(row)
    check.link_units(rows[UNITS])
    for row in rows[PEOPLE]:
        check.person(row)
    for row in rows[ACCOUNTS]:
        check.account(row)
    for row in rows[POSTS]:
        check.post(row)
    check.close(rows[ACCOUNTS])
    check.plan.errors.sort(key=lambda one: (one.column, one.row))
    return check.plan


async def import_staff(
    platform: Platform, grant: Grant, data: bytes
) -> tuple[StaffPlan, tuple[NewAccount, ...]]:
    """Make all that the workbook holds, in one transaction; return the accounts with their first passwords.

    With errors in the plan nothing was made. Raises as `plan_staff`, and Conflict when a name was taken meanwhile.
    """
    plan = await plan_staff(platform, grant, data)
    if plan.errors:
        return plan, ()
    made: list[NewAccount] = []
    async with platform.store.transaction(grant) as transaction:
        for resource in (*plan.units.values(), *plan.people.values(), *plan.roles):
            await transaction.update(resource)
        for name, account in plan.accounts.items():
            posts = plan.posts.get(name, [])
            first = _with_post(account, posts[0]) if posts else account
            made.append(
                await platform.accounts.create_within(
                    transaction.connection,
                    grant,
                    first,
                    more=[replace(one, stand_in="") for one in posts[1:]],
                )
            )
        for name, posts in plan.posts.items():
            await platform.accounts.posts.describe(transaction.connection, name, posts)
    await platform.accounts.tell_created(grant, plan.accounts)
    return plan, tuple(made)


def _with_post(account: Account, post: Post) -> Account:
    return replace(
        account,
        roles=post.roles,
        organisation=post.organisation,
        practitioner=post.practitioner,
        district=post.district,
    )


def _require(grant: Grant) -> None:
    grant.require("account.manage")
    grant.require("organisation.manage")


class _Check:
    """Turns rows into drafts, and tells what is wrong with each."""

    def __init__(self, platform: Platform, grant: Grant) -> None:
        self._platform = platform
        self._grant = grant
        self.plan = StaffPlan()
        self._named: dict[str, tuple[str, ...]] = {}
        self._divisions: dict[str, str] = {}
        self._known_people: dict[str, str] = {}
        self._taken: set[str] = set()
        self._kinds = _choices(platform, ORGANISATION_KIND)
        self._professions = _choices(platform, STAFF_ROLE)
        self._staff: dict[str, str] = {}

    async def look(self) -> None:
        """Look up what is there already."""
        platform, grant = self._platform, self._grant
        self._named = await organisation_ids(platform, grant)
        codes = await division_names(platform, grant)
        self._divisions = {**{name: code for code, name in codes.items()}, **{code: code for code in codes}}
        for one in await platform.store.search_all(grant, "Practitioner", f"identifier={STAFF_NUMBER}|"):
            for identifier in one.get("identifier", ()):
                if identifier.get("system") == STAFF_NUMBER:
                    self._known_people[str(identifier.get("value"))] = str(one["id"])
        self._taken = {one.name for one in await platform.accounts.accounts(grant)}

    def unit(self, row: SheetRow) -> None:
        """Draft a unit; one that is there already is used as it is."""
        cells = row.cells
        name = cells["name"]
        if not name:
            self._wrong(UNITS, row, "name", "请填写", "is missing")
        if name in self.plan.units:
            self._wrong(UNITS, row, "name", "与前面的行重复", "repeats a row above")
            return
        if name in self._named:
            return
        resource: dict[str, Any] = {
            "resourceType": "Organization",
            "id": new_id(),
            "active": True,
            "name": name,
        }
        if cells["alias"]:
            resource["alias"] = [
                one.strip() for one in cells["alias"].replace(",", "、").split("、") if one.strip()
            ]
        if cells["kind"]:
            code = self._kinds.get(cells["kind"])
            if code is None:
                self._wrong(
                    UNITS,
                    row,
                    "kind",
                    f"没有类别“{cells['kind'][:20]}”",
                    f"no kind is '{cells['kind'][:20]}'",
                )
            else:
                resource["type"] = [{"coding": [{"system": ORGANISATION_KIND, "code": code}]}]
        if code_of_unit := cells["code"].upper():
            if len(code_of_unit) != 18 or not (code_of_unit.isascii() and code_of_unit.isalnum()):
                self._wrong(UNITS, row, "code", "须为 18 位数字或大写字母", "has 18 digits or capitals")
            resource["identifier"] = [{"system": ORGANISATION_CODE, "value": code_of_unit}]
        if district := self._district(UNITS, row, "district"):
            resource["extension"] = [{"url": DISTRICT, "valueCode": district}]
        self.plan.units[name] = resource
        for called in (name, *resource.get("alias", ())):
            self._named[called] = (*self._named.get(called, ()), str(resource["id"]))

    def link_units(self, rows: Sequence[SheetRow]) -> None:
        """Put each unit below the one above it, which may stand further down in the sheet."""
        for row in rows:
            unit = self.plan.units.get(row.cells["name"])
            if row.cells["above"] and unit is not None:
                above = self._unit(UNITS, row, "above")
                if above == unit["id"]:
                    self._wrong(UNITS, row, "above", "上级不能是本单位", "a unit is not above itself")
                elif above:
                    unit["partOf"] = {"reference": f"Organization/{above}"}

    def person(self, row: SheetRow) -> None:
        """Draft a person, with the profession in the unit."""
        cells = row.cells
        number, name = cells["number"], cells["name"]
        for id_ in ("number", "name", "unit"):
            if not cells[id_]:
                self._wrong(PEOPLE, row, id_, "请填写", "is missing")
        if number in self._staff:
            self._wrong(PEOPLE, row, "number", "与前面的行重复", "repeats a row above")
            return
        unit = self._unit(PEOPLE, row, "unit") if cells["unit"] else ""
        known = self._known_people.get(number)
        id_ = known or new_id()
        self._staff[number] = id_
        if known is None and name:
            self.plan.people[number] = {
                "resourceType": "Practitioner",
                "id": id_,
                "identifier": [{"system": STAFF_NUMBER, "value": number}],
                "active": True,
                "name": [{"text": name}],
            }
        if cells["profession"]:
            code = self._professions.get(cells["profession"])
            if code is None:
                said = cells["profession"][:20]
                self._wrong(PEOPLE, row, "profession", f"没有专业岗位“{said}”", f"no profession is '{said}'")
            elif unit:
                self.plan.roles.append(
                    {
                        "resourceType": "PractitionerRole",
                        "id": new_id(),
                        "active": True,
                        "period": {"start": today().isoformat()},
                        "practitioner": {"reference": f"Practitioner/{id_}"},
                        "organization": {"reference": f"Organization/{unit}"},
                        "code": [{"coding": [{"system": STAFF_ROLE, "code": code}]}],
                    }
                )

    def account(self, row: SheetRow) -> None:
        """Draft an account."""
        cells = row.cells
        name = cells["name"]
        if name in self._taken:
            self._wrong(ACCOUNTS, row, "name", "账号已存在或在表中重复", "is taken, or stands twice")
            return
        number = cells["number"]
        if number and number not in self._staff and number not in self._known_people:
            self._wrong(ACCOUNTS, row, "number", "“人员”表和系统中都没有此工号", "nobody has this number")
        practitioner = self._staff.get(number) or self._known_people.get(number, "")
        draft = Account(name, cells["display"] or name, practitioner=practitioner, must_change=True)
        if self._usable(ACCOUNTS, row, draft):
            self._taken.add(name)
            self.plan.accounts[name] = draft

    def post(self, row: SheetRow) -> None:
        """Draft a post of an account of this workbook."""
        cells = row.cells
        name = cells["account"]
        account = self.plan.accounts.get(name)
        if account is None:
            self._wrong(
                POSTS, row, "account", "“账号”表中没有此账号", "no such account in the sheet of accounts"
            )
            return
        unit = self._unit(POSTS, row, "unit")
        roles = self._roles(row)
        post = Post(
            0,
            name,
            title=cells["title"],
            roles=roles,
            organisation=unit,
            practitioner=account.practitioner,
            district=self._district(POSTS, row, "district"),
            stand_in=cells["stand_in"],
        )
        if cells["stand_in"] == name or (cells["stand_in"] and cells["stand_in"] not in self._taken):
            self._wrong(POSTS, row, "stand_in", "没有此账号，或为本人", "no such account, or the holder")
        if self._usable(POSTS, row, account, post):
            self.plan.posts.setdefault(name, []).append(post)

    def close(self, rows: Sequence[SheetRow]) -> None:
        """Tell the accounts that have no post: they would see nothing."""
        for row in rows:
            if row.cells["name"] in self.plan.accounts and row.cells["name"] not in self.plan.posts:
                self._wrong(
                    ACCOUNTS, row, "name", "“岗位”表中没有该账号的岗位", "has no row in the sheet of posts"
                )

    def _roles(self, row: SheetRow) -> tuple[str, ...]:
        written = row.cells["roles"]
        if not written:
            return ()
        if not self._grant.may("role.assign"):
            self._wrong(
                POSTS,
                row,
                "roles",
                "角色由安全保密管理员分配，请留空",
                "roles are assigned by the security administrator",
            )
            return ()
        titles = {
            word: id_
            for id_, role in self._platform.accounts.roles.items()
            for word in (id_, role.title.zh, role.title.en)
        }
        found = []
        for word in filter(
            None, (one.strip() for one in written.replace(",", "、").replace("；", "、").split("、"))
        ):
            if word in titles:
                found.append(titles[word])
            else:
                self._wrong(POSTS, row, "roles", f"没有角色“{word[:20]}”", f"there is no role '{word[:20]}'")
        return tuple(found)

    def _usable(self, sheet: Text, row: SheetRow, account: Account, post: Post | None = None) -> bool:
        try:
            self._platform.accounts.check(
                account if post is None else _with_post(account, post), self.plan.posts.get(account.name, ())
            )
        except Fault as fault:
            if isinstance(fault, Forbidden):
                raise
            self._wrong(sheet, row, "name" if post is None else "roles", fault.zh, fault.text)
            return False
        return True

    def _unit(self, sheet: Text, row: SheetRow, column: str) -> str:
        written = row.cells[column]
        ids = self._named.get(written, ())
        if len(ids) == 1:
            return ids[0]
        if ids:
            self._wrong(sheet, row, column, "有多个同名单位，请填写全称", "more than one unit has this name")
        else:
            self._wrong(
                sheet, row, column, f"没有单位“{written[:40]}”", f"no unit is called '{written[:40]}'"
            )
        return ""

    def _district(self, sheet: Text, row: SheetRow, column: str) -> str:
        written = row.cells[column]
        if written and written not in self._divisions:
            self._wrong(
                sheet, row, column, f"行政区划中没有“{written[:20]}”", f"no division is '{written[:20]}'"
            )
        return self._divisions.get(written, "")

    def _wrong(self, sheet: Text, row: SheetRow, column: str, zh: str, en: str) -> None:
        title = next((one.title.zh for one in SHEETS[sheet] if one.id == column), "")
        self.plan.errors.append(RowError(row.number, f"{sheet.zh}·{title}", Text(zh, en)))


def _choices(platform: Platform, system: str) -> dict[str, str]:
    """Return the codes of `system` by code and title, as the registers offer them."""
    return {
        word: option.code
        for register in platform.registers.declarations
        for one in register.form
        if one.system == system
        for option in one.options
        for word in (option.code, option.title.zh, option.title.en)
    }
