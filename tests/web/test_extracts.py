"""Extracts end to end on the demo city: approved, made, marked, handed out, traced, closed; and refused to all others."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from kangshu.access import Grant, system_grant
from kangshu.accounts import Account
from kangshu.api import make_extract
from kangshu.base.clock import today
from kangshu.base.faults import Conflict, Fault, Forbidden, Gone, NotFound, Unprocessable
from kangshu.documents import read_xlsx

from .site import Site, token_of

SYSTEM = system_grant("tests")
KIND = "data_protection/data-use"
PASSWORD = "Yunxi-7-extracts"
YEAR = today().year


@dataclass(frozen=True)
class Office:
    """The demo city with an applicant, a data office, an officer who countersigns, and somebody else."""

    site: Site
    applicant: Grant
    office: Grant
    officer: Grant
    stranger: Grant

    def approved(self, *, move: str = "countersign", **values: Any) -> str:
        """Return an approved application."""
        return self.site.run(self._approved(move, values))

    async def _approved(self, move: str, values: dict[str, Any]) -> str:
        cases = self.site.platform.cases
        asked: dict[str, Any] = {
            "receiver": "unit-health-commission",
            "project": "老年健康评价",
            "purpose": "评价老年健康管理效果",
            "legal_basis": "statutory",
            "basis_text": "统计调查制度",
            "recipient": "云汐大学公共卫生学院",
            "place": "mainland",
            "responsible": "李某",
            "level": "de-identified",
            "extract": "elder-health",
            "columns": ["person", "age", "gender", "place", "level", "assessed_on", "managed"],
            "district": "990100",
            "period_start": f"{YEAR - 1}-01-01",
            "period_end": f"{YEAR - 1}-12-31",
            "expiry": (today() + timedelta(days=90)).isoformat(),
            "measures": "专机使用",
            **values,
        }
        task = (await cases.start(self.applicant, KIND, asked)).id
        await cases.move(self.applicant, task, "submit", {})
        if move == "submit":
            return task
        await cases.move(self.office, task, "accept", {})
        granted = {
            "granted_columns": asked["columns"],
            "granted_district": asked["district"],
            "granted_start": asked["period_start"],
            "granted_end": asked["period_end"],
            "sensitive": "yes",
            "struck": "逐项必需",
        }
        await cases.move(self.office, task, "minimise", granted)
        await cases.move(self.office, task, "forward", {})
        await cases.move(self.officer, task, "countersign", {"comment": "同意"})
        return task

    def make(self, who: Grant, task: str) -> Any:
        """Return the extract of an application."""
        return self.site.run(make_extract(self.site.platform, who, task))


async def _office(site: Site) -> Office:
    accounts = site.platform.accounts
    made: dict[str, Grant] = {}
    organisations = await site.platform.store.search_all(
        SYSTEM, "Organization", "_id=unit-statistics,unit-finance"
    )
    units = [one["id"] for one in organisations] or ["unit-civil-affairs"]
    if len(units) < 2:
        found = await site.platform.store.search_all(SYSTEM, "Organization", "_count=200")
        units = [one["id"] for one in found if one["id"].startswith("unit-")]
        units.remove("unit-health-commission")
    posts = {
        "extract-applicant": ("unit-clerk", units[0]),
        "extract-office": ("data-office", "unit-health-commission"),
        "extract-officer": ("data-protection-officer", "unit-health-commission"),
        "extract-stranger": ("unit-clerk", units[1]),
    }
    for name, (role, organisation) in posts.items():
        await accounts.create_account(
            SYSTEM, Account(name, name, (role,), organisation, district="990100"), PASSWORD
        )
        site.passwords[name] = PASSWORD
        made[name] = await accounts.bearer(await accounts.create_token(name, timedelta(hours=1)))
    return Office(site, *made.values())


@pytest.fixture(scope="module")
def office(site: Site) -> Office:
    return site.run(_office(site))


@pytest.fixture(scope="module")
def record(office: Office) -> Any:
    return office.make(office.applicant, office.approved())


def test_the_extract_meets_the_demand_and_names_nobody(office: Office, record: Any) -> None:
    risk = record.facts["risk"]
    assert risk["k"] >= risk["asked_k"] == 5
    assert risk["diversity"] >= risk["asked_l"] == 2
    assert risk["prosecutor_most"] <= 0.2
    with closing(office.site.visitor("extract-applicant")) as visitor:
        answer = visitor.get(f"/extracts/{record.id}/file/xlsx")
    assert answer.status_code == 200
    sheets = read_xlsx(answer.content)
    assert list(sheets) == ["说明", "数据", "风险报告"]
    notice = "\n".join(str(cell) for row in sheets["说明"] for cell in row if cell)
    for told in ("云汐大学公共卫生学院", record.facts["number"], "不得复制", "extract-applicant"):
        assert told in notice
    rows = [[str(cell) for cell in row] for row in sheets["数据"][2:]]
    assert len(rows) == risk["rows"]
    assert all("云汐大学公共卫生学院" in row[-1] for row in rows)
    sizes = Counter(tuple(row[1:4]) for row in rows)
    assert min(sizes.values()) == risk["k"]
    residents = office.site.run(office.site.platform.store.search_all(SYSTEM, "Patient", "_count=1000"))
    text = repr(rows)
    for one in residents:
        assert one["id"] not in text
        # another test may have registered somebody who has no number yet
        assert not [1 for number in one.get("identifier", ()) if number["value"] in text]
        assert not [1 for name in one.get("name", ()) if name.get("text", "") and name["text"] in text]


def test_the_copy_tells_whose_it_is(office: Office, record: Any) -> None:
    other = office.make(office.applicant, office.approved(recipient="云汐医科大学"))
    with closing(office.site.visitor("extract-applicant")) as visitor:
        copy = visitor.get(f"/extracts/{record.id}/file/csv").content
    table = list(csv.reader(io.StringIO(copy.decode("utf-8-sig"))))
    assert table[1][-1].endswith("不得复制转发")
    # a leak: the printed mark cut off, half of the rows, in another order
    leak = io.StringIO()
    csv.writer(leak).writerows([row[:-1] for row in (table[0], *table[:0:-2])])
    bare = io.StringIO()
    csv.writer(bare).writerows([row[1:-1] for row in table])  # without the pseudonyms too
    with closing(office.site.visitor("extract-office")) as visitor:
        token = token_of(visitor.get("/extracts").text)
        for content, certain in ((leak.getvalue(), True), (bare.getvalue(), False)):
            sent = {"file": ("leak.csv", content.encode(), "text/csv")}
            page = visitor.post("/extracts/trace", data={"_token": token}, files=sent)
            assert page.status_code == 200
            first = page.text.partition("追查结果")[2]
            assert record.facts["number"] in first
            assert ("确认为此副本" in first) == certain
            assert first.index(record.facts["number"]) < (first.find(other.facts["number"]) % 10**9)


def test_a_download_is_noted_in_the_case_and_the_audit(office: Office, record: Any) -> None:
    with closing(office.site.visitor("extract-applicant")) as visitor:
        assert visitor.get(f"/extracts/{record.id}/file/csv").status_code == 200
    events = office.site.run(office.site.platform.cases.history(SYSTEM, record.application))
    assert {"record-extract", "record-download"} <= {one.move for one in events}


def test_one_approval_gives_one_extract(office: Office, record: Any) -> None:
    with pytest.raises(Conflict):
        office.make(office.applicant, record.application)


def test_strangers_see_nothing(office: Office, record: Any) -> None:
    with closing(office.site.visitor("extract-stranger")) as visitor:
        assert record.facts["number"] not in visitor.get("/extracts").text
        for address in (f"/extracts/{record.id}", f"/extracts/{record.id}/file/xlsx", "/extracts/nothing"):
            assert visitor.get(address).status_code == 404
        token = token_of(visitor.get("/extracts").text)
        sent = {"file": ("x.csv", b"a,b", "text/csv")}
        assert visitor.post("/extracts/trace", data={"_token": token}, files=sent).status_code == 403
        made = visitor.post("/extracts", data={"_token": token, "application": record.application})
        assert made.status_code == 404
    with pytest.raises(NotFound):
        office.make(office.stranger, record.application)


def test_what_is_not_approved_is_not_made(office: Office) -> None:
    task = office.approved(move="submit")
    with pytest.raises(Unprocessable, match="not approved"):
        office.make(office.applicant, task)


def test_a_revoked_or_ended_use_closes_the_file(office: Office) -> None:
    task = office.approved()
    made = office.make(office.office, task)
    office.site.run(
        office.site.platform.cases.move(office.officer, task, "revoke", {"comment": "超范围使用"})
    )
    with closing(office.site.visitor("extract-applicant")) as visitor:
        assert visitor.get(f"/extracts/{made.id}/file/xlsx").status_code in (404, 410)
    with pytest.raises((Unprocessable, Gone)):
        office.make(office.applicant, task)
    assert office.site.run(office.site.platform.store.forget_extracts(task)) >= 1
    with closing(office.site.visitor("extract-applicant")) as visitor:
        assert visitor.get(f"/extracts/{made.id}/file/csv").status_code in (404, 410)
        assert visitor.get(f"/extracts/{made.id}").status_code == 200


def test_a_group_too_small_is_refused_in_words(office: Office) -> None:
    task = office.approved(district="990102999", columns=["age", "gender", "level"])
    with pytest.raises(Fault) as told:
        office.make(office.applicant, task)
    assert "等价类" in told.value.zh or "抑制" in told.value.zh


def test_an_aggregate_shows_no_small_number(office: Office) -> None:
    task = office.approved(level="aggregate", columns=["place", "gender"])
    made = office.make(office.applicant, task)
    with closing(office.site.visitor("extract-applicant")) as visitor:
        page = visitor.get(f"/extracts/{made.id}")
        assert "已抑制" in page.text
        copy = visitor.get(f"/extracts/{made.id}/file/csv").content.decode("utf-8-sig")
    counts = [row[-2] for row in list(csv.reader(io.StringIO(copy)))[1:]]
    assert all(count == "已抑制" or count == "0" or int(count) >= 5 for count in counts)


def test_a_recipient_abroad_without_ground_is_refused_even_when_approved(office: Office) -> None:
    """The second lock (C28): a case that came to be approved without its papers gives no extract."""
    from dataclasses import replace

    from kangshu.api import extract_application
    from kangshu.api.extracts import _check

    asked = office.site.run(extract_application(office.site.platform, SYSTEM, office.approved()))
    with pytest.raises(Forbidden, match="outside the mainland"):
        _check(office.applicant, replace(asked, place="hong-kong"))


def test_who_withdraws_is_in_no_later_extract(office: Office) -> None:
    store = office.site.platform.store
    before = office.make(office.applicant, office.approved()).facts["risk"]
    total = before["rows"] + before["left_out"] + before["sampled_out"]
    elder = office.site.run(store.search_all(SYSTEM, "Patient", "birthdate=lt1950-01-01&_count=1"))[0]["id"]
    consent = {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{elder}"},
        "policyRule": {"text": "个人信息保护法"},
        "provision": {
            "type": "deny",
            "purpose": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HRESCH"}],
        },
    }
    office.site.run(store.create(SYSTEM, consent))
    after = office.make(office.applicant, office.approved()).facts["risk"]
    assert after["rows"] + after["left_out"] + after["sampled_out"] == total - 1
