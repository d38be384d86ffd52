"""Every page × every role × what that role must not see; forms without their token; what the browser is told."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from io import BytesIO
from typing import Any

import httpx
import pytest

from kangshu.web import PAGES, Page

from .cases import attack
from .city import ROLES, token_of

NOBODY = "never-there"
GETS = [page for page in PAGES if page.methods == ("GET",)]
POSTS = [page for page in PAGES if "POST" in page.methods]
PAGE_ROLES = [
    one for one in ROLES if one not in ("security", "civil", "hospital-b", "elder-b", "unit-b", "resident-b")
]
"""One of each kind, and a second where the post decides: pages and roles multiply."""
REGISTERS = {
    "residents/residents": "Patient", "elder_health/managements": "Encounter", "elder_health/assessments": "Observation",
    "family_doctor/contracts": "Contract", "institutions/residences": "EpisodeOfCare", "medical_elder/agreements": "Contract",
    "data_protection/consents": "Consent", "data_protection/guardians": "RelatedPerson",
}  # fmt: skip


ASKING = dict.fromkeys(
    ("/worklist/batch", "/admin/import/passwords.xlsx", "/admin/audit/verify"), (200, 303, 403)
)
"""Forms that ask and change nothing: their answer is a page."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address of a page that names a record: `id` is hidden from the visitor."""

    address: str
    id: str


NAMED = {
    "/bookings/slots/{id}": "Slot", "/bookings/{id}": "Appointment", "/residents/{id}": "Patient", "/public/notices/{id}": "Task", "/responses/{id}": "QuestionnaireResponse", "/permissions/residents/{id}": "Patient", "/cases/{id}": "Task", "/warnings/{id}": "Task", "/files/{id}": "DocumentReference",
    "/plans/{id}": "PlanDefinition", "/returns/{id}": "PlanDefinition", "/assessments/units/{id}": "Task", "/assessments/schemes/{id}": "Library", "/plans/import/{id}": "DocumentReference", "/me/consents/{id}": "Task", "/notices/{id}": "Communication", "/snapshots/{id}": "DocumentReference",
}  # fmt: skip
"""What the `{id}` of a route is the id of; a route begins with its key."""

OTHERWISE = (
    "/my/{door}",
    "/measures/{id}", "/exchanges/{service}/{exchange}", "/lists/{service}/{list}", "/desks/{service}/{desk}", "/rosters/{service}/{roster}", "/questionnaires/{service}/{questionnaire}", "/registers/{service}/{register}", "/cases/start/{service}/{case}", "/find/{kind}", "/sign-in/with/{kind}",
    "/sign-in/back/{kind}", "/me/tokens/{id}/end", "/me/identities/{id}/end", "/me/deputies/{id}/end", "/me/lookups/{id}/ask", "/extracts/{id}", "/emergency/{id}", "/public/plans/{plan}",
    "/me/contacts/{channel}/{act}", "/admin/deliveries/{id}/again", "/admin/accounts/{name}", "/admin/import/{act}", "/admin/parameters/{id}",
)  # fmt: skip
"""Routes that name no record of a type: what they name is the visitor's own, a declaration, or asks for an operation.

Whoever adds a route finds it missing here (`test_every_route_has_a_case`) and says which of the two it is.
"""


def named_by(route: str) -> str:
    """Return the type of the record that a route's `{id}` names, "" for none."""
    return next((kind for start, kind in NAMED.items() if route.startswith(start)), "")


@attack(13)
def test_every_route_has_a_case() -> None:
    """The attacks walk the table of pages; a route that names something unheard of is told apart here first."""
    unknown = [
        page.path for page in PAGES
        if "{" in page.path and not named_by(page.path) and not page.path.startswith(OTHERWISE)
    ]  # fmt: skip
    assert not unknown, f"say in NAMED or OTHERWISE what these name: {unknown}"
    stale = [one for one in (*NAMED, *OTHERWISE) if not any(page.path.startswith(one) for page in PAGES)]
    assert not stale, f"no route begins so any more: {stale}"


