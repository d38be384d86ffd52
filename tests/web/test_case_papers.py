"""Documents, citations and draws on the pages of the demo city, and what a proposer and an expert see there."""

from __future__ import annotations

import io
from contextlib import closing

import docx
import pytest

from kangshu.access import system_grant
from kangshu.cases import outputs, state_of
from kangshu.sdk import Resource

from .site import Site

SYSTEM = system_grant("tests")


def _cases(site: Site, kind: str) -> list[Resource]:
    return site.run(site.platform.store.search_all(SYSTEM, "Task", f"code={kind}"))


def _in_state(site: Site, kind: str, *states: str) -> Resource:
    return next(one for one in _cases(site, kind) if state_of(one) in states)


def test_a_signed_reply_is_on_its_page_and_is_a_word_document(site: Site) -> None:
    reply = next(one for one in _cases(site, "proposals/reply") if state_of(one) == "signed")
    with closing(site.visitor("plan")) as client:
        page = client.get(f"/cases/{reply['id']}")
        assert page.status_code == 200
        assert "公文与依据" in page.text
        assert "签发时引用的任务和指标" in page.text
        assert "已签发" in page.text
        file = client.get(f"/files/{outputs(reply)['reply'].removeprefix('DocumentReference/')}")
        assert file.status_code == 200
        texts = [one.text for one in docx.Document(io.BytesIO(file.content)).paragraphs]
        assert any("〔" in one and one.endswith("号") for one in texts)
        assert "二、关于经费保障" in texts


def test_what_may_be_cited_is_found_and_kept(site: Site) -> None:
    reply = next(one for one in _cases(site, "proposals/reply") if state_of(one) in ("asking", "preparing"))
    with closing(site.visitor("clerk")) as client:
        page = client.get(f"/cases/{reply['id']}/citations", params={"text": "签约"})
        assert page.status_code == 200
        assert "签约" in page.text
        draft = client.get(f"/cases/{reply['id']}/papers/reply.docx")
        assert draft.status_code == 200
        assert docx.Document(io.BytesIO(draft.content)).sections[0].different_first_page_header_footer


def test_a_draw_is_shown_with_its_proof(site: Site) -> None:
    review = _in_state(site, "experts/review", "experts-drawn", "concluded", "used")
    with closing(site.visitor("plan")) as client:
        page = client.get(f"/cases/{review['id']}/draws").text
        assert "核验通过" in page
        assert "备选第 1 位" in page
        assert "专业领域不符" in page


@pytest.mark.parametrize("path", ["", "/citations", "/draws", "/papers/reply.docx"])
@pytest.mark.parametrize("name", ["proposer", "expert"])
def test_outsiders_open_no_case_of_the_offices(site: Site, name: str, path: str) -> None:
    hidden = [_cases(site, "proposals/reply")[0], _cases(site, "experts/review")[0]]
    with closing(site.visitor(name)) as client:
        for one in hidden:
            assert client.get(f"/cases/{one['id']}{path}").status_code == 404


def test_a_proposer_sees_the_own_proposals_alone(site: Site) -> None:
    with closing(site.visitor("proposer")) as client:
        answers = {
            str(one["requester"]["reference"]): client.get(f"/cases/{one['id']}").status_code
            for one in _cases(site, "proposals/proposal")
        }
    assert answers.pop("Organization/proposer-tan") == 200
    assert len(answers) == 2
    assert set(answers.values()) == {404}


def test_an_expert_finds_the_own_invitation(site: Site) -> None:
    lecture = _in_state(site, "experts/lecture", "invited")
    with closing(site.visitor("expert")) as client:
        assert lecture["description"] in client.get("/worklist").text
        assert client.get(f"/cases/{lecture['id']}").status_code == 200


def test_a_duty_is_put_to_the_conference(site: Site) -> None:
    duty = _in_state(site, "supervision/duty", "assigned", "in-progress", "accepted")
    with closing(site.visitor("plan")) as client:
        address = f"/cases/start/conference/issue?about=Task/{duty['id']}"
        assert f'href="{address}"' in client.get(f"/cases/{duty['id']}").text
        form = client.get(address)
        assert form.status_code == 200
        assert f'name="_about" value="Task/{duty["id"]}"' in form.text
        assert client.get("/cases/start/conference/issue?about=Task/never-there").status_code == 404
