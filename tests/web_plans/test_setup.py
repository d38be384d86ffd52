"""An empty city is set up from the pages alone: first sign-in, imports by two administrators, a plan, hints."""

from __future__ import annotations

import asyncio
import html
import io
import re
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl

from kangshu.access import system_grant
from kangshu.accounts import sample_code
from kangshu.api import import_staff
from kangshu.api.staff_import import STAFF_NUMBER
from kangshu.base.faults import Conflict
from tests.web.site import Site, token_of

from .asking import plain, send
from .conftest import OWN

SYSTEM = system_grant("test")
_SIGNED_IN: dict[tuple[str, str], httpx.Client] = {}
Fill = Callable[[Any, list[str]], None]


def first_sign_in(city: Site, name: str) -> httpx.Client:
    """Return a browser whose visitor has changed the first password; before that no page opens. One a name."""
    if (kept := _SIGNED_IN.get((city.address, name))) is not None:
        return kept
    client = _SIGNED_IN[city.address, name] = city.visitor(name)
    for page in ("/", "/worklist", "/admin/accounts", "/cases/start"):
        answer = client.get(page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/password")
    old, new = city.passwords[name], f"Zx9!{name[::-1]}Qw7#er"
    weak = send(client, "/password", "/password", old=old, new="short", again="short")
    assert weak.status_code == 422
    assert send(client, "/password", "/password", old=old, new=new, again=new).status_code == 303
    first = client.get("/")
    if first.status_code == 303:  # an administrator: a second factor comes before anything else
        assert first.headers["location"] == "/me/second-factor"
        send(client, "/me/second-factor", "/me/second-factor")
        seed = re.search(r'class="seed">([A-Z2-7]+)<', client.get("/me/second-factor").text)
        assert seed
        done = send(client, "/me/second-factor", "/me/second-factor/confirm", code=sample_code(seed[1]))
        assert "恢复码" in done.text
    assert client.get("/").status_code == 200
    city.passwords[name] = new
    return client


def filled(client: httpx.Client, template: str, fill: Fill | list[list[Any]]) -> bytes:
    """Return the downloaded template with rows filled in."""
    answer = client.get(template)
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames[1] in ("填表说明",)
    sheet = book.worksheets[0]
    if callable(fill):
        fill(sheet, [str(cell.value) for cell in sheet[1]])
    else:
        for row in fill:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(client: httpx.Client, address: str, data: bytes) -> httpx.Response:
    token = token_of(client.get(address).text)
    return client.post(address, data={"_token": token}, files={"file": ("x.xlsx", data)})


def imported(client: httpx.Client, kind: str, fill: Fill | list[list[Any]]) -> httpx.Response:
    address = f"/admin/import/{kind}"
    return upload(client, address, filled(client, f"{address}/template.xlsx", fill))


def test_the_whole_way(empty: Site) -> None:
    admin = first_sign_in(empty, "admin")
    steps = plain(admin.get("/admin/import").text)
    assert "行政区划 已有 1 个" in steps  # the city itself
    assert "机构 已有 0 个" in steps

    wrong = imported(
        admin, "divisions", [["120102", "河东区"], ["130102", "外市区"], ["12a", "短"], ["120103001", "街道"]]
    )
    assert wrong.status_code == 422
    said = plain(wrong.text)
    assert "3 区划代码 不属于本市" in said
    assert "4 区划代码 区划代码须为 6、9 或 12 位数字" in said
    assert "5 区划代码 上级区划120103不在系统中" in said
    assert "河东区" not in admin.get("/admin/divisions").text  # nothing of a sheet with findings is written
    right = imported(
        admin, "divisions", [["120102", "河东区"], [120103, "河西区"], ["120103001000", "大营门街道"]]
    )
    assert right.status_code == 200
    assert "120103001" in admin.get("/admin/divisions").text
    assert "更新 1 条" in plain(imported(admin, "divisions", [["120102", "河东新区"]]).text)

    register = "/registers/institutions/organisations"
    units = (
        "人民政府 市政府",
        "发展和改革委员会 市发展改革委",
        "卫生健康委员会 市卫生健康委",
        "民政局 市民政局",
    )

    def organisations(sheet: Any, head: list[str]) -> None:
        for unit in units:
            name, short = unit.split()
            values = {
                "机构名称": f"海河市{name}",
                "机构类别": "政府部门",
                "简称": short,
                "所在区划": "120100",
            }
            sheet.append([values.get(title) for title in head])

    answer = upload(admin, f"{register}/import", filled(admin, f"{register}/template.xlsx", organisations))
    assert answer.status_code == 200, plain(answer.text)
    checked = re.search(r'name="data" value="([^"]*)"', answer.text)
    assert checked
    assert "核对结果，尚未写入" in answer.text
    kept = {"_token": token_of(answer.text), "act": "do", "data": html.unescape(checked[1])}
    assert admin.post(f"{register}/import", data=kept).status_code in (200, 303)

    wrong = imported(admin, "accounts", [["a1", "甲", "没有的局", ""], ["a1", "乙", "市民政局", "别处"]])
    assert wrong.status_code == 422
    assert "机构台账中没有“没有的局”" in wrong.text
    assert "行政区划中没有“别处”" in wrong.text
    assert "重复" in wrong.text
    made = imported(
        admin,
        "accounts",
        [
            ["tuijin", "推进办", "海河市发展和改革委员会", "海河市"],
            ["lingdao", "分管领导", "市政府", "120100"],
            ["minzheng", "民政局经办", "市民政局", "120100"],
            ["xinlai", "新来", "市民政局", ""],
        ],
    )
    assert made.status_code == 200, plain(made.text)
    empty.passwords.update(
        re.findall(r'<td>([a-z]+)</td><td>[^<]*</td><td class="secret">([^<]+)', made.text)
    )
    lines = "\n".join(f"{name}\t甲\t{word}" for name, word in empty.passwords.items())
    sheet = admin.post("/admin/import/passwords.xlsx", data={"_token": token_of(made.text), "lines": lines})
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.content)).worksheets[0].iter_rows(values_only=True))
    assert rows[0] == ("账号", "姓名", "初始密码")
    assert len(rows) == len(empty.passwords) + 1

    # who makes accounts assigns no roles, and the other way round
    assert admin.get("/admin/import/roles").status_code == 403
    assert (
        send(admin, "/admin/accounts/tuijin", "/admin/accounts/tuijin/roles", roles="plan-office").status_code
        == 403
    )
    security = first_sign_in(empty, "security")
    assert security.get("/admin/import/accounts").status_code == 403
    assert security.get("/admin/import/parameters").status_code == 403

    def roles(wanted: dict[str, str]) -> Fill:
        def fill(sheet: Any, head: list[str]) -> None:
            for row in sheet.iter_rows(min_row=2):
                if row[0].value in wanted:
                    row[head.index("角色")].value = wanted[row[0].value]

        return fill

    wrong = imported(security, "roles", roles({"tuijin": "推进者", "xinlai": "责任单位经办人"}))
    assert wrong.status_code == 422
    assert "没有角色“推进者”" in wrong.text
    assert "要求账号填写所属区划" in wrong.text
    given = {"tuijin": "规划推进办", "lingdao": "分管领导", "minzheng": "民政养老经办人、责任单位经办人"}
    assert imported(security, "roles", roles(given)).status_code == 200
    newcomer = first_sign_in(empty, "xinlai")
    assert "请联系安全保密管理员分配角色" in newcomer.get("/").text
    assert newcomer.get("/plans").status_code == 403
    page = "/admin/accounts/xinlai"
    refused = send(security, page, f"{page}/roles", roles="unit-clerk")
    assert refused.status_code == 422  # the post lacks its division
    assert send(admin, page, f"{page}/post", organisation="", district="120100").status_code == 303
    assert (
        send(
            security, "/admin/accounts/security", "/admin/accounts/security/roles", roles="auditor"
        ).status_code
        == 422
    )

    def parameters(value: Any, source: str) -> Fill:
        def fill(sheet: Any, head: list[str]) -> None:
            for row in sheet.iter_rows(min_row=2):
                if row[0].value == "duty-signing-days":
                    row[head.index("新值")].value = value
                    row[head.index("生效日期")].value = "2026-01-01"
                    row[head.index("来源条款")].value = source

        return fill

    before = _unconfirmed(admin)
    for value, source, words in (("三天", "海政办1号", "该参数的值应为数字"), (3, None, "必须注明来源条款")):
        wrong = imported(admin, "parameters", parameters(value, source))  # type: ignore[arg-type]
        assert (wrong.status_code, words in wrong.text) == (422, True)
    assert imported(admin, "parameters", parameters(3, "海政办〔2026〕1号第三条")).status_code == 200
    assert _unconfirmed(admin) == before - 1
    assert "3 个工作日" in admin.get("/admin/parameters/duty-signing-days").text

    office = first_sign_in(empty, "tuijin")
    token = token_of(office.get("/plans/import").text)
    text = OWN.replace("云汐市", "海河市").encode()
    answer = office.post(
        "/plans/import", data={"_token": token, "own": "true"}, files={"file": ("海河.txt", text)}
    )
    assert answer.status_code == 303
    plan = answer.headers["location"].split("/")[2]
    board = plain(office.get(f"/plans/{plan}").text)
    assert "红灯 0 项" in board
    assert "绿灯 0 项" in board  # unknown is grey, never green
    assert "个目标有推荐的指标等待确认" in board
    target = re.findall(
        r'name="id" value="(target-\d+)">\s*<input[^>]*value="nursing-bed-share"',
        office.get(f"/plans/{plan}/review?queue=links").text,
    )[0]
    review = f"/plans/{plan}/review"
    assert (
        send(
            office, review, f"{review}/links", id=target, answer="confirm", measure="nursing-bed-share"
        ).status_code
        == 303
    )
    hint = plain(office.get(f"/plans/{plan}/targets/{target}").text)
    assert "没有可计算的记录：请在“养老床位台账”录入或导入" in hint
    assert "请在“机构台账”" not in hint  # it holds the organisations that were imported
    leader = first_sign_in(empty, "lingdao")
    assert "没有等待批示的事项" in leader.get("/").text


