"""A scale filled in on its page: a draft, what is missing, completion, the second signature, paper, withdrawal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from kangshu.access import system_grant
from kangshu.sdk import QuestionnaireDeclaration

from .site import Site, token_of

SYSTEM = system_grant("test")


@pytest.fixture
def scale(site: Site) -> QuestionnaireDeclaration:
    """A scale with scores and a level that one person signs."""
    return next(
        one
        for one in site.platform.questionnaires.declarations
        if one.scores and one.levels and one.result and not one.assessors and one.subject_type == "Patient"
    )


def subject_of(site: Site, organisation: str) -> str:
    """Return a resident whom this centre manages."""
    found = site.run(site.platform.store.search_all(SYSTEM, "Patient", f"organization={organisation}"))
    return f"Patient/{found[0]['id']}"


def answers_of(scale: QuestionnaireDeclaration) -> dict[str, str]:
    """Return an answer to each item that has to have one."""
    return {one.id: one.options[0].code if one.options else "false" for one in scale.items if one.required}


@pytest.fixture
def doctor(site: Site) -> httpx.Client:
    return site.visitor("doctor")


def test_a_scale_from_draft_to_result(
    site: Site, scale: QuestionnaireDeclaration, doctor: httpx.Client
) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    subject = subject_of(site, grant.organisation)
    address = f"/questionnaires/{scale.code}/new"
    page = doctor.get(address, params={"subject": subject})
    assert page.status_code == 200
    answers = answers_of(scale)
    last = list(answers)[-1]
    form = {"_token": token_of(page.text), "_subject": subject, "_day": "2026-01-05", **answers}
    # one item is missing: it is named, and the others stand as they were ticked
    short = {name: value for name, value in form.items() if name != last}
    refused = doctor.post(address, data={**short, "act": "complete"})
    assert refused.status_code == 422
    title = next(one.title.zh for one in scale.items if one.id == last)
    assert f"“{title}”未填" in refused.text
    assert refused.text.count(" checked>") >= len(answers) - 1
    kept = doctor.post(address, data={**short, "act": "draft"})
    draft = kept.headers["location"].partition("?")[0]
    assert draft.endswith("/edit")
    shown = doctor.get(draft)
    version = shown.text.partition('name="_version" value="')[2].partition('"')[0]
    done = doctor.post(draft, data={**form, "_version": version, "act": "complete"})
    assert done.status_code == 303, done.text
    sheet = done.headers["location"].partition("?")[0]
    told = doctor.get(sheet).text
    level = next(one for one in scale.levels if scale.result and one.id == scale.result.level)
    assert any(option.title.zh in told for option in level.options)
    assert "data-scale" not in doctor.get(draft).text  # what is signed is not filled in again
    for kind, start in (("docx", b"PK"), ("pdf", b"%PDF")):
        assert doctor.get(f"{sheet}/print.{kind}").content.startswith(start)
    assert doctor.get(f"{sheet}/print.txt").status_code == 404
    assert doctor.get(f"/questionnaires/{scale.code}/blank.docx").content.startswith(b"PK")
    away = doctor.post(
        f"{sheet}/withdraw", data={"_token": token_of(doctor.get(sheet).text), "reason": "写错"}
    )
    assert away.status_code == 303
    found = site.run(
        site.platform.store.search_all(
            SYSTEM, "Observation", f"derived-from=QuestionnaireResponse/{sheet.rpartition('/')[2]}"
        )
    )
    assert [one["status"] for one in found] == ["entered-in-error"]


def test_two_signatures(site: Site, doctor: httpx.Client) -> None:
    scale = next(one for one in site.platform.questionnaires.declarations if one.assessors)
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    subject = subject_of(site, grant.organisation)
    address = f"/questionnaires/{scale.code}/new"
    page = doctor.get(address, params={"subject": subject})
    form = {"_token": token_of(page.text), "_subject": subject, "_day": "2026-01-05", **answers_of(scale)}
    done = doctor.post(address, data={**form, "act": "complete"})
    sheet = done.headers["location"].partition("?")[0]
    waiting = doctor.get(sheet).text
    assert "还缺 1 名评估人员签名" in waiting
    assert f'action="{sheet}/sign"' not in waiting
    assert doctor.post(f"{sheet}/sign", data={"_token": token_of(waiting)}).status_code == 403
    assert doctor.post(f"{sheet}/none", data={"_token": token_of(waiting)}).status_code == 404


def test_others_see_nothing_of_it(site: Site) -> None:
    sheet = site.run(site.platform.store.search_all(SYSTEM, "QuestionnaireResponse", "status=completed"))[0]
    for name in ("civil", "plan", "statistics"):
        browser = site.visitor(name)
        for address in (f"/responses/{sheet['id']}", f"/responses/{sheet['id']}/print.pdf"):
            assert browser.get(address).status_code in (403, 404)


def test_what_a_form_measures_stands_in_the_health_record(site: Site, doctor: httpx.Client) -> None:
    forms = (one for one in site.platform.questionnaires.declarations if one.observations)
    form = next(one for one in forms if any(item.id == "systolic_left" for item in one.items))
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    subject = subject_of(site, grant.organisation)
    figures = {"height": "160", "weight": "64", "systolic_left": "152", "diastolic_left": "94"}
    answers: dict[str, Any] = {}
    for one in form.items:
        if one.required:
            number = "正常" if one.least is None else str(one.least)
            answers[one.id] = one.options[0].code if one.options else number
    answers |= figures
    address = f"/questionnaires/{form.code}/new"
    token = token_of(doctor.get(address, params={"subject": subject}).text)
    sent = {"_token": token, "_subject": subject, "_day": "2026-02-03", "act": "complete", **answers}
    done = doctor.post(address, data=sent)
    assert done.status_code == 303, done.text
    sheet = done.headers["location"].partition("?")[0]
    made = f"derived-from=QuestionnaireResponse/{sheet.rpartition('/')[2]}"
    found = site.run(site.platform.store.search_all(SYSTEM, "Observation", made))
    by_code = {coding["code"]: one for one in found for coding in one["code"]["coding"]}
    pressure = by_code["85354-9"]
    parts = {one["code"]["coding"][0]["code"]: one["valueQuantity"] for one in pressure["component"]}
    assert {code: (float(one["value"]), one["code"]) for code, one in parts.items()} == {
        "8480-6": (152.0, "mm[Hg]"),
        "8462-4": (94.0, "mm[Hg]"),
    }
    assert float(by_code["39156-5"]["valueQuantity"]["value"]) == 25.0
    assert {one["status"] for one in found} == {"final"}
    assert {one["effectiveDateTime"] for one in found} == {"2026-02-03"}
    # what was not measured says nothing
    assert "4548-4" not in by_code
    # withdrawn, none of it counts any longer
    token = token_of(doctor.get(sheet).text)
    assert doctor.post(f"{sheet}/withdraw", data={"_token": token, "reason": "填错人"}).status_code == 303
    after = site.run(site.platform.store.search_all(SYSTEM, "Observation", made))
    assert {one["status"] for one in after} == {"entered-in-error"}