def may_open(city: Any, name: str, page: Page) -> bool:
    """Return whether the policy gives `name` one of the operations that open the page."""
    grant = city.grant(name)
    return not page.operations or any(grant.may(one) for one in page.operations)


def targets(city: Any, name: str, page: Page, *, nobody: bool = False) -> Iterator[Target]:
    """Yield the addresses of `page` with a hidden record in each place where a record's id stands."""
    path = page.path
    plain = {
        "{goal}": "target-1", "{move}": "accept", "{act}": "stop", "{name}": NOBODY, "{report}": NOBODY, "{verdict}": "accept",
        "{kind}": "accounts", "{service}/{case}": "supervision/duty", "{service}/{list}": f"{NOBODY}/{NOBODY}", "{desk}": NOBODY, "{roster}": NOBODY, "{service}/{questionnaire}": "elder_health/self-care", "{finding}": "task-1", "{other}": "another-plan", "{unit}": "x", "{sheet}": "accounts", "{field}": "lines", "{period}": "2026-01", "{version}": "1", "{step}": "repeal",
    }  # fmt: skip
    for key, value in plain.items():
        path = path.replace(key, value)

    def hidden(kind: str) -> str:
        found = sorted(city.seen_by(name, kind)[1])
        return NOBODY if nobody else found[0] if found else ""

    if "{service}/{register}" in path:
        for register, kind in REGISTERS.items():
            one = hidden(kind) if "{id}" in path else NOBODY
            if one:
                yield Target(path.replace("{service}/{register}", register).replace("{id}", one), one)
        return
    kind = named_by(page.path)
    if "{id}" not in path:
        yield Target(path, "")
    elif path.startswith("/measures/"):
        yield Target(path.replace("{id}", "family-doctor-coverage-60"), "")
    elif kind and (one := hidden(kind)):
        yield Target(path.replace("{id}", one), one)
    elif not kind:
        yield Target(path.replace("{id}", NOBODY), NOBODY)


def text_of(answer: httpx.Response) -> str:
    """Return what an answer says: the text of a page, or of all sheets of a workbook."""
    if "spreadsheetml" not in answer.headers.get("content-type", ""):
        return answer.text
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        return "\n".join(
            unescape(archive.read(name).decode("utf-8", "replace"))  # Chinese may stand there as &#38889;
            for name in archive.namelist()
            if name.endswith(".xml")
        )


def said(answer: httpx.Response, id_: str) -> str:
    """Return a page without what differs from visit to visit."""
    text = answer.text.replace(id_, "*")
    return re.sub(r'name="_token" value="\w+"|lang=\w+|\d\d:\d\d(:\d\d)?', "", text)


@attack(13, 3)
@pytest.mark.parametrize("page", GETS, ids=lambda page: page.path)
@pytest.mark.parametrize("name", PAGE_ROLES)
def test_pages_show_nothing_hidden(city: Any, name: str, page: Page) -> None:
    browser, secrets = city.browser(name), city.secrets_from(name)
    for target in targets(city, name, page):
        answer = browser.get(target.address)
        assert answer.status_code < 500, (target.address, answer.text[:300])
        if not may_open(city, name, page):
            assert answer.status_code in (403, 404), (target.address, answer.status_code)
        found = secrets.told_in(text_of(answer))
        assert not found, (target.address, len(found))
        if target.id and target.id != NOBODY:
            assert answer.status_code in (403, 404), (target.address, answer.status_code)
            never = browser.get(target.address.replace(target.id, NOBODY))
            assert never.status_code == answer.status_code
            assert said(answer, target.id) == said(never, NOBODY)


