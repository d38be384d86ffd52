"""What the referral form proposes and draws: the alliance's hospital first, the resident's own records ticked, nobody else's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.sdk import Resource
from tests.demo_city import DemoCities
from tests.web.conftest import serving
from tests.web.site import Site, token_of

SYSTEM = system_grant("tests")
FORM = "/cases/start/referral/referral"
_PROPOSED = re.compile(r'<li data-propose="(Organization/[^"]+)".*?<span class="sub">(.*?)</span>', re.DOTALL)
_TICKED = re.compile(r'<input type="checkbox" name="(\w+)" value="([A-Z]\w+/[^"]+)" checked>')


@pytest.fixture(scope="module")
def site(demo_cities: DemoCities) -> Iterator[Site]:
    """A served city of its own."""
    with serving(demo_cities, "referral") as made:
        yield made


@pytest.fixture(scope="module")
def doctor(site: Site) -> Iterator[httpx.Client]:
    """A family doctor's browser."""
    with closing(site.visitor("doctor")) as client:
        yield client


def _found(site: Site, kind: str, criteria: str) -> list[Resource]:
    return list(site.run(site.platform.store.search_all(SYSTEM, kind, criteria)))


def _own_resident(site: Site) -> str:
    """Return a resident of the doctor's centre who has a diagnosis."""
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    own = {
        f"Patient/{one['id']}"
        for one in _found(site, "Patient", f"organization=Organization/{grant.organisation}")
    }
    diagnosed = _found(site, "Condition", "clinical-status=active&_count=1000")
    return next(str(one["subject"]["reference"]) for one in diagnosed if one["subject"]["reference"] in own)


def test_the_alliance_is_proposed_first_with_its_reasons(site: Site, doctor: httpx.Client) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    page = doctor.get(FORM).text
    proposed = _PROPOSED.findall(page)
    assert proposed, "nothing is proposed"
    partners = {
        one["organization"]["reference"]
        for one in _found(
            site,
            "OrganizationAffiliation",
            f"participating-organization=Organization/{grant.organisation}",
        )
    }
    assert not partners or proposed[0][0] in partners
    assert ("同一医联体" in proposed[0][1]) == bool(partners)
    options = re.findall(r'<option value="(Organization/[^"]+)"', page.partition('name="receiver"')[2])
    assert options[: len(proposed)] == [one for one, _ in proposed], "what is proposed stands first to choose"
    rows = site.run(site.platform.store.audit_rows(SYSTEM, count=200))
    assert any(row.action == "suggest" for _, row in rows), "the audit knows what was proposed to whom"


def test_a_resident_s_own_records_are_drawn_and_may_be_left_out(site: Site, doctor: httpx.Client) -> None:
    subject = _own_resident(site)
    assert not _TICKED.findall(doctor.get(FORM).text), "nothing is drawn before it is said of whom"

    ticked = _TICKED.findall(doctor.get(f"{FORM}?subject={subject}").text)
    assert "conditions" in {name for name, _ in ticked}
    for _, reference in ticked:
        kind, _, id_ = reference.partition("/")
        record = site.run(site.platform.store.read(SYSTEM, kind, id_)).resource
        assert record["subject"]["reference"] == subject

    drawn = doctor.post(
        FORM, data={"_token": token_of(doctor.get(FORM).text), "_subject": subject, "_draw": "1"}
    )
    assert drawn.status_code == 200
    assert _TICKED.findall(drawn.text) == ticked, "with the button as with the address"

    # one of several is unticked; what was ticked stays so when the form comes back for something else
    kept = [reference for name, reference in ticked if name == "conditions"][:1]
    form = {"_token": token_of(drawn.text), "_subject": subject, "conditions": kept}
    refused = doctor.post(FORM, data=form)
    assert refused.status_code == 422
    assert _TICKED.findall(refused.text) == [("conditions", kept[0])]


def test_a_stranger_s_records_are_not_drawn(site: Site, doctor: httpx.Client) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    seen = {one["id"] for one in site.run(site.platform.store.search_all(grant, "Patient", "_count=1000"))}
    stranger = next(
        one["subject"]["reference"]
        for one in _found(site, "Condition", "clinical-status=active&_count=1000")
        if one["subject"]["reference"].removeprefix("Patient/") not in seen
    )
    assert not _TICKED.findall(doctor.get(f"{FORM}?subject={stranger}").text)
