"""Registers on PostgreSQL: list, record, save, Excel out and in, each as the account may."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from kangshu.access import Grant, Subject, open_grant
from kangshu.app.wiring import city_roles, city_services
from kangshu.base.canonical import RESIDENT_ID, structure
from kangshu.base.faults import (
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    PreconditionFailed,
    UnknownParameter,
    Unprocessable,
)
from kangshu.base.identity import make_resident_id
from kangshu.base.text import Text
from kangshu.documents import read_xlsx, write_xlsx
from kangshu.registers import Registers
from kangshu.sdk import Field, Resource
from kangshu.store import Store
from tests.cases.conftest import SYSTEM, organisation

RESIDENTS = "residents/residents"


def number(order: int) -> str:
    """Return a valid synthetic identity number."""
    return make_resident_id("990102", date(1950, 1, 1), order)


def patient(order: int, centre: str = "centre", district: str = "990102001") -> Resource:
    """Return a resident of `centre`."""
    return {
        "resourceType": "Patient",
        "id": f"p{order}",
        "identifier": [{"system": RESIDENT_ID, "value": number(order)}],
        "name": [{"text": f"居民{order:02d}"}],
        "gender": "female" if order % 2 else "male",
        "birthDate": f"19{40 + order}-01-01",
        "managingOrganization": {"reference": f"Organization/{centre}"},
        "extension": [{"url": structure("district"), "valueCode": district}],
    }


def account(role: str, organisation: str = "centre", **more: Any) -> Grant:
    """Return the grant of an account with a ready-made role."""
    subject = Subject(
        account=f"{role}@{organisation}",
        display="李四",
        organisation=organisation,
        organisations=frozenset({organisation}),
        **{"district": "990102", **more},
    )
    return open_grant(subject, [city_roles()[role]])


@pytest.fixture
async def registers(store: Store) -> Registers:
    """The product's registers over two centres with 12 residents each."""
    found = Registers(store, (one for service in city_services() for one in service.registers))
    await store.update(SYSTEM, organisation("centre", "西江社区卫生服务中心", "community-health-centre"))
    away = organisation("away", "云湖社区卫生服务中心", "community-health-centre", "990103")
    await store.update(SYSTEM, away)
    place = {"resourceType": "Location", "id": "division-990102001", "name": "西江街道"}
    await store.update(SYSTEM, {**place, "status": "active"})
    for order in range(1, 13):
        await store.update(SYSTEM, patient(order))
        await store.update(SYSTEM, patient(order + 12, "away", "990103001"))
    return found


async def let_in(store: Store, home: str, *residents: str) -> None:
    """Open the records of these residents to `home`: they are there as guests for now."""
    for one in residents:
        stay: Resource = {"resourceType": "Encounter", "status": "in-progress", "class": {"code": "SS"}}
        stay |= {"subject": {"reference": f"Patient/{one}"}}
        await store.create(SYSTEM, {**stay, "serviceProvider": {"reference": f"Organization/{home}"}})


async def test_list_filters_sorts_pages_and_names(registers: Registers) -> None:
    doctor = account("community-doctor")
    first = await registers.list(doctor, RESIDENTS, {}, "birth_date", count=5)
    assert (first.total, len(first.rows)) == (12, 5)
    assert [row.texts["name"].zh for row in first.rows] == [f"居民{order:02d}" for order in range(1, 6)]
    row = first.rows[0]
    assert (row.texts["gender"].zh, row.texts["gender"].en) == ("女", "female")
    assert row.texts["centre"].zh == "西江社区卫生服务中心"
    assert row.texts["district"].zh == "西江街道"
    seen, cursor = list(first.rows), first.next
    while cursor:
        page = await registers.list(doctor, RESIDENTS, {}, "birth_date", cursor, count=5)
        seen, cursor = [*seen, *page.rows], page.next
    assert [one.id for one in seen] == [f"p{order}" for order in range(1, 13)]
    women = await registers.list(doctor, RESIDENTS, {"gender": "女"})
    assert women.total == 6
    assert (await registers.list(doctor, RESIDENTS, {"name": "民07"})).rows[0].id == "p7"
    assert (await registers.list(doctor, RESIDENTS, {"birth_date": "ge1950"})).total == 3
    assert (await registers.list(doctor, RESIDENTS, {"id_number": number(3)})).rows[0].id == "p3"
    assert (await registers.list(doctor, RESIDENTS, {"district": "990103"})).total == 0
    assert (await registers.list(doctor, RESIDENTS, {"centre": "西江社区"})).total == 12
    assert (await registers.list(doctor, RESIDENTS, {"centre": "云湖"})).total == 0
    assert (await registers.list(doctor, "institutions/organisations", {"active": "是"})).total == 2
    assert (await registers.list(account("section-clerk", "office", district="9901"), RESIDENTS)).total == 24


