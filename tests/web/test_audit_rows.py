"""Every page that answers leaves a row in the audit of the visitor's. New pages are found by themselves."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.api import AuditQuery
from kangshu.web import PAGES, Page

from .site import Site, token_of
from .test_pages import ROLES, address_of, places_of

SYSTEM = system_grant("test")
SILENT = {
    "GET /sign-in": "nobody has signed in yet",
    "POST /sign-in": "nobody has signed in yet; the attempt itself has its row, see accounts",
    "GET /sign-in/code": "nobody has signed in yet",
    "POST /sign-in/code": "nobody has signed in yet; the attempt itself has its row, see accounts",
    "GET /sign-in/with/{kind}": "leads to the provider; nobody has signed in yet",
    "GET /sign-in/back/{kind}": "nobody has signed in yet; what comes of it has its row, see accounts",
    "POST /sign-in/accept": "nobody has signed in yet; what comes of it has its row, see accounts",
    "GET /bookings/publish": "a form; the departments that it offers are the city's directory, and publishing has its rows",
    "GET /public": "published for everybody and read by nobody known; publishing and withdrawing have their rows",
    "GET /public/plans/{plan}": "as /public",
    "GET /public/plans/{plan}/{number}": "as /public",
    "GET /public/plans/{plan}/{number}/data/{form}": "as /public",
    "GET /public/notices": "a public notice: published for everybody by its case, read by nobody known",
    "GET /public/notices/{id}": "as /public/notices",
    "GET /public/notices/{id}/object": "an empty form",
    "POST /public/notices/{id}/object": "nobody has signed in; what is taken in starts a case, with its row",
    "GET /robots.txt": "says what may be searched, no records",
    "GET /exchanges": "to whom only sheets that start cases are open, it shows their titles; what waits to be sent is searched, with rows",
    "GET /registers": "the titles of registers, no record of them",
    "GET /password": "the form alone: it shows nothing of anybody",
    "GET /me/second-factor": "a form of the account itself; setting it up has its row",
    "POST /me/second-factor": "an empty form is shown again; setting it up has its row",
    "POST /me/second-factor/confirm": "a wrong code is asked for again; setting it up has its row",
    "POST /notices": "no notice was shown, so none is marked",
    "GET /worklist/batch": "nothing is chosen, nothing is shown",
    "POST /worklist/batch": "nothing is chosen, nothing is done",
    "GET /cases/start": "the kinds of cases that this account may start: declarations, no records",
    "GET /cases/start/{service}/{case}": "an empty form: declarations, no records",
    "GET /questionnaires/{service}/{questionnaire}/new": "an empty form: declarations, no records",
    "GET /questionnaires/{service}/{questionnaire}/blank.{form}": "an empty paper form: declarations, no records",
    "GET /registers/{service}/{register}/import": "an empty form: declarations, no records",
    "GET /registers/{service}/{register}/template.xlsx": "an empty workbook: declarations, no records",
    "GET /registers/{service}/{register}/new": "an empty form: declarations, no records",
    "GET /registers/{service}/{register}/chosen": "nothing is chosen, nothing is shown",
    "GET /registers/{service}/{register}/batch": "nothing is chosen, nothing is shown",
    "POST /registers/{service}/{register}/batch": "nothing is chosen, nothing is done",
    "GET /plans/import": "an empty form",
    "GET /find/{kind}": "asks nothing before two signs are typed; what is then asked has its row",
    "POST /find/{kind}": "an empty text asks nothing; what is asked has its row",
    "GET /admin/import": "a table of contents",
    "GET /admin/import/{act}": "an empty form",
    "GET /admin/import/{act}/template.xlsx": "an empty workbook",
    "GET /admin/policy": "the policy itself: roles and rules, no records",
    "GET /admin/roles": "the policy, which is public within the product",
    "GET /admin/services": "what is installed: declarations, no records",
    "GET /admin/parameters": "dated parameters: public figures",
    "GET /admin/parameters/{id}": "dated parameters: public figures",
    "GET /lists": "how many rows each list has; opening a list has its row",
    "GET /lists/{service}/{list}/start": "nothing is chosen, nothing is shown",
    "POST /lists/{service}/{list}/start": "nothing is chosen, nothing is done",
    "GET /cockpit/arrange": "names of measures and their places on the wall: declarations, no number",
    "GET /measures": "names of measures; each number computed has its row",
    "GET /warnings/rules": "rules and their figures: declarations, no records",
    "GET /reports": "names of reports; each report made has its row",
}
"""Pages that may answer without a row, and why. A page stands here only while it shows no record of anybody."""

Told = tuple[str, str, str]


def last(site: Site) -> int:
    rows = site.run(site.platform.store.audit_rows(SYSTEM, count=1))
    return rows[0][0] if rows else 0


def told_since(site: Site, name: str, position: int) -> set[Told]:
    """Return action, type and query of the rows of `name` above `position`."""
    rows = site.run(site.platform.store.audit_rows(SYSTEM, AuditQuery(account=name), count=500))
    return {(row.action, row.type, row.detail) for at, row in rows if at > position}


@pytest.fixture(scope="module")
def site(own_site: Site) -> Site:
    """A city of this module's own: every form is sent, so accounts and records change."""
    return own_site


@pytest.fixture(scope="module")
def places(site: Site) -> dict[str, str]:
    return places_of(site)


@pytest.fixture(scope="module")
def visitors(site: Site) -> Iterator[dict[str, tuple[httpx.Client, set[Told]]]]:
    """One signed-in browser a role, and what the frame of every page asks: that is not what a page shows."""
    made: dict[str, tuple[httpx.Client, set[Told]]] = {}
    for name in ROLES:
        client, before = site.visitor(name), last(site)
        for address in ("/password", "/password?said=saved"):
            client.get(address)
        made[name] = client, told_since(site, name, before)
    yield made
    for client, _ in made.values():
        client.close()


def answered(client: httpx.Client, page: Page, address: str) -> bool:
    if page.methods == ("GET",):
        return client.get(address).status_code == 200
    token = token_of(client.get("/password").text)
    return client.post(address, data={"_token": token}).status_code < 400


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.methods[0]} {page.path}")
def test_a_page_that_answers_leaves_a_row(
    site: Site,
    places: dict[str, str],
    visitors: dict[str, tuple[httpx.Client, set[Told]]],
    page: Page,
) -> None:
    name_of_page = f"{page.methods[0]} {page.path}"
    if page.open:
        assert name_of_page in SILENT
        return
    if name_of_page in SILENT:
        return
    address = address_of(page, places)
    tried = 0
    for name in ROLES:
        grant = site.run(site.platform.accounts.open_grant(name))
        if page.operations and not any(grant.may(one) for one in page.operations):
            continue
        client, frame = visitors[name]
        if client.get("/password").status_code != 200:  # a page before has ended every session
            client = site.visitor(name)
            visitors[name] = client, frame
        before = last(site)
        if not answered(client, page, address):
            continue
        tried += 1
        if told_since(site, name, before) - frame:
            return
    if tried:
        pytest.fail(f"{name_of_page} answered {tried} times and left no row")
