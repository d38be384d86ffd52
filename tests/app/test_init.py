"""`kangshu init`: an empty city whose administrator can sign in, and nothing to edit by hand."""

from __future__ import annotations

import http.cookiejar
import re
import urllib.parse
import urllib.request
from pathlib import Path

from kangshu.accounts import sample_code

from .conftest import Start
from .product import kangshu, one_line


class _Browser:
    """Follows forms as a browser would."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        self.page = ""
        self.url = ""

    def go(self, path: str, **fields: str) -> str:
        """Open `path`, or send the form of the present page there; return the page."""
        data = None
        if fields:
            token = re.search(r'name="_token" value="([^"]+)"', self.page)
            assert token is not None
            data = urllib.parse.urlencode(fields | {"_token": token[1]}).encode()
        request = urllib.request.Request(self.address + path, data, {"Origin": self.address})
        with self._opener.open(request, timeout=60) as answer:
            self.page, self.url = answer.read().decode("utf-8"), answer.geturl()
        return self.page


def test_an_empty_city_is_made_and_its_administrator_signs_in(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    made = kangshu("init", "--data-dir", folder)
    assert made.returncode == 0, made.stderr
    passwords = dict(line.split("\t") for line in made.stdout.splitlines() if "\t" in line)
    assert set(passwords) == {"admin", "security", "audit"}
    named = kangshu(
        "init", "--city", "某市", "--jurisdiction", "990200", "--data-dir", folder, "--lang", "zh"
    )
    assert named.returncode == 0, named.stderr
    assert "\t" not in named.stdout  # the accounts stay as they are
    one_line(
        kangshu("init", "--city", "他市", "--jurisdiction", "990300", "--data-dir", folder), "某市 already"
    )
    one_line(
        kangshu("init", "--city", "他市", "--jurisdiction", "99", "--data-dir", tmp_path / "b"), "six digits"
    )

    one_line(kangshu("serve", "--data-dir", folder, "--public-url", "example"), "https://kangshu.example")
    product = start(folder, "serve").serving()
    browser = _Browser(f"http://127.0.0.1:{product.port}")
    browser.go("/sign-in")
    browser.go("/sign-in", name="admin", password=passwords["admin"])
    assert browser.url.endswith("/password")  # a given password is changed before anything else
    fresh = "Quelle-7-Birne-Sofa"
    browser.go("/password", old=passwords["admin"], new=fresh, again=fresh)
    # an administrator sets up a second factor at the first sign-in, and sees nothing else before
    browser.go("/admin/accounts")
    assert browser.url.endswith("/me/second-factor")
    browser.go("/me/second-factor", begin="1")
    seed = re.search(r'class="seed">([A-Z2-7]+)<', browser.page)
    assert seed is not None
    assert "恢复码" in browser.go("/me/second-factor/confirm", code=sample_code(seed[1]))
    assert "某市" in browser.go("/")
    for page in ("/admin/accounts", "/admin/roles", "/admin/organisations", "/admin/parameters"):
        assert page in browser.page
        browser.go(page)
        browser.go("/")
    assert product.stop() == 0