async def test_what_the_list_does_not_offer(registers: Registers) -> None:
    doctor = account("community-doctor")
    with pytest.raises(UnknownParameter):
        await registers.list(doctor, RESIDENTS, {"colour": "red"})
    with pytest.raises(UnknownParameter):
        await registers.list(doctor, RESIDENTS, {}, "id_number")
    with pytest.raises(NotFound):
        await registers.list(doctor, "residents/dogs")
    with pytest.raises(Forbidden):
        await registers.list(account("resident"), RESIDENTS)


async def test_masking_and_saving_what_was_masked(registers: Registers, store: Store) -> None:
    clerk = account("unit-clerk")
    shown = await registers.record(clerk, RESIDENTS, "p1")
    assert "*" in shown.values["id_number"]
    assert "*" in (await registers.list(clerk, RESIDENTS, {"name": "居民01"})).rows[0].texts["id_number"].zh
    assert shown.protected == {"id_number"}
    values = {**shown.values, "household": "H7"}
    await registers.save(clerk, RESIDENTS, values, "p1", if_match=shown.version)
    kept = (await store.read(SYSTEM, "Patient", "p1")).resource
    assert kept["identifier"][0]["value"] == number(1)
    assert kept["name"] == [{"text": "居民01"}]
    assert {"url": structure("household"), "valueString": "H7"} in kept["extension"]
    full = await registers.record(account("community-doctor"), RESIDENTS, "p1")
    assert full.values["id_number"] == number(1)
    with pytest.raises(PreconditionFailed):
        await registers.save(clerk, RESIDENTS, values, "p1", if_match=shown.version)


@pytest.mark.parametrize("sent", [number(1), number(2), "", None])
async def test_what_is_masked_is_not_changed(registers: Registers, sent: Any) -> None:
    clerk = account("unit-clerk")
    shown = await registers.record(clerk, RESIDENTS, "p1")
    with pytest.raises(Unprocessable) as refused:
        await registers.save(clerk, RESIDENTS, {**shown.values, "id_number": sent}, "p1")
    assert [issue.expression for issue in refused.value.issues] == [("id_number",)]
    assert "受保护" in refused.value.issues[0].zh
    with pytest.raises(Forbidden) as added:
        await registers.save(clerk, RESIDENTS, {**shown.values, "phone": "0990-5678"}, "p1")
    assert "联系电话" in added.value.zh


async def test_what_is_masked_is_not_found_by_its_value(registers: Registers) -> None:
    clerk = account("unit-clerk")
    assert (await registers.list(clerk, RESIDENTS, {"name": "居民01"})).total == 1
    assert (await registers.list(clerk, RESIDENTS, {"id_number": number(1)})).total == 0
    field = Field("who", Text("居民", "Resident"), "resident")
    assert await registers.choosable(clerk, field, text=number(1)) == []


