"""`kangshu demo`: made once, used again, made anew when it was cut off or when that is asked for."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from kangshu.app.demo_accounts import CITY_CODE, demo_identity
from kangshu.services.city import CITY_CODE as DRAWN_CODE
from kangshu.services.city import CITY_NAME as DRAWN_NAME

from .conftest import Start
from .product import Product, family, gone, kangshu, kill, one_line, processes

CITY = ("--residents", "60", "--years", "1")


def _passwords(folder: Path) -> dict[str, str]:
    kept = json.loads((folder / "secrets" / "demo-accounts.json").read_text("utf-8"))
    return {one["name"]: one["password"] for one in kept}


def _token(folder: Path) -> str:
    return kangshu("token", "create", "--account", "plan", "--data-dir", folder).stdout.split()[-1]


def test_the_identity_is_that_of_the_city_that_is_drawn() -> None:
    assert CITY_CODE == DRAWN_CODE
    assert demo_identity().city_zh.startswith(DRAWN_NAME)


def test_a_demo_is_made_and_kept(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    product = start(folder, "demo", *CITY)
    product.await_said("Ctrl-C stops it")
    passwords = _passwords(folder)
    assert all(name in product.said() and word in product.said() for name, word in passwords.items())
    assert f"http://127.0.0.1:{product.port}" in product.said()
    _look_around(product)
    assert product.stop(signal.SIGINT) == 0

    again = start(folder, "demo", *CITY)
    again.await_said("Ctrl-C stops it", times=2)  # the log of all starts is one file
    assert _passwords(folder) == passwords
    assert again.said().count("Making accounts") == 1
    assert again.status("/fhir/Patient?_count=1", _token(folder)) == 200
    assert again.stop(signal.SIGTERM) == 0

    anew = start(folder, "demo", "--reset", *CITY)
    anew.await_said("Making accounts", times=2)
    anew.serving()
    assert _passwords(folder) != passwords
    assert anew.stop() == 0


def _look_around(product: Product) -> None:
    folder = product.folder
    one_line(kangshu("demo", "--data-dir", folder), "already running at")
    one_line(kangshu("demo", "--data-dir", folder, "--reset"), "already running at")
    token = _token(folder)
    assert product.status("/fhir/Patient?_count=1", token) == 200
    assert product.status("/fhir/Patient?_count=1") == 401
    assert product.status("/") == 200
    run = kangshu("measure", "run", "nursing-bed-share", "--json", "--data-dir", folder)
    result = json.loads(run.stdout)
    assert result["denominator"] > 0
    assert result["value"] == 100 * result["numerator"] / result["denominator"]
    assert sum(row["denominator"] for row in result["rows"]) == result["denominator"]
    shown = kangshu("measure", "run", "nursing-bed-share", "--data-dir", folder, "--lang", "zh")
    assert shown.stdout.startswith("护理型床位占比")
    one_line(kangshu("measure", "run", "no-such", "--data-dir", folder), "no-such")
    one_line(
        kangshu("measure", "run", "nursing-bed-share", "--on", "2026-13-01", "--data-dir", folder),
        "2026-13-01",
    )
    doctor = kangshu("doctor", "--data-dir", folder)
    assert doctor.returncode == 0, doctor.stdout
    assert "!!" not in doctor.stdout
    assert f"running at http://127.0.0.1:{product.port}" in doctor.stdout


def test_a_demo_that_was_cut_off_is_made_anew(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "city"
    for number in (signal.SIGINT, signal.SIGKILL):
        product = start(folder, "demo", "--residents", "3000")
        if number == signal.SIGKILL:
            product.await_said("it is made anew")
        product.await_file("demo.unfinished")
        everyone = family(product.process.pid)
        one_line(kangshu("demo", "--data-dir", folder), "starting the installation")
        if number == signal.SIGINT:
            assert product.stop(number) == 130
            assert "the next start makes it anew" in product.said()
        else:
            servers = family(product.postgres())
            kill(product.process.pid)
            assert gone(everyone - servers)
            assert servers & processes().keys()
        assert (folder / "demo.unfinished").exists()
    one_line(kangshu("serve", "--data-dir", folder), "cut off", "kangshu demo")
    one_line(kangshu("token", "create", "--account", "system", "--data-dir", folder), "cut off")
    product = start(folder, "demo", *CITY)
    product.await_said("Ctrl-C stops it")
    assert not servers & processes().keys()  # one that lived on would end later, and take the socket along
    assert product.said().count("it is made anew") == 2
    assert not (folder / "demo.unfinished").exists()
    assert product.stop() == 0
    assert "Traceback" not in product.said()


def test_an_installation_of_ones_own_is_no_demo(tmp_path: Path) -> None:
    done = kangshu("init", "--city", "某市", "--jurisdiction", "990200", "--data-dir", tmp_path / "city")
    assert done.returncode == 0, done.stderr
    one_line(kangshu("demo", "--reset", "--data-dir", tmp_path / "city"), "no demonstration")
    one_line(kangshu("demo", "--residents", "7", "--data-dir", tmp_path / "other"), "50 to 2000000")
