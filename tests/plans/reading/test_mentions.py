"""Named things, cited documents and policy instruments: own sentences, and the names of the public documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from kangshu.documents import Document, read_document
from kangshu.plans.reading import instrument_of, instrument_titles, read_mentions
from kangshu.plans.reading.instruments import INSTRUMENTS, instruments_in
from kangshu.plans.splitting import parts_of

SHARED = Path(__file__).resolve().parents[4] / "shared"
ACTORS = SHARED / "mission" / "actors.yaml"

NAMED = """依托云河药业、青禾集团等龙头企业，加快建设云汐湖大健康产业园、青石古镇和翠云山国家森林公园。
重点推进青石县老年公寓改扩建、云汐市第三人民医院迁建、滨江康养综合体等项目。其中滨江康养综合体总投资约3.5亿元，设置床位300张，占地120亩。
支持云汐医学院建设老年护理专业，办好云汐国际马拉松赛。建设一批健康产业园和养老示范基地，发展登山、骑行等体育项目。
"""


def test_named_things_are_found_with_their_kind_and_figures() -> None:
    found = read_mentions(Document.of_text(NAMED)).named
    kinds = {one.name: one.kind for one in found}
    assert kinds == {
        "云河药业": "enterprise",
        "青禾集团": "enterprise",
        "云汐湖大健康产业园": "park",
        "青石古镇": "place",
        "翠云山国家森林公园": "place",
        "青石县老年公寓改扩建": "project",
        "云汐市第三人民医院迁建": "project",
        "滨江康养综合体": "project",
        "云汐医学院": "institution",
        "云汐国际马拉松赛": "event",
    }
    complex_ = next(one for one in found if one.name == "滨江康养综合体")
    assert len(complex_.places) == 2
    assert {(one.kind, one.value, one.unit) for one in complex_.figures} == {
        ("investment", "3.5", "亿元"),
        ("beds", "300", "张"),
        ("area", "120", "亩"),
    }
    assert all(anchor.holds(NAMED) for one in found for anchor in one.places)


CITING = """根据《国务院办公厅关于发展康养的意见》（国办发〔2016〕77号）和2017年4月印发的《“健康云汐2030”规划》，
落实《关于印发〈云汐市养老条例实施办法〉的通知》（云政办发〔2019〕8号）。《规划》提出的任务按云政办发〔2019〕8号执行，
并衔接《国务院办公厅关于发展康养的意见》。
"""


def test_cited_documents_come_once_with_number_date_and_places() -> None:
    found = read_mentions(Document.of_text(CITING)).citations
    assert [(one.title, one.number, one.date, len(one.places)) for one in found] == [
        ("国务院办公厅关于发展康养的意见", "国办发〔2016〕77号", "", 2),
        ("“健康云汐2030”规划", "", "2017年4月", 1),
        ("云汐市养老条例实施办法", "云政办发〔2019〕8号", "", 2),
    ]
    assert all(anchor.holds(CITING) for one in found for anchor in one.places)


@pytest.mark.parametrize(
    ("text", "instrument"),
    [
        ("支持社会办医。到2027年新增10家。（牵头单位：市卫生健康委）", "support"),
        ("鼓励企业捐赠。支持社会组织参与。", "encourage"),
        ("壮大龙头企业。支持重点企业改造。", "carry-out"),
        ("推进医养结合。鼓励医院开设病床。", "carry-out"),
        ("鼓励企业入园。培育30家骨干企业。", "encourage"),
        ("对企业加强服务，鼓励入园，培育30家。", "encourage"),
        ("严禁挪用床位补贴资金。", "prohibit"),
        ("取消养老机构设立许可，改为备案。", "cancel"),
        ("简化审批手续。实行一窗受理。", "relax"),
        ("免征养老服务增值税。", "exempt"),
        ("允许医师多点执业。", "allow"),
        ("探索长期护理保险。", "explore"),
        ("各部门要建立台账。", "oblige"),
        ("", "carry-out"),
    ],
)
def test_a_clause_has_the_instrument_of_its_heading(text: str, instrument: str) -> None:
    assert instrument_of(text) == instrument


def test_each_sentence_says_by_which_word_it_moves_things() -> None:
    text = "（一）鼓励社会办医。取消前置审批。到2027年建成5家。"
    found = instruments_in(text)
    assert [(one.instrument, one.word) for one in found] == [
        ("encourage", "鼓励"),
        ("cancel", "取消"),
        ("carry-out", "建成"),
    ]
    assert [text[one.start : one.end] for one in found][:2] == ["（一）鼓励社会办医", "取消前置审批"]
    assert set(instrument_titles()) == set(INSTRUMENTS)


SECTIONS = {
    "projects": 0.72,
    "enterprises": 0.80,
    "parks_zones_places": 0.66,
    "named_institutions": 0.70,
    "events": 0.75,
}
"""Least share of the names that somebody wrote down from the public documents which are read, name for name."""
_DROPPED = re.compile(r"(?:建设)?(?:项目|工程)$|建设$|[\s“”]")


def _plain(name: str) -> str:
    return _DROPPED.sub("", name).replace("（", "(").replace("）", ")")


@cache
def _documents() -> dict[str, str]:
    found = {}
    for number in range(5):
        path = SHARED / "documents" / f"{number:03}.txt"
        document = read_document(path.read_bytes(), path.name)
        parts = parts_of(document)
        for part in parts:
            key = path.stem if len(parts) == 1 else f"{path.stem}.{part.number}"
            found[key] = part.document(document).text
    return found


def _gold(section: str) -> Iterator[tuple[str, set[str]]]:
    actors: dict[str, Any] = yaml.safe_load(ACTORS.read_text("utf-8"))
    for entry in actors[section]:
        for document in entry["in"]:
            yield document, {_plain(one) for one in (entry["name"], *entry.get("aliases", ()))}


@cache
def _read() -> dict[str, set[str]]:
    return {
        key: {_plain(one.name) for one in read_mentions(Document.of_text(text)).named}
        for key, text in _documents().items()
    }


needs_documents = pytest.mark.skipif(
    not ACTORS.is_file(),
    reason="the public documents and the list of their names lie beside the project, in ../shared",
)


@needs_documents
@pytest.mark.parametrize("section", SECTIONS)
def test_the_names_of_the_public_documents_are_read(section: str) -> None:
    wanted = list(_gold(section))
    read = sum(bool(names & _read()[document]) for document, names in wanted)
    assert read / len(wanted) >= SECTIONS[section], f"{read} of {len(wanted)}"


@needs_documents
def test_what_is_read_as_a_name_is_mostly_one() -> None:
    """Of what is read, the share that is, or holds, or is part of a name that somebody wrote down; the list is not whole."""
    known = {name for section in SECTIONS for _, names in _gold(section) for name in names}
    found = [name for names in _read().values() for name in names]
    good = [name for name in found if any(name in one or one in name for one in known)]
    assert len(good) / len(found) >= 0.85, f"{len(good)} of {len(found)}"


@needs_documents
def test_the_cited_documents_are_read() -> None:
    actors: dict[str, Any] = yaml.safe_load(ACTORS.read_text("utf-8"))
    cited = {
        key: [_plain(one.title) for one in read_mentions(Document.of_text(text)).citations]
        for key, text in _documents().items()
    }
    wanted = [(one["name"], document) for one in actors["cited_documents"] for document in one["in"]]
    read = [name for name, document in wanted if any(_plain(name) in title for title in cited[document])]
    assert len(read) / len(wanted) >= 0.9, sorted({name for name, _ in wanted} - set(read))
