"""From a notice in the records to a telephone: once, gathered, without personal data, tried again, never at night."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from kangshu.access import system_grant
from kangshu.base.clock import now
from kangshu.base.faults import Forbidden, NotFound, Throttled, Unauthenticated, Unavailable, Unprocessable

from .conftest import Bind, Desk, Other

SYSTEM = system_grant("tests")


def at_noon(days: int = 1) -> datetime:
    """Return noon in the city, some days ahead: by then all that was gathered is due."""
    return (now() + timedelta(days=days)).replace(hour=4, minute=0)


def at_night() -> datetime:
    return (now() + timedelta(days=1)).replace(hour=18, minute=0)  # 02:00 in the city


async def test_two_people_of_a_unit_hear_of_it_and_nobody_else(desk: Desk, other: Other, bind: Bind) -> None:
    await bind(desk.first, "sms", "13800000001")
    await bind(desk.second, "weixin", "second.person")
    await bind(desk.resident, "sms", "13800000003")
    other.sms.clear()
    other.weixin.clear()
    for _ in range(3):
        await desk.tell("Organization/unit")
    await desk.tell("Organization/unit", kind="referral/referral")
    await desk.tell("Organization/elsewhere")
    assert await desk.notices.deliveries.collect() == 12  # 4 notices by telephone, Weixin and webhook
    assert await desk.notices.deliveries.collect() == 0
    assert await desk.notices.deliveries.send() == 0, "they are gathered first"
    assert await desk.notices.deliveries.send(at_noon()) == 3
    assert await desk.notices.deliveries.send(at_noon()) == 0
    [message] = other.sms
    assert message["mobile"] == "13800000001"
    assert message["authorization"] == "Bearer sms-secret"
    assert "有4条新通知（规划任务、" in message["content"]
    assert "张伟" not in json.dumps([other.sms, other.weixin], ensure_ascii=False)
    assert "9901" not in message["content"]
    [posted] = other.weixin
    assert (posted["touser"], posted["agentid"]) == ("second.person", 1000002)


async def test_a_webhook_is_signed_and_names_the_cases(desk: Desk, other: Other) -> None:
    await desk.tell("Organization/unit", urgent=True)
    await desk.notices.deliveries.collect()
    assert await desk.notices.deliveries.send(at_noon()) == 1
    [(headers, body)] = other.hooks
    said = json.loads(body)
    assert (said["organisation"], said["count"], said["occasion"]) == ("unit", 1, "urgent")
    assert len(said["tasks"]) == 1
    assert "张伟" not in body.decode()
    seconds, digest = (part.partition("=")[2] for part in headers["x-kangshu-signature"].split(","))
    expected = hmac.new(b"hook-secret", f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, expected)
    assert headers["x-kangshu-delivery"] == said["id"]


async def test_what_is_refused_is_tried_again_with_the_same_id_and_then_fails(
    desk: Desk, other: Other
) -> None:
    await desk.tell("Organization/unit")
    await desk.notices.deliveries.collect()
    other.broken = True
    moment = at_noon()
    for attempt in range(6):
        assert await desk.notices.deliveries.send(moment + timedelta(days=attempt)) == 0
    assert len({headers["x-kangshu-delivery"] for headers, _ in other.hooks}) == 1
    assert len(other.hooks) == 6
    [failed] = await desk.notices.deliveries.recent(SYSTEM, "failed")
    assert failed.attempts == 6
    assert "503" in failed.fault
    other.broken = False
    with pytest.raises(Forbidden):
        await desk.notices.deliveries.again(desk.first, failed.id)
    await desk.notices.deliveries.again(SYSTEM, failed.id)
    assert await desk.notices.deliveries.send(at_noon(9)) == 1
    with pytest.raises(NotFound):
        await desk.notices.deliveries.again(SYSTEM, failed.id)


async def test_at_night_only_what_is_urgent_goes_out(desk: Desk, other: Other, bind: Bind) -> None:
    await bind(desk.first, "sms", "13800000001")
    other.sms.clear()
    await desk.tell("Organization/unit")
    await desk.notices.deliveries.collect()
    assert await desk.notices.deliveries.send(at_night()) == 0
    await desk.tell("Organization/unit", urgent=True)
    await desk.notices.deliveries.collect()
    assert await desk.notices.deliveries.send(at_night()) == 2
    assert "2条紧急或超时通知" in other.sms[0]["content"]


async def test_who_took_the_address_back_is_told_no_more(desk: Desk, other: Other, bind: Bind) -> None:
    await bind(desk.resident, "sms", "13800000003")
    other.sms.clear()
    await desk.tell("Patient/zhang")
    assert await desk.notices.deliveries.collect() == 1
    await desk.notices.remove(desk.resident, "sms")
    assert await desk.notices.deliveries.send(at_noon()) == 0
    [dropped] = await desk.notices.deliveries.recent(SYSTEM, "dropped")
    assert dropped.recipient == "Patient/zhang"
    assert other.sms == []
    assert await desk.notices.ways(desk.resident) == await desk.notices.ways(desk.first)


async def test_a_token_that_is_over_is_asked_for_anew(desk: Desk, other: Other, bind: Bind) -> None:
    await bind(desk.first, "weixin", "first.person")
    assert other.tokens == 1
    other.over = True
    await desk.notices.try_out(desk.first, "weixin")
    assert other.tokens == 2
    assert "测试通知" in other.weixin[-1]["text"]["content"]
    with pytest.raises(Unavailable):
        await desk.notices.bind(desk.second, "weixin", "nobody")


async def test_an_address_counts_once_its_code_came_back(desk: Desk, other: Other) -> None:
    for wrong in ("1380000000", "tel:13800000001", "138 0000 0001", ""):
        with pytest.raises(Unprocessable):
            await desk.notices.bind(desk.first, "sms", wrong)
    with pytest.raises(NotFound):
        await desk.notices.confirm(desk.first, "sms", "123456")
    with pytest.raises(NotFound):
        await desk.notices.bind(desk.first, "office", "x")
    await desk.notices.bind(desk.first, "sms", "13800000001")
    code = other.sms[-1]["content"].partition("验证码")[2][:6]
    wrong = f"{(int(code) + 1) % 1000000:06d}"
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await desk.notices.confirm(desk.first, "sms", wrong)
    with pytest.raises(Unauthenticated):
        await desk.notices.confirm(desk.first, "sms", code)  # too many guesses: the right one is too late
    await desk.tell("Organization/unit")
    await desk.notices.deliveries.collect()
    await desk.notices.deliveries.send(at_noon())
    assert len(other.sms) == 1, "nothing goes to an address that is not proved"
    for _ in range(4):
        await desk.notices.bind(desk.first, "sms", "13800000001")
    with pytest.raises(Throttled):
        await desk.notices.bind(desk.first, "sms", "13800000001")


async def test_no_address_stands_in_clear(desk: Desk, bind: Bind) -> None:
    await bind(desk.first, "sms", "13812345678")
    async with desk.store.connection() as connection:
        [row] = await connection.fetch("select address, hint from contact")
        told = await connection.fetch("select row_to_json(delivery)::text as row from delivery")
    assert b"13812345678" not in bytes(row["address"])
    assert row["hint"] == "138****5678"
    assert not any("138" in one["row"] for one in told)
    [way] = [one for one in await desk.notices.ways(desk.first) if one.id == "sms"]
    assert way.contact
    assert way.contact.confirmed
    assert way.contact.confirmed <= datetime.now(UTC)


async def test_two_workers_send_each_notice_once(desk: Desk, other: Other) -> None:
    import asyncio

    for _ in range(5):
        await desk.tell("Organization/unit")
    await asyncio.gather(*[desk.notices.deliveries.collect() for _ in range(3)])
    assert sum(await asyncio.gather(*[desk.notices.deliveries.send(at_noon()) for _ in range(4)])) == 1
    [(_, body)] = other.hooks
    assert json.loads(body)["count"] == 5
