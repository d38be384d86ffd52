"""What proves a target, told from its words; goals said in words; which measure is suggested and which is not."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from kangshu.documents import read_document
from kangshu.plans import PlanView, catalogue, read_plan, shape
from kangshu.plans.evidence import with_evidence
from kangshu.plans.links import LIKELY, ranked
from kangshu.plans.reading.wordings import numeral, wording_rules
from kangshu.plans.systems import recognise
from kangshu.plans.units import ResolvedUnit
from kangshu.plans.view import plan_view
from kangshu.sdk import MeasureDeclaration, Text

from .conftest import measure

PLAN = """云汐市康养发展方案

一、主要目标

（一）到2027年，养老机构护理型床位占比达到55%，健康服务业增加值达到180亿元。（牵头单位：市发展改革委）

（二）到2027年，建设6个康养小镇，培育3家具有较强竞争力的康养企业。（牵头单位：市文化和旅游局）

（三）到2027年，民办床位和护理型床位分别达到50%和30%以上，社区助餐服务实现全覆盖。（牵头单位：市民政局）
"""


def plan(text: str = PLAN, installed: tuple[str, ...] = ()) -> PlanView:
    """Return `text` read as a plan of our own, with what proves its targets."""
    document = read_document(text.encode(), "plan.txt")
    source = shape.Source("plan.txt", "text/plain", document.sha256, "方案", "990100", False, False)
    made = shape.plan_definition(
        read_plan(document), document.text, source, lambda one: ResolvedUnit(one, ()), "2026-01-01"
    )
    return with_evidence(plan_view(made, document.text, {}, date(2026, 7, 1)), installed)


def proved(view: PlanView) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.indicator: (one.evidence.kind, one.evidence.systems[:1]) for one in view.targets}


def titled(identifier: str, title: str, *matches: str, unit: str = "%") -> MeasureDeclaration:
    return replace(measure(identifier, matches, unit), title=Text(title, identifier))


def test_the_catalogue_holds_every_system_once_with_words_that_compile() -> None:
    found = catalogue().systems
    assert list(found) == [f"S{number:02d}" for number in range(1, 68)]
    assert all(one.title.zh and one.title.en and one.registers for one in found.values())
    silent = {one.id for one in found.values() if not one.words}
    assert silent == {"S54"}  # targets themselves are in no register


def test_the_head_of_a_phrase_decides() -> None:
    assert recognise(("智慧养老服务企业",))[0].system.id == "S45"
    assert recognise(("智慧养老服务平台",))[0].system.id == "S27"
    assert (
        recognise(
            (
                "什么也没有",
                "6个康养小镇",
            )
        )[0].matched
        == "小镇"
    )
    assert recognise(("什么也没有",)) == ()


def test_what_proves_a_target_is_told_from_its_words() -> None:
    found = proved(plan())
    assert found["养老机构护理型床位占比"] == ("register-missing", ("S23",))
    assert found["健康服务业增加值"][0] == "statistics"
    assert found["康养小镇"] == ("register-missing", ("S47",))
    assert next(kind for name, (kind, _) in found.items() if "竞争力" in name) == "reported"
    missing = next(one for one in plan().targets if one.indicator == "康养小镇")
    assert missing.evidence.reason.zh == "支撑该目标的台账尚未建设（S47 示范创建与特色小镇认定）"
    assert missing.evidence.matched == ("小镇",)
    assert missing.evidence.decided_by == ""


def test_registers_that_are_installed_leave_the_report_until_a_measure_is_there() -> None:
    found = next(one for one in plan(installed=("S23",)).targets if "护理型" in one.indicator)
    assert found.evidence.kind == "reported"
    assert "台账已建（S23" in found.evidence.reason.zh


def test_a_goal_said_in_words_is_a_target_of_its_own_kind() -> None:
    worded = [one for one in plan().targets if one.worded]
    assert [(one.id, one.indicator, str(one.value), one.unit, one.due) for one in worded] == [
        ("target-w01", "社区助餐服务", "100", "%", "2027")
    ]
    assert all(not one.worded for one in plan().targets if one.id.startswith("target-0"))


@pytest.mark.parametrize("rule", wording_rules(), ids=lambda rule: rule.id)
def test_every_wording_reads_its_own_example(rule: object) -> None:
    text = f"云汐市方案\n\n一、任务\n\n（一）推进工作。到2027年，{rule.example}。（牵头单位：市民政局）\n"  # type: ignore[attr-defined]
    found = read_plan(read_document(text.encode(), "plan.txt"))
    said = [*found.worded, *found.targets]  # what the reader of figures takes itself is not said twice
    assert len(said) == 1, said


@pytest.mark.parametrize(
    "told", ["目前已实现社区养老设施全覆盖。", "去年以来，已建成三大康养基地。", "一老一小服务得到加强。"]
)
def test_what_is_told_of_the_past_is_no_goal(told: str) -> None:
    found = read_plan(read_document(f"工作总结\n\n一、成效\n\n{told}\n".encode(), "summary.txt"))
    assert found.worded == ()


@pytest.mark.parametrize(("written", "value"), [("三", 3), ("两", 2), ("十", 10), ("十二", 12), ("24", 24)])
def test_short_numerals(written: str, value: int) -> None:
    assert numeral(written) == value


def _best(indicator: str, *measures: MeasureDeclaration) -> str:
    target = next(one for one in plan().targets if one.indicator == indicator)
    found = ranked(target, plan().text, measures, plan().targets)
    return found[0].measure if found and found[0].score >= LIKELY else ""


def test_words_alone_suggest_a_measure_that_is_alike_and_say_which() -> None:
    alike = titled("beds", "护理型床位占比")
    target = next(one for one in plan().targets if one.indicator == "养老机构护理型床位占比")
    (found,) = ranked(target, plan().text, [titled("beds", "养老机构护理型床位占比")], ())
    assert (found.measure, found.matched) == ("beds", "养老机构护理型床位占比")
    assert _best("养老机构护理型床位占比", alike) in ("beds", "")
    assert _best("养老机构护理型床位占比", titled("other", "家庭医生签约服务覆盖率")) == ""


@pytest.mark.parametrize("title", ["农村养老机构护理型床位占比", "民办养老机构护理型床位占比"])
def test_another_kind_of_thing_is_not_suggested(title: str) -> None:
    assert _best("养老机构护理型床位占比", titled("other", title)) == ""


def test_another_unit_or_direction_is_not_suggested() -> None:
    assert _best("养老机构护理型床位占比", titled("beds", "养老机构护理型床位占比", unit="张")) == ""
    target = next(one for one in plan().targets if "护理型" in one.indicator)
    upper = replace(target, comparator="<=")
    assert ranked(upper, plan().text, [titled("beds", "养老机构护理型床位占比")], ()) == ()


def test_of_two_shares_told_together_each_has_its_own_measure() -> None:
    view = plan()
    both = [one for one in view.targets if re.search("民办床位", one.indicator)]
    measures = [titled("private", "民办床位占比"), titled("nursing", "护理型床位占比")]
    found = [ranked(one, view.text, measures, view.targets)[0].measure for one in both]
    assert found == ["private", "nursing"]


def test_a_share_proves_a_standard_that_each_has_to_meet() -> None:
    text = PLAN.replace("养老机构护理型床位占比达到55%", "每个社区卫生服务中心拥有2名以上全科医生")
    view = plan(text)
    target = next(one for one in view.targets if one.standard)
    share = titled("share", "全科医生达标率", "每个社区卫生服务中心.{0,12}全科医生")
    (found,) = ranked(target, view.text, [share], view.targets)
    assert found.as_share
    refused = replace(target, refused=("share",))
    assert ranked(refused, view.text, [share], view.targets) == ()