def walk(city: Any, name: str) -> list[str]:
    """Return addresses of lists, drill-downs and exports, with the parameters that widen them."""
    registers = [
        f"/registers/{register}{tail}" for register in REGISTERS
        for tail in ("", "?district=990103", "/export.xlsx", "?cursor=x", "/export.xlsx?district=99", "/new")
    ]  # fmt: skip
    measures = [
        f"/measures/{one}{tail}" for one in ("family-doctor-coverage-60", "elder-management-rate-65", "elder-assessment-65", "nursing-bed-share")
        for tail in ("", "?district=99", "/subjects?part=denominator", "/subjects?part=gap&district=990103", "/subjects?part=numerator&offset=20", "/export.xlsx")
    ]  # fmt: skip
    boxes = [f"/worklist?box={box}" for box in ("todo", "done", "started", "overdue", "all")]
    starts = [
        "/cases/start",
        "/cases/start/referral/referral",
        f"/cases/start/referral/referral?subject=Patient/{NOBODY}",
    ]
    hidden = sorted(city.seen_by(name, "Patient")[1])
    if hidden:
        starts.append(f"/cases/start/referral/referral?subject=Patient/{hidden[0]}")
    return [
        *registers,
        *measures,
        *boxes,
        *starts,
        "/",
        "/?size=large",
        "/?lang=en",
        "/admin/audit",
        "/admin/accounts",
        "/me/lookups",
    ]


@attack(5, 13)
@pytest.mark.parametrize("name", ROLES)
def test_lists_and_exports_show_nothing_hidden(city: Any, name: str) -> None:
    browser, secrets = city.browser(name), city.secrets_from(name)
    for address in walk(city, name):
        answer = browser.get(address)
        assert answer.status_code < 500, (address, answer.text[:300])
        found = secrets.told_in(text_of(answer))
        assert not found, (address, len(found))


@attack(13)
@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
@pytest.mark.parametrize("name", PAGE_ROLES)
def test_forms_do_nothing_to_what_is_hidden(city: Any, name: str, page: Page) -> None:
    """A form with its right token, aimed at a record of somebody else's."""
    if page.path in ("/sign-in", "/sign-out", "/password"):
        return
    browser, token, secrets = city.browser(name), city.form_token(name), city.secrets_from(name)
    for target in targets(city, name, page):
        with city.unchanged():
            answer = browser.post(target.address, data={"_token": token, "comment": "x"})
            assert answer.status_code in ASKING.get(page.path, (303, 400, 403, 404, 405, 409, 412, 422)), (
                target.address,
                answer.status_code,
                answer.text[:300],
            )
        assert not secrets.told_in(answer.text), target.address
        if target.id and target.id != NOBODY and "{service}" not in page.path:
            assert answer.status_code in (403, 404), (target.address, answer.status_code)
    if page.path == "/me/tokens/end":
        city.renew(name)


@attack(24)
@pytest.mark.parametrize("page", POSTS, ids=lambda page: page.path)
def test_forms_need_their_token(city: Any, page: Page) -> None:
    """CSRF: without a token, with a made-up one, and with that of another visitor, nothing is done."""
    if page.open:
        return
    stranger = city.form_token("doctor-b")
    with city.unchanged():
        for name in ("clerk", "plan", "admin", "doctor"):
            browser = city.browser(name)
            for target in targets(city, name, page, nobody=True):
                for data in ({}, {"_token": ""}, {"_token": "0" * 64}, {"_token": stranger}, {"_token": "é"}):
                    answer = browser.post(target.address, data=data)
                    assert answer.status_code in (403, 404), (target.address, data, answer.status_code)
                    multi = browser.post(target.address, data=data, files={"file": ("a.txt", b"x")})
                    assert multi.status_code in (403, 404), (target.address, multi.status_code)
    assert city.browser("doctor").get("/worklist").status_code == 200


def test_forms_by_get_do_nothing(city: Any) -> None:
    for page in POSTS:
        if any(one.path == page.path and "GET" in one.methods for one in PAGES):
            continue
        for target in targets(city, "admin", page, nobody=True):
            assert city.browser("admin").get(target.address).status_code in (403, 404, 405), target.address


