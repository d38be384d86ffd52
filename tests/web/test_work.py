"""Work done on the pages: registers kept, cases moved, parameters entered, accounts made."""

from __future__ import annotations

import html
import io
import re
from contextlib import closing
from datetime import date

import httpx
import openpyxl
import pytest

from kangshu.access import system_grant

from .site import Site, token_of

BEDS = "/registers/institutions/beds"


def _form(page: str, action: str) -> dict[str, str]:
    """Return the fields of the form on a page that leads to `action`, with what stands in them."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}"[^>]*>(.*?)</form>', page, re.S)
    assert form, f"no form to {action}"
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", form[1]):
        name, value = re.search(r' name="([^"]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and 'type="file"' not in tag and not ("checkbox" in tag and "checked" not in tag):
            fields[name[1]] = html.unescape(value[1]) if value else ""
    for name, body in re.findall(r'<select\b[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form[1], re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        fields[name] = chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea\b[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form[1], re.S):
        fields[name] = html.unescape(text)
    return fields


def _options(page: str, name: str) -> list[tuple[str, str]]:
    body = re.search(rf'<select\b[^>]* name="{name}"[^>]*>(.*?)</select>', page, re.S)
    assert body, name
    return [
        (value, html.unescape(text))
        for value, text in re.findall(r'<option value="([^"]+)"[^>]*>([^<]*)', body[1])
    ]


def test_a_bed_is_entered_corrected_found_and_exported(site: Site) -> None:
    with closing(site.visitor("elder")) as client:
        page = client.get(f"{BEDS}/new").text
        fields = _form(page, f"{BEDS}/new")
        refused = client.post(f"{BEDS}/new", data=fields)
        assert refused.status_code == 422
        assert "没有保存" in refused.text
        assert 'aria-invalid="true"' in refused.text
        declared = site.platform.registers.declaration("institutions/beds")
        for field in declared.form:
            if field.options:
                fields[field.id] = field.options[0].code
            elif field.kind == "organisation":
                fields[field.id] = "Organization/elder-yunxi-welfare"
            elif field.kind == "text":
                fields[field.id] = f"九〇九室<{field.id}>"
            elif field.kind == "district":
                fields[field.id] = ""
        made = client.post(f"{BEDS}/new", data=fields)
        assert made.status_code == 303, re.findall(r'class="error"[^>]*>([^<]+)', made.text)
        record = client.get(made.headers["location"])
        assert record.status_code == 200
        assert "已保存" in record.text
        assert "九〇九室&lt;" in record.text
        column = next(one for one in declared.columns if one.search and one.kind == "text")
        found = client.get(BEDS, params={column.id: "九〇九室"})
        assert "共 1 条" in found.text
        workbook = client.get(f"{BEDS}/export.xlsx", params={column.id: "九〇九室"})
        rows = _rows(workbook)
        assert any("演示数据" in str(cell) for row in rows for cell in row if cell)
        assert sum("九〇九室" in str(row) for row in rows) == 1


def _rows(answer: httpx.Response) -> list[tuple[object, ...]]:
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    return [row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]


def test_an_unknown_filter_is_told(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        answer = client.get(BEDS, params={"nonsense": "1"})
    assert answer.status_code == 400
    assert "列表不支持" in answer.text


def test_a_wrong_file_is_told_and_nothing_is_written(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        token = token_of(client.get(f"{BEDS}/import").text)
        for name, data in (("x.xlsx", b"not a workbook"), ("x.xlsx", b"")):
            answer = client.post(f"{BEDS}/import", data={"_token": token}, files={"file": (name, data)})
            assert answer.status_code == 422
            assert 'role="alert"' in answer.text
        nothing = client.post(f"{BEDS}/import", data={"_token": token})
        assert "请选择要上传的文件" in nothing.text


def test_a_filled_in_template_with_a_wrong_row_lists_it(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        template = client.get(f"{BEDS}/template.xlsx")
        book = openpyxl.load_workbook(io.BytesIO(template.content))
        book.worksheets[0].append(["只有一列"])
        out = io.BytesIO()
        book.save(out)
        token = token_of(client.get(f"{BEDS}/import").text)
        answer = client.post(
            f"{BEDS}/import", data={"_token": token}, files={"file": ("床位.xlsx", out.getvalue())}
        )
    assert answer.status_code == 422
    assert "必填" in answer.text


@pytest.fixture
def elder_of_doctor(site: Site) -> str:
    """A resident whom the family doctor sees."""
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    return str(site.run(site.platform.store.search_all(grant, "Patient", ""))[0]["id"])


def test_registered_referral_centres_are_offered_first(site: Site) -> None:
    """The register of referral centres leads the choice of who receives, with whom to ask and when somebody is there."""
    run, store, system = site.run, site.platform.store, system_grant("test")

    def offered() -> list[tuple[str, str]]:
        with closing(site.visitor("doctor")) as doctor:
            page = doctor.get("/cases/start/referral/referral").text
        return [one for one in _options(page, "receiver") if one[0]]

    choices = offered()
    noted = [number for number, (_, text) in enumerate(choices) if " · " in text]
    assert noted == list(range(len(noted))), "those first"
    assert 5 < len(noted) < len(choices), "the others may be chosen all the same"
    told = dict(choices)["Organization/hospital-yunxi-first"]
    assert "转诊服务中心" in told
    assert re.search(r"0000-880\d{4} · .*\d:00", told), told
    centre = run(store.read(system, "HealthcareService", "referral-hospital-yunxi-first")).resource
    try:
        run(store.update(system, {**centre, "active": False}))
        assert " · " not in dict(offered())["Organization/hospital-yunxi-first"], "out of use"
    finally:
        run(store.update(system, {**centre, "active": True}))


def test_a_referral_goes_from_the_doctor_to_the_hospital(site: Site, elder_of_doctor: str) -> None:
    start = "/cases/start/referral/referral"
    with closing(site.visitor("doctor")) as doctor:
        page = doctor.get(f"{start}?subject=Patient/{elder_of_doctor}").text
        fields = _form(page, start)
        assert fields["_subject"] == f"Patient/{elder_of_doctor}"
        refused = doctor.post(start, data=fields)
        assert refused.status_code == 422
        fields.update(direction="up", receiver="Organization/hospital-yunxi-first", urgency="stat")
        fields.update(criterion="admit-emergency")
        fields.update(diagnosis="不稳定型心绞痛", summary="胸痛三小时", consent="true", department="心内科")
        data = [*fields.items(), ("indication", "acute"), ("indication", "surgery")]
        body = httpx.QueryParams(data)
        made = doctor.post(
            start, content=str(body), headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert made.status_code == 303, re.findall(r'class="error"[^>]*>([^<]+)', made.text)
        case = made.headers["location"].partition("?")[0]
        page = doctor.get(case).text
        assert "急危重症、需手术或介入治疗" in page
        sent = doctor.post(f"{case}/moves/send", data=_form(page, f"{case}/moves/send"))
        assert sent.status_code == 303
        stale = doctor.post(f"{case}/moves/send", data=_form(page, f"{case}/moves/send"))
        assert stale.status_code in (403, 422)
    with closing(site.visitor("hospital")) as hospital:
        assert case in hospital.get("/").text
        page = hospital.get(case).text
        assert "不稳定型心绞痛" in page
        fields = _form(page, f"{case}/moves/accept")
        accepted = hospital.post(f"{case}/moves/accept", data=fields)
        assert accepted.status_code == 303, accepted.text[-3000:]
        assert "data-countdown" in hospital.get("/worklist").text
    with closing(site.visitor("elder")) as other:
        assert other.get(case).status_code == 404


def test_a_parameter_gets_a_dated_value_with_its_source(site: Site) -> None:
    page_address = "/admin/parameters/elder-age"
    ids = site.platform.parameters.ids()
    if "elder-age" not in ids:
        page_address = f"/admin/parameters/{next(one for one in ids if isinstance(site.platform.parameters.versions(one)[0].value, int))}"
    with closing(site.visitor("admin")) as admin:
        fields = _form(admin.get(page_address).text, page_address)
        wrong = admin.post(page_address, data={**fields, "value": "许多", "source": "测试〔2026〕1号"})
        assert wrong.status_code == 422
        assert "应为数字" in wrong.text
        no_source = admin.post(page_address, data={**fields, "value": "61", "source": ""})
        assert no_source.status_code == 422
        right = {
            **fields,
            "value": "61",
            "valid_from": date(2099, 1, 1).isoformat(),
            "source": "测试〔2099〕1号",
        }
        assert admin.post(page_address, data=right).status_code == 303
        assert "测试〔2099〕1号" in admin.get(page_address).text


def test_an_account_is_made_and_its_password_shown_once(site: Site) -> None:
    with closing(site.visitor("admin")) as admin:
        address = "/admin/accounts/new"
        fields = _form(admin.get(address).text, address)
        assert "role" not in fields, "roles are the security administrator's"
        made = admin.post(address, data={**fields, "name": "new.clerk", "display": "新经办人"})
        assert made.status_code == 200, made.text[-1500:]
        password = re.search(r"<td[^>]*>new\.clerk</td><td[^>]*>([^<]+)</td>", made.text)
        assert password
        again = admin.post(address, data={**fields, "name": "new.clerk", "display": "新经办人"})
        assert again.status_code == 422
        assert "已存在" in again.text
    with closing(httpx.Client(base_url=site.address, timeout=60)) as client:
        token = token_of(client.get("/sign-in").text)
        form = {"name": "new.clerk", "password": password[1], "_token": token, "next": "/"}
        answer = client.post("/sign-in", data=form)
        assert answer.headers["location"] == "/password"
        token = token_of(client.get("/password").text)
        new = {"_token": token, "old": password[1], "new": "Quiet-river-2026", "again": "Quiet-river-2027"}
        assert "不一致" in client.post("/password", data=new).text
        new["again"] = new["new"]
        assert client.post("/password", data=new).status_code == 303


def test_a_measure_page_a_drill_down_and_a_workbook_agree(site: Site) -> None:
    with closing(site.visitor("clerk")) as client:
        measure = "/measures/elder-management-rate-65"
        page = client.get(measure).text
        numbers = [int(one.replace(",", "")) for one in re.findall(r'figure-value">([\d,.]+)', page)[1:3]]
        listed = {}
        for part in ("numerator", "denominator"):
            found = client.get(f"{measure}/subjects", params={"part": part}).text
            listed[part] = int(
                re.search(r'aria-current="page">[^<]*<span class="count">([\d,]+)', found)[1].replace(",", "")
            )  # type: ignore[index]
        assert [listed["numerator"], listed["denominator"]] == numbers
        rows = _rows(client.get(f"{measure}/export.xlsx"))
        total = next(row for row in rows if row[0] == "合计")
        assert [total[2], total[3]] == numbers


def test_a_resident_sees_one_record_alone(site: Site) -> None:
    me = site.run(site.platform.accounts.account(system_grant("test"), "resident")).patient
    everyone = site.run(site.platform.store.search_all(system_grant("test"), "Patient", ""))
    other = next(one["id"] for one in everyone if one["id"] != me)
    with closing(site.visitor("resident")) as client:
        assert client.get(f"/residents/{me}").status_code == 200
        assert client.get(f"/residents/{other}").status_code == 404


def test_a_plan_is_imported_and_a_file_without_one_is_told(site: Site) -> None:
    with closing(site.visitor("plan")) as client:
        token = token_of(client.get("/plans/import").text)
        empty = client.post(
            "/plans/import", data={"_token": token}, files={"file": ("空.pdf", b"%PDF-1.4 nothing")}
        )
        assert empty.status_code == 422
        text = "关于加快健康产业发展的意见\n一、主要任务\n（一）建设健康步道。到2027年建成健康步道30公里。（市体育局牵头，市城管局配合）\n"
        made = client.post(
            "/plans/import", data={"_token": token}, files={"file": ("外地.txt", text.encode())}
        )
        assert made.status_code == 303, made.text[-1500:]
        document = client.get(made.headers["location"])
        assert "健康步道30公里" in document.text
        plan = made.headers["location"].split("/")[2]
        board = client.get(f"/plans/{plan}").text
        assert "这是外地规划" in board
        assert "采纳" in board


def test_a_unit_reports_a_value_and_another_reviews_it(site: Site) -> None:
    own = site.run(site.platform.plans.plans(system_grant("test")))[0].id
    plan = site.run(site.platform.plans.plan(system_grant("test"), own))
    civil = site.run(site.platform.accounts.open_grant("civil"))
    target = next(
        one
        for one in plan.targets
        if not one.measure
        and one.clause
        and any(civil.acts_for(unit) for part in plan.clause(one.clause).units for unit in part.organisations)
    )
    address = f"/plans/{own}/targets/{target.id}"
    with closing(site.visitor("civil")) as unit:
        page = unit.get(address).text
        fields = _form(page, f"{address}/report")
        wrong = unit.post(f"{address}/report", data={**fields, "value": "很多", "evidence": "台账"})
        assert wrong.status_code == 422
        assert "应为数字" in wrong.text
        sent = unit.post(f"{address}/report", data={**fields, "value": "321", "evidence": "民政台账第3页"})
        assert sent.status_code == 303
        assert "待审核" in unit.get(address).text
    with closing(site.visitor("plan")) as office:
        page = office.get(address).text
        assert "民政台账第3页" in page
        accept = re.search(rf'action="({address}/reports/[^"]+/accept)"', page)
        assert accept
        assert office.post(accept[1], data={"_token": token_of(page)}).status_code == 303
        page = office.get(address).text
        assert "已发布" in page
        assert ">321<" in page
        entered = {"_token": token_of(page), "value": "100", "day": "2024-12-31", "source": "2024年统计公报"}
        assert office.post(f"{address}/baseline", data=entered).status_code == 303
