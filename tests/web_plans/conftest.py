"""The demo city with a plan of its own and another city's, and an empty city just founded; both served over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kangshu.app.installation import Installation
from kangshu.app.wiring import Place
from tests.databases import database
from tests.demo_city import DemoCities
from tests.web.site import Site, served, token_of

OWN = """云汐市银龄健康行动方案

一、总体目标

到20xx年，全市65岁以上老年人健康管理率达到75%。

二、重点任务

（一）推进医养结合。到20xx年，医养结合签约覆盖率达到100%。（牵头单位：市卫生健康委；配合单位：市康养产业专班、市民政局）

（二）发展银发经济。到2027年，培育银发经济骨干企业20家。（牵头单位：市康养产业专班；配合单位：省工业和信息化厅）

（四）完善护理服务。到2027年，养老机构护理型床位占比达到58%，培训护理员800人次。（牵头单位：市民政局）
"""
FOREIGN = """绿岛市养老服务实施方案

一、主要任务

（一）增加床位。到2027年，养老机构护理型床位占比达到60%。（牵头单位：市民政局；配合单位：市财政局）

（二）培训人员。每年培训护理员200人。（牵头单位：市人社局）

（三）发展康养。到2028年，康养旅居基地达到12个。（牵头单位：市海洋康养专班；配合单位：各区人民政府）
"""


def _name(kind: str, factory: pytest.TempPathFactory) -> str:
    return f"kangshu_{kind}_{factory.getbasetemp().name.replace('-', '_')}"


@pytest.fixture(scope="session")
def site(demo_cities: DemoCities) -> Iterator[Site]:
    """A small demo city with its accounts, its plan and the duties of that plan."""
    with demo_cities.copy("plans", 300) as copy, served(copy.url, copy.place, copy.passwords) as made:
        yield made


@pytest.fixture(scope="session")
def own(site: Site) -> str:
    """The id of a plan of our own with every kind of question."""
    return imported(site, "云汐.txt", OWN, own=True)


@pytest.fixture(scope="session")
def foreign(site: Site) -> str:
    """The id of another city's plan."""
    return imported(site, "绿岛.txt", FOREIGN, own=False)


def imported(site: Site, name: str, text: str, *, own: bool) -> str:
    """Return the id of the plan that the plan office makes of `text`."""
    with closing(site.visitor("plan")) as office:
        token = token_of(office.get("/plans/import").text)
        form = {"_token": token, **({"own": "true"} if own else {})}
        answer = office.post("/plans/import", data=form, files={"file": (name, text.encode())})
        assert answer.status_code == 303, answer.text[-2000:]
        return answer.headers["location"].split("/")[2]


@pytest.fixture(scope="session")
def empty(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A city that `kangshu init` has just founded; `passwords` are those it printed."""
    folder: Path = tmp_path_factory.mktemp("empty") / "city"
    found = [
        str(Path(sys.executable).parent / "kangshu"),
        "init",
        "--city",
        "海河市",
        "--jurisdiction",
        "120100",
    ]
    with database(postgres_url, _name("empty", tmp_path_factory)) as url:
        command = [*found, "--data-dir", str(folder), "--db", url]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        passwords = dict(line.split("\t") for line in printed.splitlines() if "\t" in line)
        with served(url, place_of(folder), passwords) as made:
            yield made


def place_of(folder: Path) -> Place:
    """Return where the installation in `folder` is."""
    installation = Installation(folder)
    identity = installation.identity()
    assert identity is not None
    return Place(folder, installation.views, identity)
