"""Every page × every role: sign-in before all, rights asked for, nothing from outside, no raw JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.base.canonical import CASE_KIND
from kangshu.web import PAGES, Page

from .site import Site, token_of

ROLES = (
    "leader",
    "plan",
    "clerk",
    "civil",
    "statistics",
    "hospital",
    "doctor",
    "elder",
    "resident",
    "admin",
    "security",
    "audit",
)
GETS = [page for page in PAGES if page.methods == ("GET",)]
POSTS = [page for page in PAGES if page.methods == ("POST",)]


@pytest.fixture(scope="session")
def places(site: Site) -> dict[str, str]:
    return places_of(site)


def places_of(site: Site) -> dict[str, str]:
    """Return what stands for each {name} of an address."""
    grant, store = system_grant("test"), site.platform.store
    patient = site.run(store.search_all(grant, "Patient", ""))[0]
    own, *_, higher = site.run(site.platform.plans.plans(grant))
    view = site.run(site.platform.plans.plan(grant, own.id))
    task = site.run(store.search_all(grant, "Task", ""))[0]
    slots = site.run(store.search_all(grant, "Slot", "schedule=Schedule/schedule-yunxi-first-1"))
    appointments = site.run(store.search_all(grant, "Appointment", "slot:missing=false"))
    slot, appointment = (next(iter(found), {"id": "none"}) for found in (slots, appointments))
    register = next(one for one in site.platform.registers.declarations if one.resource_type == "Location")
    record = site.run(store.search_all(grant, "Location", register.criteria))[0]
    linked = next(one for one in view.targets if one.measure)
    case = site.platform.cases.declarations[0]
    work = next((one.code for service in site.platform.services for one in service.lists), "none/none")
    scale = site.platform.questionnaires.declarations[0]
    desk = next((one.code for one in site.platform.cases.desks.declarations), "none/none")
    roster = next((one.code for one in site.platform.cases.rosters.declarations), "none/none")
    filled = site.run(store.search_all(grant, "QuestionnaireResponse", ""))[0]
    sheet = site.run(site.platform.assessments.sheets(grant))[0]
    returns = site.run(site.platform.returns.table(grant, own.id))
    kind = site.platform.warnings.kind
    warned = site.run(store.search_all(grant, "Task", f"code={CASE_KIND}|{kind.code}")) if kind else []
    return {
        "/warnings/{id}": next(iter(warned), task)["id"],
        "/returns/{id}": own.id, "{period}": sorted(period for _, period in returns.rows)[0],
        "/assessments/schemes/{id}": sheet.scheme, "/assessments/units/{id}": sheet.task,
        "/bookings/slots/{id}": slot["id"], "/bookings/{id}": appointment["id"],
        "/plans/{id}": own.id, "{other}": higher.id, "{goal}": linked.id, "/measures/{id}": "nursing-bed-share",
        "/cases/{id}": task["id"], "/residents/{id}": patient["id"], "/files/{id}": "none",
        "/admin/parameters/{id}": site.platform.parameters.ids()[0], "{service}/{register}": register.code,
        "{register-id}": record["id"], "{service}/{case}": case.code, "{service}/{list}": work, "{service}/{desk}": desk, "{service}/{roster}": roster, "{service}/{questionnaire}": scale.code, "/responses/{id}": filled["id"], "{name}": "doctor", "{act}": "unlock",
        "{move}": "none", "{kind}": "resident", "{report}": "none", "{verdict}": "accept",
        "{form}": "xlsx", "{channel}": "none", "{clause}": "clause-005", "{unit}": "unit-civil-affairs",
    }  # fmt: skip


def address_of(page: Page, places: dict[str, str]) -> str:
    """Return an address of `page` that exists in the city; what `places` does not know is called `none`."""
    path = page.path
    for register in (
        "{service}/{register}",
        "{service}/{list}",
        "{service}/{desk}",
        "{service}/{roster}",
        "{service}/{case}",
        "{service}/{questionnaire}",
    ):
        path = path.replace(register, places[register])
    for prefix, place in places.items():
        if prefix.startswith("/") and path.startswith(prefix):
            path = path.replace("{id}", place, 1)
    path = path.replace("{id}", places["{register-id}"])
    return re.sub(r"\{\w+\}", lambda found: places.get(found[0], "none"), path)


@pytest.fixture(scope="session")
def visitors(site: Site) -> Iterator[dict[str, httpx.Client]]:
    """One signed-in browser a role."""
    made = {name: site.visitor(name) for name in ROLES}
    yield made
    for client in made.values():
        client.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.methods[0]} {page.path}")
def test_no_page_without_sign_in(site: Site, places: dict[str, str], page: Page) -> None:
    with site.visitor() as nobody:
        answer = nobody.request(page.methods[0], address_of(page, places))
    if page.open:
        assert answer.status_code in (200, 403, 404)
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")
        assert answer.content == b""


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", [page for page in GETS if not page.open], ids=lambda page: page.path)
def test_each_role_sees_a_page_or_a_clear_refusal(
    site: Site, places: dict[str, str], visitors: dict[str, httpx.Client], page: Page, role: str
) -> None:
    grant = site.run(site.platform.accounts.open_grant(role))
    answer = visitors[role].get(address_of(page, places))
    allowed = not page.operations or any(grant.may(one) for one in page.operations)
    if not allowed:
        assert answer.status_code == 403
        assert "联系系统管理员" in answer.text
        return
    # a record that the role does not see is not found; a case kind that it may not start is refused
    assert answer.status_code in (200, 403, 404), answer.text[-2000:]
    if answer.headers["content-type"].startswith("text/html"):
        check_page(answer)
    else:
        assert "演示数据" in httpx.URL(answer.headers["content-disposition"].split("''")[1]).path or (
            "%E6%BC%94%E7%A4%BA%E6%95%B0%E6%8D%AE" in answer.headers["content-disposition"]
        )


def check_page(answer: httpx.Response) -> None:
    """Hold what is true of every page."""
    page = answer.text
    assert "演示数据" in page
    assert '{"' not in page
    assert "&#34;resourceType" not in page
    assert "None</" not in page
    assert "Undefined" not in page
    assert 'lang="zh-CN"' in page
    assert page.count("<h1") == 1
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    nothing_comes_from_outside(answer)
    no_script_or_style_within(page)
    every_field_has_a_label(page)


def nothing_comes_from_outside(answer: httpx.Response) -> None:
    """Hold that links, forms and pictures stay within the product."""
    for found in re.findall(r'(?:src|href|action)="([^"]*)"', answer.text):
        assert found.startswith(("/", "#", "?")), (answer.url, found)


def no_script_or_style_within(page: str) -> None:
    """Hold that scripts and styles come as files alone."""
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r"\son\w+=", page)


def every_field_has_a_label(page: str) -> None:
    """Hold that a reader of screens can tell every field."""
    labels = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
        within_its_label = " id=" not in tag and ('type="checkbox"' in tag or 'type="radio"' in tag)
        if 'type="hidden"' in tag or within_its_label or " aria-label=" in tag:
            continue
        assert (found := re.search(r' id="([^"]+)"', tag)), tag
        assert found[1] in labels, tag


@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
def test_a_form_of_another_page_is_refused(
    places: dict[str, str], visitors: dict[str, httpx.Client], page: Page
) -> None:
    if page.open:
        return
    for role in ("plan", "admin", "clerk", "security"):
        answer = visitors[role].post(address_of(page, places), data={"_token": "0" * 64})
        assert answer.status_code in (403, 404)


def test_english_pages_hold_no_chinese_of_ours(visitors: dict[str, httpx.Client]) -> None:
    page = visitors["admin"].get("/admin/services?lang=en").text
    visitors["admin"].get("/?lang=zh")
    assert 'lang="en"' in page
    assert "Each city service is a folder" in page
    assert "Sign out" in page
    assert "退出" not in page


def test_sign_in_refuses_wrong_words_and_says_no_more(site: Site) -> None:
    with site.visitor() as nobody:
        token = token_of(nobody.get("/sign-in").text)
        texts = set()
        for name in ("doctor", "nobody-at-all"):
            answer = nobody.post("/sign-in", data={"name": name, "password": "wrong", "_token": token})
            assert answer.status_code == 401
            texts.add(re.search(r'role="alert">.*?</div></div>', answer.text, re.S)[0])  # type: ignore[index]
        assert len(texts) == 1


def test_the_session_cookie_is_out_of_reach_of_scripts(site: Site) -> None:
    with site.visitor() as nobody:
        token = token_of(nobody.get("/sign-in").text)
        form = {
            "name": "leader",
            "password": site.passwords["leader"],
            "_token": token,
            "next": "//evil.example/",
        }
        answer = nobody.post("/sign-in", data=form)
    assert answer.headers["location"] == "/"
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("kangshu_session"))
    assert "httponly" in cookie.lower()
    assert "samesite=lax" in cookie.lower()


def test_signing_out_ends_the_session(site: Site) -> None:
    with closing(site.visitor("statistics")) as client:
        token = token_of(client.get("/").text)
        cookie = client.cookies["kangshu_session"]
        assert client.post("/sign-out", data={"_token": token}).status_code == 303
        client.cookies.set("kangshu_session", cookie)
        assert client.get("/").status_code == 303


def test_fault_pages_say_what_to_do(site: Site, visitors: dict[str, httpx.Client]) -> None:
    missing = visitors["leader"].get("/no/such/page")
    assert missing.status_code == 404
    assert "请核对地址" in missing.text
    denied = visitors["leader"].get("/admin/accounts")
    assert denied.status_code == 403
    assert "联系系统管理员" in denied.text
    unknown = visitors["leader"].get("/measures/none")
    assert unknown.status_code == 404
    with site.visitor() as nobody:
        assert nobody.get("/no/such/page").status_code == 404


def test_a_body_over_the_limit_is_refused(site: Site, visitors: dict[str, httpx.Client]) -> None:
    limit = site.platform.settings.body_limit
    big = b"x" * (limit + 1)
    answer = visitors["plan"].post(
        "/plans/import", content=big, headers={"content-type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 413
    assert "MB" in answer.text


def test_text_of_others_is_escaped(site: Site, visitors: dict[str, httpx.Client]) -> None:
    page = visitors["leader"].get("/worklist?kind=%3Cscript%3Ealert(1)%3C/script%3E&said=%3Cb%3E").text
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_every_measure_register_and_target_opens(
    site: Site, visitors: dict[str, httpx.Client], places: dict[str, str]
) -> None:
    addresses = [f"/measures/{one.id}" for service in site.platform.services for one in service.measures]
    addresses += [f"{one}/subjects" for one in addresses]
    addresses += [f"/registers/{one.code}" for one in site.platform.registers.declarations]
    addresses += [f"/registers/{one.code}/new" for one in site.platform.registers.declarations]
    addresses += [
        f"/cases/start/{one.code}"
        for one in site.platform.cases.startable(site.run(site.platform.accounts.open_grant("clerk")))
    ]
    plan = site.run(site.platform.plans.plan(system_grant("test"), places["/plans/{id}"]))
    addresses += [f"/plans/{plan.id}/targets/{one.id}" for one in plan.targets]
    addresses += [f"/admin/parameters/{one}" for one in site.platform.parameters.ids()]
    for address in addresses:
        for role in ("clerk", "admin") if address.startswith("/admin") else ("clerk",):
            answer = visitors[role].get(address)
            assert answer.status_code == 200, (address, role)
            check_page(answer)


def test_every_case_opens_for_its_parties(site: Site, visitors: dict[str, httpx.Client]) -> None:
    opened = 0
    for role in ("plan", "clerk", "civil", "hospital", "doctor", "elder"):
        for box in ("todo", "overdue", "started", "done", "all"):
            page = visitors[role].get(f"/worklist?box={box}")
            check_page(page)
            for address in re.findall(r'<a href="(/cases/[^"]+)">', page.text)[:8]:
                answer = visitors[role].get(address)
                assert answer.status_code == 200, (role, address)
                check_page(answer)
                opened += 1
    assert opened > 20
