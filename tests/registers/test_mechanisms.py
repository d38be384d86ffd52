"""What every register can do: found by sound, changed in batches, imported with a preview, printed, reminded of."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from kangshu.access import Grant, Subject, open_grant
from kangshu.accounts import ready_roles
from kangshu.base.canonical import RESIDENT_ID, structure
from kangshu.base.faults import NotFound, Unprocessable
from kangshu.base.identity import make_resident_id
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.documents import read_document, read_xlsx, write_xlsx
from kangshu.registers import OF_REGISTER, Prints, Registers, Reminders
from kangshu.sdk import (
    Column,
    DocumentBlock,
    DocumentColumn,
    DocumentDeclaration,
    Field,
    Option,
    RegisterDeclaration,
    Reminder,
    Resource,
    unverified_parameter,
)
from kangshu.search import parse_query
from kangshu.store import Store
from tests.cases.conftest import SYSTEM, organisation

TODAY = date(2026, 3, 2)
_PERSON = Text("居民", "Resident")
_OPTIONS = (Option("A", Text("甲", "A")), Option("B", Text("乙", "B")))
AGREEMENTS = RegisterDeclaration(
    id="agreements",
    service="toy",
    title=Text("协议", "Agreements"),
    resource_type="Contract",
    criteria="",
    template={"status": "executed", "type": {"text": "toy"}},
    columns=(
        Column("resident", _PERSON, "subject.first()", "resident", search="patient"),
        Column("centre", Text("机构", "Centre"), "authority.first()", "organisation", search="authority"),
        Column("end", Text("到期", "Ends"), "applies.end", "date", search="applies"),
        Column("kind", Text("类别", "Kind"), "title", "choice", _OPTIONS),
    ),
    form=(
        Field("number", Text("编号", "Number"), path="identifier(toy).value", required=True),
        Field("resident", _PERSON, "resident", path="subject[0]", required=True),
        Field("centre", Text("机构", "Centre"), "organisation", path="authority[0]"),
        Field("start", Text("开始", "Starts"), "date", path="applies.start", required=True),
        Field("end", Text("到期", "Ends"), "date", path="applies.end"),
        Field("kind", Text("类别", "Kind"), "choice", path="title", options=_OPTIONS),
    ),
    unique=(("resident", "start"),),
    remind=(
        Reminder("end", "toy-days", "organisation", Text("一份协议将于{date}到期（还有{days}天）", "ends {date}, {days}")),
    ),
)  # fmt: skip
RESIDENTS = RegisterDeclaration(
    id="residents",
    service="toy",
    title=_PERSON,
    resource_type="Patient",
    criteria="",
    template={},
    columns=(Column("name", Text("姓名", "Name"), "name.text.first()", search="name"),),
    form=(
        Field("name", Text("姓名", "Name"), path="name[0].text", required=True),
        Field(
            "number", Text("证件号", "Number"), path=f"identifier({RESIDENT_ID}).value", check="resident-id", masked=True
        ),
    ),
)  # fmt: skip
SHEET = DocumentDeclaration(
    id="agreement",
    service="toy",
    case="",
    register="agreements",
    title=Text("协议书", "Agreement"),
    form="sheet",
    agency="",
    heading="服务协议书",
    facts=(DocumentColumn("编号", "${number}"),),
    body=(
        DocumentBlock("甲方：${resident.name}，证件号${resident.identity_number}，电话${resident.telephone}"),
        DocumentBlock("自${start}起，类别${kind}。"),
        DocumentBlock("期限至${end}。", when="applies.end.exists()"),
        DocumentBlock(heading="同一居民的协议", each="records:agreements:resident"),
    ),
)


def patient(id_: str, name: str, order: int, **more: Any) -> Resource:
    """Return a resident of `centre`."""
    return {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"system": RESIDENT_ID, "value": make_resident_id("990102", date(1950, 1, 1), order)}],
        "name": [{"text": name}],
        "telecom": [{"system": "phone", "value": "13912345678"}],
        "managingOrganization": {"reference": f"Organization/{more.get('centre', 'centre')}"},
        "extension": [{"url": structure("district"), "valueCode": "990102001"}],
    }


def account(role: str = "community-doctor", organisation: str = "centre") -> Grant:
    """Return the grant of an account with a ready-made role."""
    subject = Subject(
        account=f"{role}@{organisation}",
        display="李四",
        organisation=organisation,
        organisations=frozenset({organisation}),
        district="990102",
    )
    return open_grant(subject, [ready_roles()[role]])


@pytest.fixture
async def registers(store: Store) -> Registers:
    """Two registers over four residents of one centre and one of another."""
    found = Registers(store, (AGREEMENTS, RESIDENTS))
    await store.update(SYSTEM, organisation("centre", "长治街社区卫生服务中心", "community-health-centre"))
    await store.update(
        SYSTEM, organisation("away", "云湖社区卫生服务中心", "community-health-centre", "990103")
    )
    for order, name in enumerate(("张伟", "曾子墨", "单雄信", "吕布"), 1):
        await store.update(SYSTEM, patient(f"p{order}", name, order))
    await store.update(SYSTEM, patient("p9", "张薇", 9, centre="away"))
    return found


def contract(id_: str, who: str, **more: Any) -> Resource:
    """Return an agreement of a resident with `centre`."""
    return {
        "resourceType": "Contract",
        "id": id_,
        "identifier": [{"system": structure("toy").replace("StructureDefinition", "sid"), "value": id_}],
        "status": "executed",
        "type": {"text": "toy"},
        "subject": [{"reference": f"Patient/{who}"}],
        "authority": [{"reference": "Organization/centre"}],
        "applies": {"start": "2026-01-01", **more},
        "title": "A",
    }


async def test_people_are_found_by_characters_pinyin_and_initials(registers: Registers) -> None:
    expected = (
        ("张伟", {"张伟"}),
        ("伟", {"张伟"}),
        ("zhangwei", {"张伟"}),
        ("Zhang Wei", {"张伟"}),
        ("zw", {"张伟"}),
        ("zengzimo", {"曾子墨"}),
        ("cengzimo", {"曾子墨"}),
        ("子墨", {"曾子墨"}),
        ("shanxx", set()),
        ("sxx", {"单雄信"}),
        ("shanxiongxin", {"单雄信"}),
        ("lvbu", {"吕布"}),
        ("lubu", {"吕布"}),
        ("wei", set()),
    )
    for typed, found in expected:
        page = await registers.list(account(), RESIDENTS.code, {"name": typed})
        assert {row.texts["name"].zh for row in page.rows} == found, typed


async def test_a_search_by_sound_shows_nobody_whom_the_grant_does_not(registers: Registers) -> None:
    # 张薇 of the other centre sounds the same
    mine = await registers.list(account(), RESIDENTS.code, {"name": "zhangwei"})
    theirs = await registers.list(account(organisation="away"), RESIDENTS.code, {"name": "zw"})
    assert [row.id for row in mine.rows] == ["p1"]
    assert [row.id for row in theirs.rows] == ["p9"]
    offered = await registers.choosable(account(), Field("who", _PERSON, "resident"), text="zw")
    assert [one["id"] for one in offered] == ["p1"]


async def test_records_are_found_by_the_sound_of_what_they_point_to(
    registers: Registers, store: Store
) -> None:
    await store.update(SYSTEM, contract("c1", "p1"))
    for filters in ({"resident": "zw"}, {"centre": "czjsq"}, {"centre": "社区卫生"}, {"centre": "shequ"}):
        page = await registers.list(account(), AGREEMENTS.code, filters)
        assert [row.id for row in page.rows] == ["c1"], filters
    assert not (await registers.list(account(), AGREEMENTS.code, {"centre": "yunhu"})).rows


async def test_a_search_by_sound_walks_its_index(registers: Registers, store: Store) -> None:
    async with store.connection() as connection, connection.transaction():
        await connection.execute("set local enable_seqscan = off")
        plan = await connection.fetch(
            "explain select key from index_string where param = 1 and left(folded, 300) >= 'zw' and left(folded, 300) < 'zx'"
        )
    assert any("index_string_value" in row[0] for row in plan)


async def test_a_batch_changes_all_or_none(registers: Registers, store: Store) -> None:
    for number in (1, 2, 3):
        await store.update(SYSTEM, contract(f"c{number}", f"p{number}"))
    away = contract("c9", "p9")
    away["authority"] = [{"reference": "Organization/away"}]
    await store.update(SYSTEM, away)
    doctor, ids = account(), {"c1": 0, "c2": 0, "c9": 0}

    shown = await registers.change_field(doctor, AGREEMENTS.code, ids, "kind", "B")
    assert not shown.done
    assert [one.id for one in shown.changing] == ["c1", "c2"]
    (refused,) = [one for one in shown.rows if one.refused]
    assert (refused.id, refused.change) == ("c9", None)
    told = shown.changing[0].change
    assert told is not None
    assert (told.title.zh, told.differences[0].before.zh, told.differences[0].after.zh) == (
        "张伟",
        "甲",
        "乙",
    )

    # with the one that may not change nothing is written
    whole = await registers.change_field(doctor, AGREEMENTS.code, ids, "kind", "B", write=True)
    assert not whole.done
    assert (await store.read(SYSTEM, "Contract", "c1")).version == 1

    wanted = {one.id: one.version for one in shown.changing}
    await store.update(SYSTEM, {**contract("c2", "p2"), "title": "A", "friendlyUri": "urn:x"})
    stale = await registers.change_field(doctor, AGREEMENTS.code, wanted, "kind", "B", write=True)
    assert not stale.done
    assert [one.id for one in stale.rows if one.refused] == ["c2"]
    again = await registers.change_field(doctor, AGREEMENTS.code, {"c1": 1, "c2": 2}, "kind", "B", write=True)
    assert again.done
    for id_ in ("c1", "c2"):
        assert (await store.read(SYSTEM, "Contract", id_)).resource["title"] == "B"
    assert (await store.read(SYSTEM, "Contract", "c3")).resource["title"] == "A"
    with pytest.raises(Unprocessable):
        await registers.change_field(doctor, AGREEMENTS.code, {"c1": 0}, "kind", "Z")
    with pytest.raises(NotFound):  # what is single, or protected, is not for batches
        await registers.change_field(doctor, AGREEMENTS.code, {"c1": 0}, "resident", "Patient/p1")
    assert [one.id for one in registers.batch_fields(RESIDENTS.code)] == ["name"]


async def test_the_history_says_who_changed_what(registers: Registers, store: Store) -> None:
    await store.update(SYSTEM, contract("c1", "p1"))
    doctor = account()
    await registers.save(doctor, AGREEMENTS.code, {"kind": "B"}, "c1", partial=True)
    newest = (await registers.changes(doctor, AGREEMENTS.code, "c1"))[0]
    assert (newest.field, newest.before.zh, newest.after.zh) == ("kind", "甲", "乙")
    assert newest.account == "community-doctor@centre"
    # what is masked for a reader stays masked in the history
    await registers.save(SYSTEM, RESIDENTS.code, {"name": "张伟一"}, "p1", partial=True)
    clerk = account("unit-clerk")
    told = [one for one in await registers.changes(clerk, RESIDENTS.code, "p1") if one.field == "number"]
    assert told
    assert all("*" in one.after.zh for one in told)


async def test_an_import_is_shown_before_it_is_written(registers: Registers, store: Store) -> None:
    await store.update(SYSTEM, contract("c1", "p1"))
    doctor = account()
    titles = [one.title.zh for one in AGREEMENTS.form]

    def sheet(*rows: list[Any]) -> bytes:
        return write_xlsx({"协议": [titles, *rows]})

    right = sheet(
        ["c1", "Patient/p1", "Organization/centre", "2026-01-01", "2026-12-31", "乙"],
        ["c2", "Patient/p2", "Organization/centre", "2026-01-01", "", "甲"],
    )
    shown = await registers.import_xlsx(doctor, AGREEMENTS.code, right, preview=True)
    assert (shown.created, shown.updated, shown.errors, shown.written) == (1, 1, (), False)
    assert [(one.row, one.kind) for one in shown.changes] == [(2, "changed"), (3, "new")]
    told = {one.title.zh: (one.before.zh, one.after.zh) for one in shown.changes[0].differences}
    assert told == {"到期": ("", "2026-12-31"), "类别": ("甲", "乙")}
    query = parse_query("Contract", [("_total", "accurate")])
    assert await store.count(SYSTEM, query) == 1

    wrong = sheet(
        ["c1", "Patient/p1", "Organization/centre", "2026-01-01", "", "乙"],
        ["c3", "Patient/p9", "Organization/centre", "not a day", "", "甲"],
        ["", "Patient/p2", "", "2026-01-01", "", "甲"],
    )
    refused = await registers.import_xlsx(doctor, AGREEMENTS.code, wrong)
    assert {one.row for one in refused.errors} == {3, 4}
    assert not refused.written
    table = next(iter(read_xlsx(registers.errors_xlsx(AGREEMENTS.code, refused)).values()))
    assert table[0] == ["行号", "列", "问题"]
    assert [row[0] for row in table[1:]] == [one.row for one in refused.errors]

    done = await registers.import_xlsx(doctor, AGREEMENTS.code, right)
    assert (done.created, done.updated, done.written) == (1, 1, True)
    again = await registers.import_xlsx(doctor, AGREEMENTS.code, right)
    assert (again.created, again.updated) == (0, 0)
    assert [one.kind for one in again.changes] == ["same", "same"]
    assert (await store.read(SYSTEM, "Contract", "c1")).version == 2
    half = await registers.import_xlsx(doctor, AGREEMENTS.code, wrong, partial=True)
    assert half.written
    assert {one.row for one in half.errors} == {3, 4}


async def test_a_record_is_printed_as_the_reader_sees_it(registers: Registers, store: Store) -> None:
    await store.update(SYSTEM, contract("c1", "p1"))
    prints = Prints(store, registers, (SHEET,))
    assert [one.id for one in prints.documents(AGREEMENTS.code)] == ["agreement"]
    name, data = await prints.printed(account(), AGREEMENTS.code, "c1", "agreement", "docx", mark="演示数据")
    text = read_document(data, name).text
    number = make_resident_id("990102", date(1950, 1, 1), 1)
    assert name == "协议书.docx"
    for words in ("服务协议书", "张伟", number, "2026年1月1日", "类别甲"):
        assert words in text
    assert "期限至" not in text  # the block's condition does not hold
    _, portable = await prints.printed(account(), AGREEMENTS.code, "c1", "agreement", "pdf")
    assert portable.startswith(b"%PDF-")
    assert "张伟" in read_document(portable, "x.pdf").text
    assert io.BytesIO(data).read(2) == b"PK"
    with pytest.raises(NotFound):
        await prints.printed(account(organisation="away"), AGREEMENTS.code, "c1", "agreement", "docx")
    with pytest.raises(NotFound):
        await prints.printed(account(), AGREEMENTS.code, "c1", "agreement", "xlsx")


async def test_reminders_are_sent_once_and_name_nobody(registers: Registers, store: Store) -> None:
    await store.update(SYSTEM, contract("near", "p1", end="2026-03-20"))
    await store.update(SYSTEM, contract("far", "p2", end="2026-12-31"))
    await store.update(SYSTEM, contract("past", "p3", end="2026-02-01"))
    table = ParameterTable(
        [unverified_parameter("toy-days", "提前天数", "days", 30, "天", "x", since=date(2020, 1, 1))]
    )

    def keeper() -> Reminders:
        return Reminders(
            store, registers.declarations, table, "9901", clock=lambda: datetime(2026, 3, 2, 2, tzinfo=UTC)
        )

    first = keeper()
    assert await first.tick() == 1
    assert await first.tick() == 0
    assert await keeper().tick() == 0  # after a restart too
    (notice,) = await store.search_all(account(), "Communication", "recipient=Organization/centre")
    assert notice["about"] == [{"reference": "Contract/near"}]
    assert notice["category"][0]["coding"][0] == {"system": OF_REGISTER, "code": AGREEMENTS.code}
    assert notice["payload"][0]["contentString"] == "一份协议将于2026-03-20到期（还有18天）"
    await store.update(SYSTEM, contract("far", "p2", end="2026-03-05"))
    assert await first.tick() == 1  # what has changed since is looked at again
