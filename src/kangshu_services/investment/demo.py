"""The demo city's target firms, gaps of its chains, and the papers that stand for evidence. All names are made up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kangshu.sdk import DemoCity, Resource, evidence, record

UNITS = ("unit-commerce", "government-990103", "government-990104")
_GAPS = (
    (
        "康复辅具精密制造",
        "biopharma",
        "filling",
        "high",
        "government-990103",
        "引进康复机器人、假肢矫形器整机企业。",
    ),
    ("疫苗佐剂与填充剂", "biopharma", "open", "high", "unit-commerce", "补齐疫苗产业上游原辅料。"),
    (
        "养老机构连锁运营",
        "elder-care",
        "filling",
        "middle",
        "unit-commerce",
        "引进有500张以上床位运营经验的机构。",
    ),
    ("中药饮片自动化炮制", "tcm", "open", "middle", "government-990104", "带动道地药材就地加工。"),
    ("健康数据可信流通", "health-data", "open", "middle", "unit-commerce", "数据脱敏、授权运营技术服务商。"),
)
_STAGES = {2: "biopharma-1", 3: "elder-care-3", 4: "tcm-2", 5: "health-data-2"}
"""Number of a gap → the stage of a chain that it is."""
_TARGETS = (
    ("恒翼康复机器人公司", "biopharma", "yangtze", 1, "government-990103"),
    ("澜岸养老运营集团", "elder-care", "pearl", 3, "unit-commerce"),
    ("北辰佐剂科技公司", "biopharma", "north", 2, "unit-commerce"),
    ("谷雨饮片智造公司", "tcm", "chengyu", 4, "government-990104"),
    ("信衡数据技术公司", "health-data", "yangtze", 5, "unit-commerce"),
    ("悦动青年体育公司", "sports", "pearl", 0, "unit-commerce"),
)


def demo(city: DemoCity) -> Iterator[Resource]:
    """Yield gaps, target firms and one paper per unit."""
    for number, (name, field, state, weight, unit, why) in enumerate(_GAPS, 1):
        held: dict[str, tuple[str, Any]] = {"record-class": ("Code", field), "record-state": ("Code", state), "weight": ("Code", weight), "note": ("String", why)}  # fmt: skip
        if stage := _STAGES.get(number):
            held["record-of"] = ("Reference", {"reference": f"ActivityDefinition/chain-stage-{stage}"})
        yield _basic("investment-chain-gap", f"chain-gap-{number}", name, unit, held)
    for number, (name, field, region, gap, unit) in enumerate(_TARGETS, 1):
        more: dict[str, tuple[str, Any]] = {"record-class": ("Code", field), "region": ("Code", region)}
        if gap:
            more["record-of"] = ("Reference", {"reference": f"Basic/chain-gap-{gap}"})
        yield _basic("investment-target", f"investment-target-{number}", name, unit, more)
    for unit in UNITS:
        yield evidence(f"investment-paper-{unit}", unit, "招商材料")


def _basic(kind: str, id_: str, name: str, unit: str, held: dict[str, tuple[str, Any]]) -> Resource:
    figures = ((url, *value) for url, value in held.items())
    return record(kind, id_, figures, name=name, subject=f"Organization/{unit}")
