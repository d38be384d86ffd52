"""我的权限 and 权限核查, 应急调阅 and its review, as people use them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import RESIDENT_ID

from .site import Site, token_of

SYSTEM = system_grant("test")
WORDS = "急诊室送来，昏迷，须马上知道过敏和用药史"


@pytest.fixture(scope="module")
def people(site: Site) -> Iterator[dict[str, httpx.Client]]:
    """Signed-in browsers."""
    names = ("security", "audit", "privacy", "doctor", "physician", "nurse", "resident", "clerk", "plan")
    made = {name: site.visitor(name) for name in names}
    yield made
    for client in made.values():
        client.close()


def cells(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def stranger(site: Site, name: str) -> tuple[str, str, str]:
    """Return id, identity number and name of a resident whom the account does not see."""
    store = site.platform.store
    grant = site.run(site.platform.accounts.open_grant(name))
    seen = {one["id"] for one in site.run(store.search_all(grant, "Patient", ""))}
    for one in site.run(store.search_all(SYSTEM, "Patient", "")):
        number = next((i["value"] for i in one["identifier"] if i["system"] == RESIDENT_ID), "")
        if one["id"] not in seen and number:
            return one["id"], number, one["name"][0]["text"]
    raise AssertionError("every resident is seen")


def test_everybody_reads_what_the_own_account_may_see(people: dict[str, httpx.Client]) -> None:
    page = people["doctor"].get("/me/permissions?count=1").text
    said = cells(page)
    for text in (
        "家庭医生",
        "本单位正在服务的居民的",
        "属地健康管理",
        "第十三条",
        "精神卫生",
        "现在可看居民",
    ):
        assert text in said
    assert "看不到" in cells(people["plan"].get("/me/permissions").text)
    assert "本人的" in cells(people["resident"].get("/me/permissions").text)


def test_the_numbers_are_those_that_the_account_itself_finds(
    site: Site, people: dict[str, httpx.Client]
) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    seen = len(site.run(site.platform.store.search_all(grant, "Patient", "")))
    said = cells(people["security"].get("/admin/policy?account=doctor&count=1").text)
    assert f"现在可看居民 {seen:,} 人" in said


def test_who_checks_learns_no_record_and_others_may_not_check(people: dict[str, httpx.Client]) -> None:
    for name in ("security", "audit", "privacy"):
        assert people[name].get("/admin/policy?account=nurse").status_code == 200
    for name in ("doctor", "resident", "clerk", "plan"):
        assert people[name].get("/admin/policy?account=nurse").status_code == 403
    page = cells(people["security"].get("/admin/policy?account=physician&other=nurse").text)
    assert "不同" in page
    assert "办件或授权告知本单位的居民的" in page


def test_a_record_is_tried_with_the_reason(site: Site, people: dict[str, httpx.Client]) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    mine = site.run(site.platform.store.search_all(grant, "Patient", "_count=1"))[0]["id"]
    other, _, _ = stranger(site, "doctor")
    asked = "/admin/policy?account=doctor&kind=Patient&id="
    assert "可以看" in cells(people["security"].get(asked + mine).text)
    refused = cells(people["security"].get(asked + other).text)
    assert "不可以看" in refused
    assert "居民与本单位有服务关系" in refused
    assert "没有这条记录" in cells(people["security"].get(asked + "never-there").text)
    own = "/me/permissions?kind=Patient&id="
    assert "可以看" in cells(people["doctor"].get(own + mine).text)
    hidden, absent = (cells(people["doctor"].get(own + one).text) for one in (other, "never-there"))
    assert hidden.replace(other, "") == absent.replace("never-there", "")


def test_who_can_see_a_resident(site: Site, people: dict[str, httpx.Client]) -> None:
    mine = site.run(site.platform.accounts.open_grant("resident")).patient
    page = cells(people["resident"].get(f"/permissions/residents/{mine}").text)
    assert "属地健康管理" in page
    assert "科室经办人" in page
    assert "周以宁" not in page, "posts are told, not persons"
    assert people["privacy"].get(f"/permissions/residents/{mine}").status_code == 200
    for name in ("doctor", "security", "clerk"):
        assert people[name].get(f"/permissions/residents/{mine}").status_code == 404
    other, number, called = stranger(site, "resident")
    assert people["resident"].get(f"/permissions/residents/{other}").status_code == 404
    token = token_of(people["privacy"].get("/admin/policy").text)
    form = {"_token": token, "number": number, "name": called}
    found = people["privacy"].post("/permissions/residents", data=form)
    assert found.headers["location"] == f"/permissions/residents/{other}"
    assert people["privacy"].post("/permissions/residents", data=form | {"name": "某某"}).status_code == 404


def test_break_glass_from_the_request_to_the_review(site: Site, people: dict[str, httpx.Client]) -> None:
    doctor, officer = people["physician"], people["privacy"]
    id_, number, called = stranger(site, "physician")
    assert doctor.get(f"/residents/{id_}").status_code == 404
    form = {
        "_token": token_of(doctor.get("/emergency").text), "number": number, "name": called,
        "reason_code": "unable-to-speak", "reason": WORDS, "sure": "true",
    }  # fmt: skip
    for change in ({"name": "某某"}, {"number": "990102190001010000"}):
        refused = doctor.post("/emergency", data=form | change)
        assert refused.status_code == 422
        assert "没有证件号和姓名都相符的居民" in refused.text
    assert doctor.post("/emergency", data=form | {"sure": ""}).status_code == 422
    assert doctor.post("/emergency", data=form | {"reason": "急"}).status_code == 422
    opened = doctor.post("/emergency", data=form)
    assert opened.headers["location"].startswith(f"/residents/{id_}")
    page = doctor.get(f"/residents/{id_}")
    assert page.status_code == 200
    assert "应急调阅进行中" in page.text
    assert "data-countdown" in page.text
    assert people["nurse"].get(f"/residents/{id_}").status_code == 404
    assert people["nurse"].get("/emergency/review").status_code == 403
    waiting = officer.get("/emergency/review").text
    assert WORDS in waiting
    assert number not in waiting
    assert "应急" in cells(officer.get("/").text)
    access = re.search(r"/emergency/(\d+)/review", waiting)
    assert access
    verdict = {"_token": token_of(waiting), "verdict": "improper", "comment": ""}
    assert "请写明理由" in officer.post(access[0], data=verdict).text
    judged = officer.post(access[0], data=verdict | {"verdict": "justified"})
    assert judged.status_code == 303
    assert doctor.get(f"/residents/{id_}").status_code == 404, "a verdict ends it at once"
    assert "应急调阅进行中" not in doctor.get("/").text
    assert "已复核：正当" in cells(doctor.get("/emergency").text)