@attack(16)
@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "http:evil.example", "javascript:alert(1)",
        "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "https:evil.example", "///evil.example", "/%2F/evil.example",
        "/%5cevil.example", "//evil.example%2f..", "@evil.example", "/.//evil.example", "data:text/html,x", "/\x00/evil", "/\r\nX-Injected: 1",
    ],
)  # fmt: skip
def test_sign_in_leads_nowhere_else(city: Any, wanted: str) -> None:
    with httpx.Client(base_url=city.address) as client:
        page = client.get("/sign-in", params={"next": wanted})
        assert page.status_code == 200
        shown = re.search(r'name="next" value="([^"]*)"', page.text)
        assert shown is not None
        for sent in (wanted, shown[1]):
            form = {
                "name": "doctor",
                "password": city.passwords["doctor"],
                "_token": token_of(page.text),
                "next": sent,
            }
            answer = client.post("/sign-in", data=form)
            assert answer.status_code == 303
            assert "x-injected" not in answer.headers
            place = httpx.URL(city.address).join(
                re.sub(r"[\t\r\n\x00]", "", answer.headers["location"]).replace("\\", "/").strip()
            )
            assert (place.host, place.scheme) == (httpx.URL(city.address).host, "http"), answer.headers[
                "location"
            ]


@attack(15)
def test_a_session_is_new_and_ends(city: Any) -> None:
    """Session fixation: what the browser brought is not what it leaves with; a session that was left is nobody's."""
    planted = "planted-session-token"
    with httpx.Client(
        base_url=city.address, cookies={"kangshu_session": planted, "kangshu_door": "planted"}
    ) as client:
        page = client.get("/sign-in")
        form = {
            "name": "doctor",
            "password": city.passwords["doctor"],
            "_token": token_of(page.text),
            "next": "/",
        }
        answer = client.post("/sign-in", data=form)
        cookie = answer.headers["set-cookie"]
        assert planted not in cookie
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        token = re.search(r"kangshu_session=([^;]+)", cookie)
        assert token is not None
    with httpx.Client(base_url=city.address, cookies={"kangshu_session": token[1]}) as client:
        page = client.get("/password")
        assert page.status_code == 200
        assert httpx.get(f"{city.address}/worklist", cookies={"kangshu_session": planted}).status_code == 303
        assert client.post("/sign-out", data={"_token": token_of(page.text)}).status_code == 303
    time.sleep(3.5)  # another worker remembers a token this long
    for _ in range(4):
        left = httpx.get(f"{city.address}/worklist", cookies={"kangshu_session": token[1]})
        assert left.status_code == 303
        assert left.headers["location"].startswith("/sign-in")


def test_sign_in_tells_names_from_nothing_by_nothing(city: Any) -> None:
    """A wrong password and a name that is not there read the same."""
    answers = []
    for name in (
        "leader",
        "nobody-of-this-name",
        "'; drop table account; --",
        "system",
        "x" * 100_000,
        "a\x00b",
    ):
        with httpx.Client(base_url=city.address, timeout=60) as client:
            form = {
                "_token": token_of(client.get("/sign-in").text),
                "name": name,
                "password": "wrong",
                "next": "/",
            }
            answer = client.post("/sign-in", data=form)
            assert answer.status_code in (400, 401), (name[:20], answer.status_code)
            answers.append(re.search(r'class="[^"]*notice[^"]*"[^>]*>(.*?)</', answer.text, re.S))
    assert "账号或密码错误" in answer.text or answers


def test_the_host_header_leads_nowhere(city: Any) -> None:
    for host in ("evil.example", "evil.example:80@x", "[::1]"):
        for path in ("/", "/sign-in", "/worklist", "/pokemon"):
            answer = httpx.get(
                f"{city.address}{path}", headers={"host": host, "x-forwarded-host": "evil.example"}
            )
            assert answer.status_code in (200, 303, 400, 404)
            assert "evil.example" not in answer.headers.get("location", "")
            assert "evil.example" not in answer.text