def _unconfirmed(admin: httpx.Client) -> int:
    found = re.search(r"(\d+) 项参数待主管部门确认", admin.get("/admin/parameters").text)
    assert found
    return int(found[1])


def test_a_file_that_is_no_workbook_is_told(empty: Site) -> None:
    admin = first_sign_in(empty, "admin")
    for kind in ("divisions", "accounts", "parameters"):
        answer = upload(admin, f"/admin/import/{kind}", b"not a workbook")
        assert answer.status_code == 422
        assert 'role="alert"' in answer.text
    book = openpyxl.Workbook()
    book.active.append(["别的", "列"])  # type: ignore[union-attr]
    out = io.BytesIO()
    book.save(out)
    assert "请使用下载的模板填写" in upload(admin, "/admin/import/divisions", out.getvalue()).text
    assert admin.get("/admin/import/nothing").status_code == 404


def _staff(client: httpx.Client, sheets: dict[str, list[list[Any]]]) -> bytes:
    """Return the workbook of a unit's people with rows filled in."""
    book = openpyxl.load_workbook(io.BytesIO(client.get("/admin/import/staff/template.xlsx").content))
    assert book.sheetnames == ["单位", "人员", "账号", "岗位", "填表说明"]
    for name, rows in sheets.items():
        for row in rows:
            book[name].append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_unit_comes_with_its_people_or_not_at_all(empty: Site) -> None:
    admin = first_sign_in(empty, "admin")
    good: dict[str, list[list[Any]]] = {
        "单位": [["滨城区卫生健康局", "区卫健局", "government", "", "滨城区政府", ""], ["滨城区政府", "", "", "", "", ""]],
        "人员": [["B001", "白一", "滨城区卫生健康局", ""], ["B002", "白二", "区卫健局", "护士"]],
        "账号": [["baiyi", "白一", "B001"], ["baier", "白二", "B002"]],
        "岗位": [
            ["baiyi", "老龄股经办", "滨城区卫生健康局", "", "baier", ""],
            ["baiyi", "统计", "滨城区政府", "", "", ""],
            ["baier", "", "滨城区卫生健康局", "", "", ""],
        ],
    }  # fmt: skip
    bad = {
        **good,
        "单位": [*good["单位"], ["别处", "", "no-such-kind", "12", "不存在的单位", "不存在的区"]],
        "人员": [*good["人员"], ["B001", "重复", "滨城区政府", ""], ["", "无号", "滨城区政府", ""]],
        "账号": [*good["账号"], ["admin", "冒名", ""], ["baisan", "白三", "B999"]],
        "岗位": [*good["岗位"], ["baier", "", "滨城区政府", "", "baier", "系统管理员"], ["nobody", "", "滨城区政府", "", "", ""]],
    }  # fmt: skip
    before = len(empty.run(empty.platform.accounts.accounts(SYSTEM)))
    refused = upload(admin, "/admin/import/staff", _staff(admin, bad))
    assert refused.status_code == 422
    said = plain(refused.text)
    for line in (
        "4 单位·类别 没有类别“no-such-kind”", "4 单位·统一社会信用代码 须为 18 位", "4 单位·上级单位 没有单位“不存在的单位”",
        "4 人员·工号 与前面的行重复", "5 人员·工号 请填写", "4 账号·账号 账号已存在", "5 账号·工号", "5 账号·账号 “岗位”表中没有该账号的岗位",
        "5 岗位·B 岗账号", "5 岗位·角色 角色由安全保密管理员分配", "6 岗位·账号 “账号”表中没有此账号",
    ):  # fmt: skip
        assert line in said, line

    preview = upload(admin, "/admin/import/staff", _staff(admin, good))
    assert preview.status_code == 200
    assert "尚未写入" in preview.text
    assert len(empty.run(empty.platform.accounts.accounts(SYSTEM))) == before
    data = re.search(r'name="data" hidden>([^<]+)<', preview.text)
    assert data
    done = send(admin, "/admin/import/staff", "/admin/import/staff", data=data[1])
    assert done.status_code == 200, done.text[-3000:]
    passwords = dict(
        re.findall(r'<td>(baiyi|baier)</td><td>[^<]*</td><td class="secret">([^<]+)<', done.text)
    )
    assert set(passwords) == {"baiyi", "baier"}
    posts = empty.run(empty.platform.accounts.posts.posts(SYSTEM, "baiyi"))
    assert [(one.title, one.stand_in, one.roles) for one in posts] == [
        ("老龄股经办", "baier", ()),
        ("统计", "", ()),
    ]
    people = empty.run(
        empty.platform.store.search_all(SYSTEM, "Practitioner", f"identifier={STAFF_NUMBER}|B001")
    )
    assert [posts[0].practitioner] == [one["id"] for one in people]
    units = empty.run(empty.platform.store.search_all(SYSTEM, "Organization", "name=滨城区卫生健康局"))
    assert units[0]["partOf"]["reference"] == f"Organization/{posts[1].organisation}"
    session = empty.run(empty.platform.accounts.sign_in("baiyi", passwords["baiyi"]))
    assert session.account.must_change
    again = upload(admin, "/admin/import/staff", _staff(admin, good))
    assert "账号已存在" in plain(again.text)