async def test_save_says_every_wrong_field_and_keeps_unique(registers: Registers) -> None:
    doctor = account("community-doctor")
    with pytest.raises(Unprocessable) as caught:
        await registers.save(
            doctor, RESIDENTS, {"name": "", "id_number": "1", "centre": "nowhere", "gender": "x"}
        )
    fields = {issue.expression[0] for issue in caught.value.issues}
    assert fields == {"name", "id_number", "centre", "gender", "birth_date", "district"}
    new = {
        "name": "王五", "id_number": number(99), "gender": "男", "birth_date": "1950-01-01", "centre": "centre",
        "district": "990102001",
    }  # fmt: skip
    saved = await registers.save(doctor, RESIDENTS, new)
    assert saved.resource["active"] is True
    assert saved.scope.organisations == ("centre",)
    with pytest.raises(Conflict) as taken:
        await registers.save(doctor, RESIDENTS, {**new, "name": "赵六"})
    assert "冲突" in taken.value.zh
    assert "身份证号" not in taken.value.zh  # it may be that of somebody whom this account does not see
    with pytest.raises(Forbidden):
        await registers.save(account("commission-leader"), RESIDENTS, new)
    with pytest.raises(Forbidden):
        await registers.save(doctor, RESIDENTS, {**new, "id_number": number(98), "centre": "away"})


async def test_export_is_what_the_list_shows(registers: Registers) -> None:
    doctor = account("community-doctor")
    data = await registers.export_xlsx(
        doctor, RESIDENTS, {"gender": "女"}, "birth_date", watermark="演示数据"
    )
    (sheet,) = read_xlsx(data).values()
    assert "演示数据" in str(sheet[0][0])
    assert "李四" in str(sheet[0][0])
    assert "共 6 条" in str(sheet[0][0])
    assert sheet[1][:4] == ["姓名", "性别", "出生日期", "身份证号"]
    listed = await registers.list(doctor, RESIDENTS, {"gender": "女"}, "birth_date", count=100)
    assert [row[0] for row in sheet[2:]] == [row.texts["name"].zh for row in listed.rows]
    masked = await registers.export_xlsx(account("unit-clerk"), RESIDENTS)
    (hidden,) = read_xlsx(masked).values()
    assert all("*" in str(row[3]) for row in hidden[2:])
    with pytest.raises(Forbidden):
        await registers.export_xlsx(account("call-centre"), RESIDENTS)


def filled(registers: Registers, *rows: list[Any]) -> bytes:
    """Return the residents' template with `rows` filled in."""
    sheets = {
        title: [list(row) for row in sheet]
        for title, sheet in read_xlsx(registers.template_xlsx(RESIDENTS)).items()
    }
    title = next(iter(sheets))
    return write_xlsx({title: [*sheets[title], *rows]})


def row(name: str, order: int, born: Any = "1950-01-01", centre: str = "centre") -> list[Any]:
    """Return a row of the template: name, number, sex, birth date, phone, address, district, centre."""
    return [name, number(order), "女", born, None, "西江街1号", 990102001, centre]


async def test_import_all_or_nothing(registers: Registers, store: Store) -> None:
    doctor = account("community-doctor")
    bad = filled(
        registers,
        row("甲", 50),
        row("乙", 51, born="哪天"),
        row("", 52),
        row("丁", 50),
        row("戊", 53, centre="x"),
    )
    report = await registers.import_xlsx(doctor, RESIDENTS, bad)
    assert (report.rows, report.created, report.accepted) == (5, 0, False)
    found = [(error.row, error.column) for error in report.errors]
    # what only the store can tell is told at once with the rest
    assert found == [(3, "出生日期"), (4, "姓名"), (5, "身份证号"), (6, "建档机构")]
    assert (await registers.list(doctor, RESIDENTS)).total == 12

    late = await registers.import_xlsx(
        doctor, RESIDENTS, filled(registers, row("甲", 50), row("戊", 53, centre="x"))
    )
    assert [(error.row, error.column) for error in late.errors] == [(3, "建档机构")]
    assert (late.created, (await registers.list(doctor, RESIDENTS)).total) == (0, 12)

    good = await registers.import_xlsx(
        doctor, RESIDENTS, filled(registers, row("甲", 50, date(1950, 1, 1)), row("改名", 1))
    )
    named = await registers.import_xlsx(
        doctor, RESIDENTS, filled(registers, row("丙", 54, centre="西江社区卫生服务中心"))
    )
    assert (named.created, named.errors) == (1, ())
    assert (good.created, good.updated, good.accepted) == (1, 1, True)
    assert (await store.read(SYSTEM, "Patient", "p1")).resource["name"][0]["text"] == "改名"