@attack(24)
def test_every_page_carries_its_guards(city: Any) -> None:
    for path in ("/", "/sign-in", "/pokemon", "/assets/none"):
        headers = httpx.get(f"{city.address}{path}").headers
        policy = headers.get("content-security-policy", "")
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers
    for path in (
        "/assets/../../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/app.py",
        "/assets/..%2f..%2fapp.py",
        "/files/../../etc/passwd",
    ):
        answer = httpx.get(f"{city.address}{path}")
        assert answer.status_code in (303, 404)
        assert "root:" not in answer.text
    assert "no-store" in city.browser("doctor").get("/worklist").headers["cache-control"]


CORPUS = [
    "'", "''", '"', "\\", "';--", "' or '1'='1", "') or 1=1--", "1; drop table resource; --", "name' desc; select pg_sleep(9)--", "1/0", "$1", "%s", "{0}",
    "${jndi:ldap://x}", "' union select password from account--", "*/ or /*", "\x00", "\ud7ff", "%", "_", "name,(select 1)", "-name;", "a.b.c", "..", "中文", "x" * 3000,
]  # fmt: skip


@attack(23)
@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_no_parameter_is_sql(city: Any, text: str) -> None:
    """Attack 23: filters, sorts, dimensions, pages and criteria are values, whatever stands in them."""
    browser, start = city.browser("clerk"), time.monotonic()
    rows = city.sql("select count(*) as n from account")[0]["n"]
    for address, names in (
        ("/registers/residents/residents", ("name", "sort", "district", "cursor", "gender", "birth", "pokemon")),
        ("/registers/residents/residents/export.xlsx", ("name", "sort", "district")),
        ("/measures/nursing-bed-share", ("by", "district")),
        ("/measures/family-doctor-coverage-60/subjects", ("part", "district", "offset", "ownership", "pokemon")),
        ("/measures/nursing-bed-share/export.xlsx", ("by",)),
        ("/worklist", ("box", "code", "kind", "cursor")),
        ("/cases/start", ("subject",)), ("/cases/start/referral/referral", ("subject",)), ("/", ("lang", "size", "said")),
    ):  # fmt: skip
        for name in names:
            answer = browser.get(address, params={name: text})
            assert answer.status_code < 500, (address, name, answer.text[:300])
    client = city.fhir("clerk")
    for name in ("name", "_sort", "_id", "identifier", "birthdate", "gender", "_lastUpdated", "organization.name", "_has:Observation:patient:code",
                 "_include", "_revinclude", "_elements", "_summary", "_total", "_count", "_district", f"name:{text}", text):  # fmt: skip
        answer = client.get("/Patient", params={name: text})
        assert answer.status_code < 500, (name, answer.text[:300])
    for name in ("by", "district", "periodStart"):
        answer = client.get("/Measure/nursing-bed-share/$evaluate-measure", params={name: text})
        assert answer.status_code < 500, (name, answer.text[:300])
        assert not any(
            word in answer.text for word in ("Binder Error", "Parser Error", "SELECT", "parquet")
        ), answer.text[:300]
    for path in (
        f"/registers/{text}/x",
        f"/measures/{text}",
        f"/cases/start/x/{text}",
        f"/plans/{text}",
        f"/residents/{text}",
    ):
        try:
            answer = browser.get(httpx.URL(city.address, raw_path=httpx.URL("http://x" + path).raw_path))
        except (httpx.InvalidURL, UnicodeEncodeError):
            continue
        assert answer.status_code < 500, (path[:80], answer.text[:300])
    assert time.monotonic() - start < 60
    assert city.sql("select count(*) as n from account")[0]["n"] == rows