def test_of_two_imports_at_once_one_leaves_nothing(empty: Site) -> None:
    admin = first_sign_in(empty, "admin")
    data = _staff(
        admin,
        {
            "单位": [["海边街道办", "", "", "", "", ""]],
            "人员": [["H1", "海一", "海边街道办", ""]],
            "账号": [["hai1", "海一", "H1"], ["hai2", "海二", ""]],
            "岗位": [["hai1", "", "海边街道办", "", "", ""], ["hai2", "", "海边街道办", "", "", ""]],
        },
    )
    platform = empty.platform
    grant = empty.run(platform.accounts.open_grant("admin"))

    async def both() -> list[Any]:
        return await asyncio.gather(
            import_staff(platform, grant, data), import_staff(platform, grant, data), return_exceptions=True
        )

    found = empty.run(both())
    failed = [one for one in found if isinstance(one, Conflict) or (isinstance(one, tuple) and one[0].errors)]
    assert len(failed) == 1, found
    for type_, criteria in (
        ("Organization", "name=海边街道办"),
        ("Practitioner", f"identifier={STAFF_NUMBER}|H1"),
    ):
        assert len(empty.run(platform.store.search_all(SYSTEM, type_, criteria))) == 1
    assert len(empty.run(platform.accounts.posts.posts(SYSTEM, "hai1"))) == 1
