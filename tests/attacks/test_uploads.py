"""Files that are uploaded or given to the command line: a clear answer in Chinese, nothing kept, everybody served."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from .cases import attack
from .files import PLANS, REASONS, SHEETS, workbook

PLAN_PAGE = "/plans/import"
MOST_SECONDS = 60.0


def judged(answer: httpx.Response, *statuses: int) -> None:
    """Hold that the answer is a page in Chinese that says what is wrong and shows nothing of the inside."""
    assert answer.status_code in (statuses or (400, 413, 415, 422)), (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"].startswith("text/html")
    assert any("\u4e00" <= sign <= "\u9fff" for sign in answer.text)
    for word in ("Traceback", 'File "', "lxml", "openpyxl", "pypdfium", "BadZipFile"):
        assert word not in answer.text


@contextmanager
def others_are_served(city: Any) -> Iterator[None]:
    """Hold that another visitor waits for nobody: the worst of many small requests meanwhile."""
    stop, waits = threading.Event(), [0.0]

    def ask() -> None:
        with httpx.Client(base_url=city.address, timeout=60) as client:
            while not stop.is_set():
                start = time.monotonic()
                assert client.get("/health").status_code == 200
                waits.append(time.monotonic() - start)
                time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        stop.set()
        asking.join(70)
    assert max(waits) < 20, f"another visitor waited {max(waits):.1f} s"


def uploaded(city: Any, name: str, page: str, file: tuple[str, bytes], **fields: str) -> httpx.Response:
    form = {"_token": city.form_token(name), **fields}
    start = time.monotonic()
    answer = city.browser(name).post(page, data=form, files={"file": file})
    assert time.monotonic() - start < MOST_SECONDS
    return answer


@attack(18, 19)
@pytest.mark.parametrize("what", PLANS)
def test_plans(city: Any, what: str) -> None:
    before = city.memory()
    with city.unchanged(), others_are_served(city):
        answer = uploaded(city, "plan", PLAN_PAGE, PLANS[what], own="true")
        judged(answer)
    assert REASONS.get(what, "") in answer.text, what
    assert city.memory() - before < 700


@attack(18, 19)
@pytest.mark.parametrize("what", SHEETS)
def test_sheets(city: Any, what: str) -> None:
    before = city.memory()
    with city.unchanged(), others_are_served(city):
        answer = uploaded(city, "clerk", "/registers/residents/residents/import", PLANS[what])
        judged(answer)
    assert REASONS.get(what, "") in answer.text, what
    assert city.memory() - before < 700


@attack(20)
def test_two_hundred_megabytes(city: Any) -> None:
    before = city.memory()
    for name, page in (("plan", PLAN_PAGE), ("clerk", "/registers/residents/residents/import")):
        with city.unchanged():
            try:
                answer = uploaded(city, name, page, ("a.docx", b"\x00" * 200_000_000))
            except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
                continue  # closed while the rest was still on its way
            judged(answer, 413)
    assert city.memory() - before < 300
    assert city.browser("plan").get("/plans").status_code == 200


FORMS: dict[str, tuple[bytes, str]] = {
    "no multipart": (b"hello", "multipart/form-data"),
    "no boundary": (b"--x\r\n\r\n", "multipart/form-data; boundary="),
    "cut": (b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc", "multipart/form-data; boundary=x"),
    "many files": (b"".join(b"--x\r\nContent-Disposition: form-data; name=\"f%d\"; filename=\"a\"\r\n\r\nb\r\n" % n for n in range(50)) + b"--x--", "multipart/form-data; boundary=x"),
    "many fields": (b"&".join(b"f%d=1" % n for n in range(100_000)), "application/x-www-form-urlencoded"),
    "json": (b'{"a":1}', "application/json"),
    "xml": (b"<a/>", "text/xml"),
    "noise": (bytes(range(256)) * 10, "application/x-www-form-urlencoded"),
    "nothing": (b"", "application/x-www-form-urlencoded"),
    "utf-7": (b"a=b", "application/x-www-form-urlencoded; charset=utf-7"),
    "long field": (b"_token=" + b"x" * 3_000_000, "application/x-www-form-urlencoded"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORMS)
def test_forms(city: Any, what: str) -> None:
    content, kind = FORMS[what]
    for name, page in (
        ("plan", PLAN_PAGE),
        ("clerk", "/registers/residents/residents/new"),
        ("clerk", "/sign-in"),
    ):
        with city.unchanged():
            answer = city.browser(name).post(page, content=content, headers={"content-type": kind})
            judged(answer, 400, 403, 413, 422)


NAMES = [
    "../../../../tmp/kangshu-was-here.txt", "a\x00b.txt", "<script>alert(1)</script>.txt", "x" * 5000 + ".txt", "😀.txt",
    'a".txt', "a\r\nX-Injected: 1.txt", "CON.txt", ".txt", "/etc/passwd",
]  # fmt: skip


@attack(19, 24)
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_file_names(city: Any, name: str) -> None:
    with city.unchanged():
        answer = uploaded(city, "plan", PLAN_PAGE, (name, PLANS["no tasks"][1]))
        judged(answer)
    assert "<script>alert" not in answer.text
    assert "x-injected" not in answer.headers
    assert not Path("/tmp/kangshu-was-here.txt").exists()


def run(*words: str) -> subprocess.CompletedProcess[str]:
    kangshu = str(Path(sys.executable).with_name("kangshu"))
    return subprocess.run([kangshu, *words], capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("what", PLANS)
def test_the_command_line_reads_no_nonsense(tmp_path: Path, what: str) -> None:
    name, data = PLANS[what]
    file = tmp_path / name
    file.write_bytes(data)
    done = run("plan", "read", str(file), "--json")
    if done.returncode == 0:
        assert what.startswith(("no tasks", "deep", "endless", "html of", "noise")), what
        return
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert 0 < len(done.stderr) < 1500, done.stderr
    assert not done.stdout.strip()


LOADS: dict[str, tuple[str, bytes]] = {
    "empty": ("a.json", b""),
    "no json": ("a.json", b"hello"),
    "cut": ("a.json", b'{"resourceType":"Bundle","entry":['),
    "other": ("a.json", b'{"resourceType":"Pokemon"}'),
    "list": ("a.json", b"[1,2]"),
    "entry is text": ("a.json", b'{"resourceType":"Bundle","type":"collection","entry":["x"]}'),
    "lines": ("a.ndjson", b'{"resourceType":"Patient","id":"never-loaded"}\nnonsense\n'),
    "nul": ("a.ndjson", b'{"resourceType":"Patient","id":"never-loaded","name":[{"text":"\\u0000"}]}\n'),
    "surrogate": ("a.ndjson", b'{"resourceType":"Patient","id":"never-loaded","name":[{"text":"\\ud800"}]}\n'),
    "bad id": ("a.ndjson", b'{"resourceType":"Patient","id":"a/b"}\n'),
    "deep": ("a.ndjson", b'{"resourceType":"Patient","id":"never-loaded","x":' + b"[" * 5000 + b"]" * 5000 + b"}\n"),
    "no gzip": ("a.ndjson.gz", b"hello"),
    "cut gzip": ("a.ndjson.gz", b"\x1f\x8b\x08\x00\x00"),
    "no bzip": ("a.json.bz2", b"hello"),
}  # fmt: skip


@pytest.mark.parametrize("what", LOADS)
def test_the_command_line_loads_no_nonsense(city: Any, tmp_path: Path, what: str) -> None:
    name, data = LOADS[what]
    (tmp_path / name).write_bytes(data)
    before = city.sql("select count(*) as n from resource where id = 'never-loaded'")
    done = run("load", str(tmp_path / name), "--data-dir", str(city.folder))
    assert "Traceback" not in done.stderr + done.stdout
    assert city.sql("select count(*) as n from resource where id = 'never-loaded'") == before
    assert done.returncode in (1, 2), done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("fhirpath", "Patient.name.", "x.json"), ("fhirpath", "'a'.matches('(a+)+$')", "x.json"), ("validate", "x.json"),
        ("validate", "missing.json"), ("measure", "run", "pokemon"), ("view", "run", "x.json", "--in", "x.json"), ("plan", "read", "missing.txt"),
        ("plan", "import", "x.json"), ("token", "create", "--account", "pokemon"), ("token", "create", "--account", "doctor", "--ttl", "999999999999d"),
        ("token", "create", "--account", "doctor", "--ttl", "-1h"), ("token", "create", "--account", "doctor", "--ttl", "0s"), ("load", "missing"),
        ("measure", "run", "nursing-bed-share", "--district", "'; drop table resource; --"), ("pokemon",), ("fhirpath", "--batch", "x.json"),
        ("city", "make", "--residents", "-5", "--out", "/proc/none"), ("services", "new", "../../etc/x"), ("serve", "--port", "99999"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_the_command_line_says_what_is_wrong(city: Any, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "x.json").write_bytes(b"nonsense")
    given = [str(tmp_path / word) if word.endswith((".json", ".txt")) else word for word in words]
    if words[0] in ("measure", "token", "load") or words[:2] == ("plan", "import"):
        given += ["--data-dir", str(city.folder)]
    with city.unchanged():
        done = run(*given)
    assert "Traceback" not in done.stderr + done.stdout
    if words[:2] not in (("fhirpath", "--batch"), ("measure", "run")):
        assert done.returncode != 0, done.stdout
    assert done.stderr.strip() or done.stdout.strip()


def test_a_good_sheet_still_comes_in(city: Any) -> None:
    """The guards let through what people really send: a workbook with merged heads and links."""
    merged = workbook(
        b'<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
        b'<mergeCells><mergeCell ref="A1:F3"/></mergeCells>'
    )
    answer = uploaded(city, "clerk", "/registers/residents/residents/import", ("a.xlsx", merged))
    judged(answer, 422)
    assert "表头" in answer.text
