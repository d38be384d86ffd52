"""通知接收方式, 外发通知 and 附件预览 as pages."""

from __future__ import annotations

import io
from contextlib import closing

import pypdfium2
import pytest
from PIL import Image

from kangshu.access import system_grant

from .site import Site, token_of

SYSTEM = system_grant("test")


def pdf() -> bytes:
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 100)
    document.new_page(200, 100)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def kept(site: Site, name: str, data: bytes, organisation: str) -> str:
    [record] = site.run(site.platform.attachments.taken(SYSTEM, [(name, data)]))
    record["custodian"] = {"reference": f"Organization/{organisation}"}
    return str(site.run(site.platform.store.update(SYSTEM, record)).stored.id)


def test_without_channels_the_page_says_what_to_do(site: Site) -> None:
    with closing(site.visitor("clerk")) as clerk:
        page = clerk.get("/me/contacts")
        assert page.status_code == 200
        assert "尚未接入短信或政务微信" in page.text
        form = {"_token": token_of(clerk.get("/password").text), "address": "13800000001"}
        assert clerk.post("/me/contacts/sms/bind", data=form).status_code == 404
        assert clerk.get("/admin/deliveries").status_code == 403


def test_the_administrator_sees_what_went_out(site: Site) -> None:
    with closing(site.visitor("admin")) as admin:
        page = admin.get("/admin/deliveries?state=failed")
        assert page.status_code == 200
        assert "没有外发通知" in page.text
        form = {"_token": token_of(admin.get("/password").text)}
        assert admin.post("/admin/deliveries/1/again", data=form).status_code == 404
        assert admin.post("/admin/deliveries/x/again", data=form).status_code == 404


def test_a_file_is_shown_page_by_page_to_those_who_may_read_it(site: Site) -> None:
    clerk_account = site.run(site.platform.accounts.account(SYSTEM, "clerk"))
    id_ = kept(site, "方案.pdf", pdf(), clerk_account.organisation)
    with closing(site.visitor("clerk")) as clerk, closing(site.visitor("resident")) as resident:
        page = clerk.get(f"/files/{id_}/preview?page=2")
        assert page.status_code == 200
        assert "2 / 2" in page.text
        assert "未经安全扫描" in page.text
        picture = clerk.get(f"/files/{id_}/picture?page=2")
        assert picture.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(picture.content)).width == 1000
        for address in ("preview", "picture"):
            assert resident.get(f"/files/{id_}/{address}").status_code == 404


@pytest.mark.parametrize(("name", "data", "said"), [
    ("说明.txt", "第一条 <script>alert(1)</script>".encode(), "&lt;script&gt;"),
    ("坏.pdf", b"%PDF-1.4 nothing", "无法在线预览"),
])  # fmt: skip
def test_text_is_text_and_a_broken_file_says_so(site: Site, name: str, data: bytes, said: str) -> None:
    clerk_account = site.run(site.platform.accounts.account(SYSTEM, "clerk"))
    id_ = kept(site, name, data, clerk_account.organisation)
    with closing(site.visitor("clerk")) as clerk:
        page = clerk.get(f"/files/{id_}/preview")
        assert page.status_code == 200
        assert said in page.text
        assert "<script>alert" not in page.text
        assert clerk.get(f"/files/{id_}/picture").status_code in (404, 422)
        assert clerk.get(f"/files/{id_}").content == data
