"""Several plans in one file, what a plan lists, versions side by side, a higher plan and what carries it out: over HTTP."""

from __future__ import annotations

from contextlib import closing

import pytest

from tests.web.site import Site, token_of

from .conftest import OWN, imported

FIRST = OWN.replace("银龄健康", "长者健康").replace("省工业和信息化厅", "省市场监管厅")
"""Questions of the plan that all files share are answered by others of them; this one is asked here alone."""
SECOND = FIRST.replace("行动方案", "行动方案（2028年修订）").replace("58%", "62%").replace("（二）发展银发经济。到2027年，培育银发经济骨干企业20家。（牵头单位：市康养产业专班；配合单位：省市场监管厅）\n\n", "")  # fmt: skip
HIGHER = """滨海省银龄健康规划

一、任务

（一）推进医养结合。提高医养结合签约覆盖率。（牵头单位：省卫生健康委）

（二）发展海洋康养。开发游艇旅居产品。（牵头单位：省文化和旅游厅）
"""
COLLECTION = "助老方案范文(精选2篇)\n\n" + "\n".join(
    f"助老方案范文(精选2篇){number}\n\n一、总体要求\n\n为做好{theme}工作，结合我市实际，制定本方案，请各单位认真执行并按月报送进展。\n\n二、{theme}\n\n（一）鼓励餐饮企业参与{theme}。（牵头单位：市商务局）\n\n（二）到2027年，建成云湖{theme}产业园{number}个。（牵头单位：市民政局）\n"
    for number, theme in enumerate(("助餐服务", "助浴服务"), 1)
)


def answered(site: Site, path: str, name: str = "plan") -> str:
    with closing(site.visitor(name)) as visitor:
        page = visitor.get(path)
        assert page.status_code == 200, page.text[-1500:]
        return page.text


def sent(site: Site, path: str, form: dict[str, str], page: str) -> tuple[int, str]:
    """Send a form of `page` as the plan office; return the status and where it leads."""
    with closing(site.visitor("plan")) as office:
        token = token_of(office.get(page).text)
        answer = office.post(path, data={"_token": token, **form})
        return answer.status_code, answer.headers.get("location", "")


@pytest.fixture(scope="module")
def own(site: Site) -> str:
    """The id of a plan of our own that nobody else has touched."""
    return imported(site, "云汐长者.txt", FIRST, own=True)


@pytest.fixture(scope="module")
def second(site: Site, own: str) -> str:
    """The id of a new version of our own plan."""
    return imported(site, "云汐修订.txt", SECOND, own=True)


def test_the_plans_of_a_file_are_chosen_named_and_imported(site: Site) -> None:
    with closing(site.visitor("plan")) as office:
        token = token_of(office.get("/plans/import").text)
        answer = office.post(
            "/plans/import", data={"_token": token}, files={"file": ("范文.txt", COLLECTION.encode())}
        )
        page = answer.headers["location"]
        assert page.startswith("/plans/import/document-")
        assert "这份文件中有 2 个规划" in office.get(page).text
        address = page.partition("?")[0]
        none = office.post(address, data={"_token": token, "act": "parts"})
        assert none.status_code == 422
        form = {
            "_token": token,
            "act": "parts",
            "take-1": "true",
            "title-1": "云汐助餐方案",
            "take-2": "true",
            "title-2": "",
        }
        assert office.post(address, data=form).headers["location"].startswith("/plans?")
        listed = office.get("/plans").text
        assert "云汐助餐方案" in listed
        assert "助老方案（之2）：助浴服务" in listed
        assert "已导入" in office.get(page).text
    with closing(site.visitor("civil")) as clerk:
        assert clerk.get(page).status_code in (403, 404)


def test_what_a_plan_lists_leads_back_to_its_words(site: Site) -> None:
    plan = imported(
        site,
        "园区.txt",
        "云汐市园区方案\n\n一、任务\n\n（一）建设云汐湖康养产业园。落实《云汐市养老条例》（云政发〔2025〕8号）。（牵头单位：市发展改革委）\n\n（二）鼓励社会办医。（牵头单位：市卫生健康委；配合单位：市卫生健康委）\n",
        own=False,
    )
    named = answered(site, f"/plans/{plan}/contents")
    assert "云汐湖康养产业园" in named
    cited = answered(site, f"/plans/{plan}/contents?tab=cited")
    assert "云汐市养老条例" in cited
    assert "云政发〔2025〕8号" in cited
    assert "没有量化目标" in answered(site, f"/plans/{plan}/contents?tab=measures")
    assert "同一单位既是牵头又是配合" in answered(site, f"/plans/{plan}/contents?tab=conflicts")
    assert "机构名录中没有的单位" not in answered(site, f"/plans/{plan}/contents?tab=conflicts")
    assert "is-chosen" in answered(site, f"/plans/{plan}/document?clause=place&at=10-20")
    assert answered(site, f"/plans/{plan}/document?clause=place&at=x-9999999")


def test_a_new_version_is_offered_and_compared_side_by_side(site: Site, own: str, second: str) -> None:
    assert f'value="{own}"' in answered(site, f"/plans/{second}/relations")
    assert "省市场监管厅" in answered(site, f"/plans/{own}/contents?tab=conflicts")
    page = answered(site, f"/plans/{second}/compare/{own}")
    assert "58% → 62%" in page
    assert "<ins>62%</ins>" in page
    assert "删去" in page
    status, place = sent(
        site,
        f"/plans/{second}/relations/succeed",
        {"other": own, "carry": "true"},
        f"/plans/{second}/relations",
    )
    assert (status, place.partition("?")[0]) == (303, f"/plans/{second}/compare/{own}")
    assert "后续版本" in answered(site, f"/plans/{own}/relations")
    assert "已关联为新版本" in answered(site, place)
    assert (
        sent(site, f"/plans/{own}/relations/succeed", {"other": second}, f"/plans/{own}/relations")[0] == 422
    )
    assert (
        sent(site, f"/plans/{own}/relations/nothing", {"other": second}, f"/plans/{own}/relations")[0] == 404
    )


def test_a_higher_plan_shows_what_carries_it_out(site: Site, own: str) -> None:
    higher = imported(site, "省规划.txt", HIGHER, own=False)
    page = f"/plans/{own}/higher/{higher}"
    with closing(site.visitor("plan")) as office:
        assert office.get(page).status_code == 404
    assert sent(site, f"/plans/{own}/relations/under", {"other": higher}, f"/plans/{own}/relations")[0] == 303
    shown = answered(site, page)
    assert "推进医养结合" in shown
    assert "建议" in shown
    form = {"higher": "clause-001", "clause": "clause-001", "decision": "confirmed"}
    assert sent(site, page, form, page)[1] == f"{page}#clause-001"
    assert "已有落实条款 1 条" in answered(site, page)
    assert (
        "推进医养结合"
        not in answered(site, f"{page}?show=open").partition("建议之外")[0].partition("<tbody>")[2]
    )
    assert sent(site, page, {**form, "decision": "perhaps"}, page)[0] == 400
    with closing(site.visitor("civil")) as clerk:
        token = token_of(clerk.get(page).text)
        assert clerk.post(page, data={"_token": token, **form}).status_code == 403


@pytest.mark.parametrize("tail", ["contents", "contents?tab=conflicts", "relations"])
def test_the_pages_are_read_in_english(site: Site, own: str, tail: str) -> None:
    with closing(site.visitor("plan")) as office:
        page = office.get(f"/plans/{own}/{tail}{'&' if '?' in tail else '?'}lang=en").text
        assert "What it lists" in page
        office.get("/?lang=zh")
