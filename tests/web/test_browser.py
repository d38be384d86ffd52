"""Journeys in a real browser: what an office worker does in the first five minutes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from .site import Site

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    """Chromium without a window."""
    if not CHROMIUM.exists():
        pytest.skip("no chromium at /usr/bin/chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


class Desk:
    """One person at one browser. Console errors and requests to outside fail the journey."""

    def __init__(self, browser: sync_api.Browser, site: Site, name: str, width: int = 1440) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900})
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.errors: list[str] = []
        self.page.on(
            "console", lambda message: self.errors.append(message.text) if message.type == "error" else None
        )
        self.page.on(
            "request",
            lambda request: None if request.url.startswith(site.address) else self.errors.append(request.url),
        )
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.site = site
        self.open("/sign-in")
        self.page.fill("#name", name)
        self.page.fill("#password", site.passwords[name])
        self.page.click("button:has-text('登录')")
        self.page.wait_for_selector("main.main h1")

    def open(self, address: str) -> None:
        """Go to a page of ours."""
        self.page.goto(self.site.address + address)

    def close(self) -> None:
        """End the day; nothing may have gone wrong on the way."""
        assert self.errors == []
        self.context.close()


def test_from_a_target_to_its_number_its_residents_and_its_clause(
    browser: sync_api.Browser, site: Site
) -> None:
    desk = Desk(browser, site, "clerk")
    page = desk.page
    page.click("nav >> text=规划与挂图作战")
    page.wait_for_selector("h1:has-text('规划与挂图作战')")
    page.click("tbody th a")
    page.wait_for_selector(".target-card")
    board = page.url
    page.click(".target-card h3 a:has-text('65岁')")
    page.wait_for_selector("svg.chart")
    value = page.locator(".figure-value").first.inner_text()
    assert re.match(r"\d", value)
    page.click("text=在文件中查看")
    page.wait_for_selector("mark.is-chosen")
    other = page.locator("[data-finding-link]").nth(3)
    other.click()
    chosen = other.get_attribute("data-finding-link") or ""
    lit = page.locator("mark.is-chosen").first
    assert chosen in (lit.get_attribute("data-findings") or "").split()
    page.goto(board)
    page.click(".target-card h3 a:has-text('65岁')")
    page.click("text=看构成记录")
    page.click("a.tab:has-text('分子')")
    page.wait_for_selector("a.tab[aria-current]:has-text('分子')")
    page.click("tbody th a")
    page.wait_for_selector(".timeline li")
    assert "/residents/" in page.url
    desk.close()


def test_a_referral_up_with_its_countdown(browser: sync_api.Browser, site: Site) -> None:
    doctor = Desk(browser, site, "doctor")
    doctor.open("/registers/residents/residents")
    doctor.page.click("tbody td a")
    doctor.page.click(".page-head a:has-text('双向转诊')")
    page = doctor.page
    page.select_option("#f-direction", "up")
    hospitals = page.locator("#f-receiver option", has_text="云汐市第一人民医院")
    page.select_option("#f-receiver", hospitals.first.get_attribute("value"))
    page.select_option("#f-urgency", "urgent")
    page.check("input[name=indication][value=acute]")
    page.select_option("#f-criterion", "admit-emergency")
    page.fill("#f-diagnosis", "不稳定型心绞痛")
    page.fill("#f-summary", "反复胸痛三日")
    page.check("#f-consent")
    page.click("form.form button:has-text('发起')")
    page.wait_for_selector(".steps")
    page.click("details.move[open] button:has-text('发送')")
    page.wait_for_selector(".steps .is-now:has-text('待接收')")
    case = page.url.partition("?")[0]
    doctor.close()
    hospital = Desk(browser, site, "hospital")
    hospital.page.click(f"a[href='{case.removeprefix(site.address)}']:has-text('不稳定型心绞痛')")
    hospital.page.wait_for_selector(".steps")
    assert hospital.page.url.partition("?")[0] == case
    assert "剩余" in hospital.page.locator("[data-countdown]").first.inner_text()
    hospital.page.fill("details.move[open] input[type=text] >> nth=0", "心内科")
    hospital.page.click("details.move[open] button:has-text('接收')")
    hospital.page.wait_for_selector(".steps .is-now:has-text('已接收')")
    hospital.close()


def test_every_first_screen_fits_a_phone_and_the_keyboard(browser: sync_api.Browser, site: Site) -> None:
    for name in ("leader", "clerk", "doctor", "elder", "resident", "admin"):
        desk = Desk(browser, site, name, width=390)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390, name
        desk.page.click("[data-menu-button]")
        assert desk.page.locator("#menu").is_visible()
        desk.page.keyboard.press("Escape")
        assert not desk.page.locator("#menu").is_visible()
        desk.open("/")
        desk.page.keyboard.press("Tab")
        assert desk.page.evaluate("document.activeElement.className") == "skip"
        desk.close()


def test_a_list_filters_as_one_types(browser: sync_api.Browser, site: Site) -> None:
    desk = Desk(browser, site, "admin")
    desk.open("/admin/accounts")
    desk.page.fill("[data-filter]", "doctor")
    assert desk.page.locator("tbody tr:visible").count() == 1
    desk.close()


def test_pages_work_without_script(browser: sync_api.Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{site.address}/sign-in")
    page.fill("#name", "leader")
    page.fill("#password", site.passwords["leader"])
    page.click("button:has-text('登录')")
    page.click("nav >> text=指标监测")
    page.wait_for_selector("h1:has-text('指标监测')")
    page.click("tbody th a")
    assert page.locator("h1").inner_text()
    context.close()


def test_a_resident_is_found_as_one_types(browser: sync_api.Browser, site: Site) -> None:
    grant = site.run(site.platform.accounts.open_grant("doctor"))
    person = site.run(site.platform.store.search_all(grant, "Patient", ""))[0]
    desk = Desk(browser, site, "doctor")
    desk.open("/cases/start/referral/referral")
    page = desk.page
    page.locator("#f-_subject").press_sequentially(person["identifier"][0]["value"], delay=5)
    page.wait_for_selector(f".finder-list [data-value='Patient/{person['id']}']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("input[type=hidden][name=_subject]").input_value() == f"Patient/{person['id']}"
    assert page.locator("#f-_subject").input_value() == person["name"][0]["text"]
    page.locator("#f-_subject").press_sequentially("x")
    assert page.locator("input[type=hidden][name=_subject]").count() == 0, (
        "what is typed anew is not yet chosen"
    )
    desk.close()


def test_days_are_tidied_and_rows_are_counted(browser: sync_api.Browser, site: Site) -> None:
    desk = Desk(browser, site, "clerk")
    desk.open("/registers/residents/residents")
    page = desk.page
    day = page.locator("#q-birth_date")
    for typed in ("1950/3/1", "19500301", "1950年3月1日"):
        day.fill(typed)
        day.blur()
        assert day.input_value() == "1950-03-01"
    export = page.locator("button[data-needs-chosen]:not([formaction])")
    assert export.is_disabled()
    page.check("#tick-all")
    assert "20" in page.locator("[data-chosen-count]").inner_text()
    page.locator("[data-tick]").first.uncheck()
    export.click()
    page.wait_for_selector("h1:has-text('导出所选')")
    assert page.locator("tbody tr").count() == 19
    desk.close()


def test_no_page_is_wider_than_a_phone(browser: sync_api.Browser, site: Site) -> None:
    desk = Desk(browser, site, "clerk", width=390)
    plan = site.run(site.platform.plans.plans(site.run(site.platform.accounts.open_grant("clerk"))))[0].id
    for address in (
        "/registers/residents/residents", "/registers/medical_elder/agreements", "/worklist?box=all", f"/plans/{plan}",
        "/measures", "/measures/nursing-bed-share", "/cockpit", "/analysis?m=nursing-bed-share&by=town", "/find/resident?text=王", "/notices",
    ):  # fmt: skip
        desk.open(address)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= 390, address
    desk.close()


def test_folded_parts_open_when_a_link_leads_there(browser: sync_api.Browser, site: Site) -> None:
    desk = Desk(browser, site, "clerk")
    plan = site.run(site.platform.plans.plans(site.run(site.platform.accounts.open_grant("clerk"))))[0].id
    desk.open(f"/plans/{plan}")
    assert not desk.page.locator("#clauses").is_visible()
    desk.page.click("a.tab[href='#duties']")
    desk.page.wait_for_selector("#clauses", state="visible")
    desk.open(f"/plans/{plan}#unknown")
    desk.page.wait_for_selector("#unknown", state="visible")
    desk.close()


def test_a_leader_goes_from_the_wall_to_a_town_a_table_and_a_warning(
    browser: sync_api.Browser, site: Site
) -> None:
    desk = Desk(browser, site, "leader")
    page = desk.page
    page.click("nav >> text=驾驶舱")
    assert re.search(r"数据截至 \d{4}-\d\d-\d\d", page.locator(".wall-when").inner_text())
    off = page.locator("a.tile.is-red, a.tile.is-amber").first
    title = off.locator(".tile-title").inner_text()
    off.click()
    page.wait_for_selector(f"h1:has-text('{title}')")
    for digits in (6, 9):  # from the city to a district, and from there to a town
        page.locator(".is-ranking tbody th a").first.click()
        page.wait_for_url(re.compile(rf"district=\d{{{digits}}}$"))
    page.goto(page.url.partition("?")[0])
    page.click("a.tab:has-text('机构比较')")
    page.wait_for_selector("main table tbody tr, main .empty")  # or why they are not told apart
    page.click("nav >> text=自助分析")
    page.fill("#add", title)
    page.click("button:has-text('添加')")
    page.select_option("#by", "town")
    page.select_option("#period", "quarters")
    page.click("button:has-text('出表和图')")
    page.wait_for_selector(".analysis-chart svg")
    assert page.locator(".analysis-table thead th").count() == 1 + 8
    with page.expect_download() as waiting:
        page.click("a:has-text('导出 Excel')")
    book = openpyxl.load_workbook(BytesIO(Path(waiting.value.path()).read_bytes()))
    assert title in str(book.worksheets[0]["A1"].value)
    page.click("nav >> text=预警中心")
    page.locator(".work tbody th a").first.click()
    page.wait_for_selector("h2:has-text('谁办了什么')")
    assert page.locator(
        "section:has(h2:text-is('告知了谁')) tbody tr, section:has(h2:text-is('告知了谁')) p"
    ).count()
    assert page.locator(".timeline li time").first.inner_text()
    desk.close()
