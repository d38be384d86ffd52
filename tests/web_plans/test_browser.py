"""The review page by keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site

from .conftest import imported

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture
def desk(site: Site) -> Iterator[sync_api.Page]:
    """The plan office at a browser."""
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(15_000)
        page.goto(site.address + "/sign-in")
        page.fill("#name", "plan")
        page.fill("#password", site.passwords["plan"])
        page.click("button:has-text('登录')")
        page.wait_for_selector("main.main h1")
        yield page
        browser.close()


def test_questions_are_answered_without_a_mouse(desk: sync_api.Page, site: Site, own: str) -> None:
    desk.goto(f"{site.address}/plans/{own}/review?queue=baselines")
    waiting = desk.locator(".questions > li:not(.is-done)").count()
    assert waiting > 0
    assert desk.locator(".keys").first.is_visible()
    desk.keyboard.press("j")
    assert desk.evaluate("document.activeElement.dataset.question") == ""
    desk.keyboard.press("e")
    desk.keyboard.type("12")
    first = ".questions > li:first-child"
    desk.fill(f"{first} input[name=day]", "2025-12-31")  # how a day is typed is the browser's
    desk.focus(f"{first} input[name=source]")
    desk.keyboard.type("统计公报")
    desk.keyboard.press("Escape")
    desk.keyboard.press("1")
    desk.wait_for_selector(".notice.is-green")
    assert "已保存" in desk.inner_text("main")
    assert desk.locator(".questions > li:not(.is-done)").count() == waiting - 1
    if waiting > 1:
        assert desk.evaluate("document.activeElement.id") == "next"


def test_the_pages_fit_a_phone(desk: sync_api.Page, site: Site, own: str, foreign: str) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    pages = (
        f"/plans/{own}/review",
        f"/plans/{own}/review?queue=units",
        f"/plans/{foreign}",
        "/reports",
        f"/plans/{own}",
    )
    for page in pages:
        desk.goto(site.address + page)
        assert desk.evaluate("document.documentElement.scrollWidth") <= 390, page


DESK = """云汐市社区康养提升方案

一、重点任务

（一）建设康养社区。到2028年，建设康养社区30个。改造社区食堂，每个给予补助2万元。（牵头单位：市民政局；配合单位：市财政局）

（二）完善康养设施。组织社会力量参与，开办社区护理站。（牵头单位：市民政局）

（三）培养康养人才。到2028年，培训护理员900人次。（牵头单位：市人力资源社会保障局）
"""


def _caret(page: sync_api.Page, words: str, length: int = 0) -> None:
    """Put the cursor before `words` of the document, or select as many characters from there."""
    page.evaluate(
        """([words, length]) => {
          const walker = document.createTreeWalker(document.querySelector(".paper"), NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf(words);
            if (at < 0) continue;
            getSelection().setBaseAndExtent(node, at, node, at + length);
            return;
          }
          throw new Error(`no ${words}`);
        }""",
        [words, length],
    )


def _chosen(page: sync_api.Page) -> str:
    return str(page.evaluate("document.querySelector('[data-item][aria-current]')?.dataset.item ?? ''"))


def _clauses(page: sync_api.Page) -> int:
    return page.locator("[data-item^=clause-]").count()


def test_the_desk_is_worked_by_keyboard(desk: sync_api.Page, site: Site) -> None:
    plan = imported(site, "提升.txt", DESK, own=True)
    desk.goto(f"{site.address}/plans/{plan}/review")
    first = _chosen(desk)
    assert desk.locator(".paper mark.is-chosen").count() > 0
    desk.keyboard.press("a")  # accept, and on to the next one
    desk.wait_for_selector(f"[data-item='{first}'].is-done")
    assert _chosen(desk) != first
    assert "已确认 1 项" in desk.inner_text("[data-progress]")
    second = _chosen(desk)
    desk.keyboard.press("j")
    desk.keyboard.press("k")
    assert _chosen(desk) == second
    desk.click("[data-item='clause-001'] .sub >> nth=0")
    assert _chosen(desk) == "clause-001"
    assert "建设康养社区" in desk.inner_text(".paper mark.is-chosen >> nth=0")

    clauses = _clauses(desk)
    _caret(desk, "改造社区食堂")
    desk.keyboard.press("s")  # split at the cursor
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses + 1)
    assert _chosen(desk) == "clause-001"
    desk.keyboard.press("m")  # and merge again
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses)
    desk.keyboard.press("u")  # undone: two clauses
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses + 1)
    desk.keyboard.press("u")
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses)

    _caret(desk, "开办社区护理站", 7)
    desk.keyboard.press("n")  # the selected words as a clause of their own
    desk.wait_for_selector("[data-panel] textarea[name=text]")
    assert desk.input_value("[data-panel] [data-form=clause] textarea[name=text]") == "开办社区护理站"
    desk.fill("[data-panel] [data-form=clause] textarea[name=lead]", "市民政局")
    desk.click("[data-panel] [data-form=clause] button[type=submit]")
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses + 1)
    added = _chosen(desk)
    assert "开办社区护理站" in desk.inner_text(f"[data-item='{added}']")
    assert desk.inner_text(".paper mark.is-chosen >> nth=0") == "开办社区护理站"

    desk.keyboard.press("e")  # correct it
    desk.wait_for_selector("[data-panel] textarea[name=cooperating]")
    desk.fill("[data-panel] textarea[name=cooperating]", "市财政局")
    desk.click("[data-panel] [data-form=correct] button[type=submit]")
    desk.wait_for_selector(f"[data-item='{added}']:has-text('市财政局')")
    desk.keyboard.press("x")  # no finding after all
    sync_api.expect(desk.locator("[data-item^=clause-]")).to_have_count(clauses)
    desk.keyboard.press("?")
    assert desk.locator("dialog[open]").is_visible()


def test_a_long_document_stays_quick_to_work_on(desk: sync_api.Page, site: Site) -> None:
    """400 clauses, 100,000 characters: the page stays under a megabyte, its script walks each mark once."""
    filler = (
        "围绕居民健康需求，统筹资源，健全机制，压实责任，加强指导和跟踪问效，推动各项服务延伸到社区和家庭。"
        * 4
    )
    names = [f"第{number}项康养服务" for number in range(1, 401)]
    tasks = "".join(
        f"{at}. 做好{name}。{filler}（牵头单位：市民政局）\n\n" for at, name in enumerate(names, 1)
    )
    plan = imported(site, "长文.txt", f"云汐市长文康养方案\n\n一、重点任务\n\n{tasks}", own=True)
    answer = desk.goto(f"{site.address}/plans/{plan}/review")
    assert answer is not None
    assert len(answer.body()) < 1_000_000
    assert desk.locator("[data-item]").count() >= 400
    desk.click("[data-item] >> nth=200")
    before = _chosen(desk)
    desk.keyboard.press("a")
    desk.wait_for_selector(f"[data-item='{before}'].is-done")
    assert _chosen(desk) != before
