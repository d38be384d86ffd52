"""One-time codes and moves in person: who is shown a code, what it proves, when it is void, and who is another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kangshu.access import Everything, Grant, Subject, open_grant, system_grant
from kangshu.accounts import Account, Accounts
from kangshu.app.wiring import city_roles
from kangshu.base.faults import Forbidden, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.cases import PARAMETERS, Cases, inputs
from kangshu.sdk import CaseDeclaration, Field, Move, State
from kangshu.store import Store
from tests.cases.conftest import Clock, organisation, resident

SYSTEM = system_grant("tests")


def text(zh: str) -> Text:
    return Text(zh, zh)


VISIT = CaseDeclaration(
    id="visit",
    service="toy",
    title=text("上门"),
    systems=(),
    initial="sent",
    start_by=("any",),
    form=(
        Field("receiver", text("机构"), "organisation", required=True),
        Field("worker", text("人员"), "practitioner", required=True),
    ),
    kept=(Field("proved", text("已证实"), "boolean"),),
    states=(State("sent", text("已派"), "accepted"), State("there", text("到场"), "completed", final=True)),
    moves=(
        Move(
            "show", text("出示"), ("sent",), "stay", ("patient", "role:desk"), effects=({"code": "arrival"},)
        ),
        Move(
            "arrive",
            text("到场"),
            ("sent",),
            "there",
            ("owner",),
            form=(Field("code", text("验证码")),),
            effects=({"prove": "arrival", "by": "${code}", "as": "proved"},),
            in_person="worker",
        ),
    ),
    subject_type="Patient",
)


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cases(store: Store, clock: Clock) -> Cases:
    records = [organisation("home", "上门机构", "service-provider"), resident()]
    records += [{"resourceType": "Practitioner", "id": one, "active": True} for one in ("ning", "yu")]
    for record in records:
        await store.update(SYSTEM, record)
    return Cases(store, [VISIT], ParameterTable(PARAMETERS), jurisdiction="990100", clock=clock)


def acting(name: str, **more: object) -> Grant:
    """Return somebody who sees every record: what the case itself lets them do is what is tried."""
    every = {"*": Everything()}
    grant = Grant(account=name, display=name, read=every, write=every, operations=frozenset({"*"}))
    return replace(grant, **more)  # type: ignore[arg-type]


OFFICE = acting("office", organisation="home")
PERSON = acting("zhang", patient="zhang")


async def sent(cases: Cases, worker: str = "ning") -> str:
    values = {"receiver": "Organization/home", "worker": f"Practitioner/{worker}"}
    return (await cases.start(OFFICE, "toy/visit", values, subject="Patient/zhang")).id


async def shown(cases: Cases, case: str, grant: Grant = PERSON) -> str:
    await cases.move(grant, case, "show", {})
    (code,) = await cases.codes(grant, case)
    return code.digits


def other_than(digits: str) -> str:
    return f"{(int(digits) + 1) % 10**6:06d}"


async def test_the_code_is_shown_to_the_resident_alone_and_proves_the_visit(cases: Cases) -> None:
    case = await sent(cases)
    digits = await shown(cases, case)
    assert len(digits) == 6
    assert digits.isdecimal()
    assert await cases.codes(OFFICE, case) == ()
    guardian = acting("daughter", wards=frozenset({"zhang"}))
    assert [one.digits for one in await cases.codes(guardian, case)] == [digits]
    done = (await cases.move(OFFICE, case, "arrive", {"code": digits})).resource
    assert inputs(done)["proved"] is True
    assert await cases.codes(PERSON, case) == ()  # used up


async def test_who_made_it_for_the_resident_sees_it_and_nobody_else(cases: Cases) -> None:
    case = await sent(cases)
    desk = acting("agent", roles=frozenset({"desk"}))
    digits = await shown(cases, case, desk)
    assert await cases.codes(replace(desk, account="another-agent"), case) == ()
    assert [one.digits for one in await cases.codes(PERSON, case)] == [digits]
    with pytest.raises(Forbidden):
        await cases.move(OFFICE, case, "show", {})


async def test_no_role_reads_the_sealed_record(cases: Cases, store: Store) -> None:
    case = await sent(cases)
    await shown(cases, case)
    for role in city_roles().values():
        somebody = Subject(
            account="x",
            display="x",
            organisation="home",
            organisations=frozenset({"home"}),
            district="990100",
        )
        with pytest.raises((NotFound, Forbidden)):
            await store.read(open_grant(somebody, [role]), "Basic", f"code-{case}-arrival")


async def test_nothing_entered_proves_nothing(cases: Cases) -> None:
    case = await sent(cases)
    await shown(cases, case)
    assert inputs((await cases.move(OFFICE, case, "arrive", {})).resource)["proved"] is False


async def test_a_wrong_code_is_refused_and_too_many_make_it_void(cases: Cases) -> None:
    case = await sent(cases)
    digits = await shown(cases, case)
    for _ in range(5):
        with pytest.raises(Unprocessable) as refused:
            await cases.move(OFFICE, case, "arrive", {"code": other_than(digits)})
        assert refused.value.issues[0].expression == ("code",)
    with pytest.raises(Unprocessable):
        await cases.move(OFFICE, case, "arrive", {"code": digits})
    again = await shown(cases, case)
    await cases.move(OFFICE, case, "arrive", {"code": again})


async def test_an_old_code_and_that_of_another_case_are_refused(cases: Cases, clock: Clock) -> None:
    case, other = await sent(cases), await sent(cases)
    digits = await shown(cases, case)
    clock.at += timedelta(minutes=31)
    assert await cases.codes(PERSON, case) == ()
    for one in (case, other):
        with pytest.raises(Unprocessable):
            await cases.move(OFFICE, one, "arrive", {"code": digits})


async def test_who_has_an_account_makes_the_move_in_person(cases: Cases, store: Store) -> None:
    account = Account(
        "ning.sister", "宁静", roles=("community-doctor",), organisation="home", practitioner="ning"
    )
    await Accounts(store).create_account(SYSTEM, account)
    case = await sent(cases)
    with pytest.raises(Forbidden, match="who was sent"):
        await cases.move(OFFICE, case, "arrive", {})
    offers = {one.move.id: one.blocked for one in await cases.offers(OFFICE, case)}
    assert offers["arrive"] is not None
    with pytest.raises(Forbidden):
        await cases.move(replace(OFFICE, practitioner="yu"), case, "arrive", {})
    await cases.move(replace(OFFICE, practitioner="ning"), case, "arrive", {})
    # who has no account signs in through the office
    await cases.move(OFFICE, await sent(cases, "yu"), "arrive", {})


@pytest.mark.parametrize("wide", [True, False])
async def test_digits_are_read_as_keyboards_send_them(cases: Cases, wide: bool) -> None:
    case = await sent(cases)
    digits = await shown(cases, case)
    if wide:
        entered = "".join(chr(ord(one) + 0xFEE0) for one in digits)
        done = (await cases.move(OFFICE, case, "arrive", {"code": f" {entered} "})).resource
        assert inputs(done)["proved"] is True
    else:
        with pytest.raises(Unprocessable):
            await cases.move(OFFICE, case, "arrive", {"code": "验证码"})