async def test_an_import_leaves_what_its_account_does_not_see(registers: Registers, store: Store) -> None:
    known = {**patient(1), "telecom": [{"system": "phone", "value": "13812345678"}]}
    await store.update(SYSTEM, known)
    clerk = account("section-clerk", "office", district="9901")
    assert "*" in (await registers.record(clerk, RESIDENTS, "p1")).values["phone"]
    done = await registers.import_xlsx(
        clerk, RESIDENTS, filled(registers, [*row("改名", 1)[:5], None, *row("改名", 1)[6:]])
    )
    assert (done.created, done.updated, done.errors) == (0, 1, ())
    after = (await store.read(SYSTEM, "Patient", "p1")).resource
    assert (after["name"][0]["text"], after["telecom"]) == ("改名", known["telecom"])
    refused = await registers.import_xlsx(clerk, RESIDENTS, filled(registers, row("又改", 1)))
    assert (refused.updated, len(refused.errors)) == (0, 1)
    assert "住址" in refused.errors[0].text.zh


async def test_partial_import_writes_the_right_rows(registers: Registers) -> None:
    doctor = account("community-doctor")
    data = filled(registers, row("甲", 50), row("乙", 51, born="哪天"), row("戊", 53, centre="x"))
    report = await registers.import_xlsx(doctor, RESIDENTS, data, partial=True)
    assert (report.created, [error.row for error in report.errors]) == (1, [3, 4])


async def test_what_is_no_template(registers: Registers) -> None:
    doctor = account("community-doctor")
    with pytest.raises(Malformed):
        await registers.import_xlsx(doctor, RESIDENTS, b"PK\x03\x04 not a workbook")
    with pytest.raises(Unprocessable) as caught:
        await registers.import_xlsx(doctor, RESIDENTS, write_xlsx({"表": [["姓名", "爱好"], ["甲", "棋"]]}))
    assert "爱好" in caught.value.zh
    with pytest.raises(Unprocessable):
        await registers.import_xlsx(doctor, RESIDENTS, write_xlsx({"表": []}))
    with pytest.raises(Forbidden):
        await registers.import_xlsx(account("commission-leader"), RESIDENTS, filled(registers))


async def test_field_history(registers: Registers) -> None:
    clerk, doctor = account("unit-clerk"), account("community-doctor")
    await registers.save(doctor, RESIDENTS, {"phone": "0990-5678"}, "p1", partial=True)
    await registers.save(doctor, RESIDENTS, {"phone": "0990-9999", "gender": "男"}, "p1", partial=True)
    found = await registers.changes(doctor, RESIDENTS, "p1")
    newest = [(one.field, one.before.zh, one.after.zh) for one in found if one.version == 3]
    assert sorted(newest) == [("gender", "女", "男"), ("phone", "0990-5678", "0990-9999")]
    assert {one.field for one in found if one.version == 2} == {"phone"}
    hidden = await registers.changes(clerk, RESIDENTS, "p1")
    assert all("*" in one.after.zh for one in hidden if one.field == "phone")
    with pytest.raises(NotFound):
        await registers.changes(doctor, RESIDENTS, "p13")


async def test_a_bed_has_one_resident(registers: Registers, store: Store) -> None:
    await store.update(SYSTEM, organisation("home", "西江养老院", "elder-institution"))
    await let_in(store, "home", "p1", "p2")
    director = account("elder-care-director", "home")
    beds, residences = "institutions/beds", "institutions/residences"
    bed = {"name": "101室1床", "home": "home", "kind": "护理型", "occupied": "空闲"}
    made = await registers.save(director, beds, bed)
    assert (await registers.list(director, beds, {"kind": "护理型", "home": "Organization/home"})).total == 1
    with pytest.raises(Conflict):
        await registers.save(director, beds, bed)
    lives = {"resident": "p1", "home": "home", "bed": made.id, "start": "2026-01-01", "status": "在住"}
    first = await registers.save(director, residences, lives)
    with pytest.raises(Conflict):
        await registers.save(director, residences, {**lives, "resident": "p2"})
    await registers.save(
        director, residences, {"status": "已离开", "end": "2026-02-01"}, first.id, partial=True
    )
    await registers.save(director, residences, {**lives, "resident": "p2"})
    rows = (await registers.list(director, residences, {"status": "在住"})).rows
    assert [(row.texts["resident"].zh, row.texts["bed"].zh) for row in rows] == [("居民02", "101室1床")]


