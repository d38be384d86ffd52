"""The review page by keyboard, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.site import Site

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