async def test_every_declared_list_answers(registers: Registers) -> None:
    clerk = account("section-clerk", "office", district="9901")
    for register in registers.declarations:
        assert (await registers.list(clerk, register.code)).total is not None
        for column in register.columns:
            if column.sort:
                await registers.list(clerk, register.code, {}, f"-{column.id}")
            if column.search:
                value = column.options[0].title.zh if column.options else SAMPLES.get(column.kind, "x")
                for one in (value, "某某") if column.kind in PEOPLE else (value,):
                    await registers.list(clerk, register.code, {column.id: one})
        assert registers.template_xlsx(register.code)
        assert await registers.export_xlsx(clerk, register.code)


PEOPLE = ("organisation", "resident", "practitioner")
SAMPLES = {
    "date": "2026",
    "datetime": "ge2026-01-01",
    "boolean": "true",
    "integer": "1",
    "district": "990102",
}


async def test_what_r4_forbids_is_not_saved(registers: Registers, store: Store) -> None:
    director = account("elder-care-director", "home")
    await store.update(SYSTEM, organisation("home", "西江养老院", "elder-institution"))
    await let_in(store, "home", "p1", "p2")
    values = {"resident": "p1", "home": "home", "start": "2026-03-01", "end": "2026-01-01", "status": "在住"}
    with pytest.raises(Unprocessable) as caught:
        await registers.save(director, "institutions/residences", values)
    assert caught.value.issues[0].zh
    await store.update(SYSTEM, {**patient(1), "contact": [{"gender": "female"}]})
    await registers.save(account("community-doctor"), RESIDENTS, {"phone": "0990-1"}, "p1", partial=True)


async def test_a_span_of_days_and_chosen_records(registers: Registers) -> None:
    doctor = account("community-doctor")

    async def born(span: str) -> list[str]:
        return [
            row.id
            for row in (await registers.list(doctor, RESIDENTS, {"birth_date": span}, "birth_date")).rows
        ]

    assert await born("1943-01-01..1945-12-31") == ["p3", "p4", "p5"]
    assert await born("1951-01-01..") == ["p11", "p12"]
    assert await born("..1941-12-31") == ["p1"]
    chosen = await registers.list(doctor, RESIDENTS, {}, "birth_date", ids=["p2", "p5", "p13", "none"])
    assert [row.id for row in chosen.rows] == ["p2", "p5"], "p13 is another centre's"
    sheet = read_xlsx(await registers.export_xlsx(doctor, RESIDENTS, ids=["p2", "p13"]))
    assert [row[0] for row in next(iter(sheet.values()))[2:]] == ["居民02"]


async def test_who_may_be_chosen(registers: Registers) -> None:
    doctor, field = account("community-doctor"), Field("who", Text("居民", "Resident"), "resident")
    assert [one["id"] for one in await registers.choosable(doctor, field, text="民07")] == ["p7"]
    assert [one["id"] for one in await registers.choosable(doctor, field, text=number(3))] == ["p3"]
    assert await registers.choosable(doctor, field, text=number(13)) == []
    assert len(await registers.choosable(doctor, field, text="居民", limit=4)) == 4


async def test_papers_are_kept_with_the_record_or_not_at_all(registers: Registers, store: Store) -> None:
    paper = {
        "resourceType": "DocumentReference",
        "id": "paper",
        "status": "current",
        "content": [{"attachment": {"title": "a.txt"}}],
    }
    values = {"name": "新居民", "id_number": number(99), "gender": "male", "birth_date": "1950-01-01",
              "district": "990102001", "centre": "Organization/centre"}  # fmt: skip
    with pytest.raises(Unprocessable):
        await registers.save(SYSTEM, RESIDENTS, {**values, "gender": "?"}, papers=[paper])
    with pytest.raises(NotFound):
        await store.read(SYSTEM, "DocumentReference", "paper")
    await registers.save(SYSTEM, RESIDENTS, values, papers=[paper])
    assert (await store.read(SYSTEM, "DocumentReference", "paper")).version == 1
