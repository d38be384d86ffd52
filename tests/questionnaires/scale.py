"""A small scale for tests, written as a service folder would."""

from __future__ import annotations

from pathlib import Path

SERVICE = """id: small
title: {zh: 小, en: small}
help: {zh: 小, en: small}
systems: [S26]
menu: {zh: 小, en: small}
"""
RULES = """parameters:
  - {id: small-good, title: {zh: 好, en: good}, value: 8, unit: 分, jurisdiction: "", valid_from: "2020-01-01", source: 测试, verified: true}
  - {id: small-fair, title: {zh: 中, en: fair}, value: 4, unit: 分, jurisdiction: "", valid_from: "2020-01-01", source: 测试, verified: true}
  - {id: small-stacking, title: {zh: 叠加, en: stacking}, value: once, unit: "", jurisdiction: "", valid_from: "2020-01-01", source: 待定, verified: false}
  - {id: small-people, title: {zh: 人数, en: people}, value: 2, unit: 人, jurisdiction: "", valid_from: "2020-01-01", source: 测试, verified: true}
  - {id: small-months, title: {zh: 有效期, en: months}, value: 12, unit: mo, jurisdiction: "", valid_from: "2020-01-01", source: 测试, verified: true}
"""
SCALE = """id: scale
title: {zh: 小量表, en: Small scale}
source: 测试用
stacking: small-stacking
assessors: small-people
valid_months: small-months
answers:
  three:
    "2": {zh: 能, en: able}
    "1": {zh: 部分, en: partly}
    "0": {zh: 不能, en: unable}
sections:
  - id: ability
    title: {zh: 能力, en: Ability}
    items:
      - {id: eat, title: {zh: 进食, en: Eating}, options: three}
      - {id: walk, title: {zh: 行走, en: Walking}, options: three}
      - id: help
        title: {zh: 需要帮助, en: Needs help}
        options:
          never: {zh: 从不, en: never, score: 6}
          often: {zh: 经常, en: often, score: 1}
  - id: rest
    title: {zh: 其他, en: Other}
    items:
      - {id: falls, title: {zh: 跌倒, en: Falls}, kind: integer, unit: 次, least: 0, most: 99}
      - {id: ill, title: {zh: 确诊, en: Ill}, kind: boolean}
      - {id: coma, title: {zh: 昏迷, en: Coma}, kind: boolean}
      - {id: note, title: {zh: 备注, en: Note}, kind: text}
scores:
  - {id: total, title: {zh: 总分, en: Total}, of: ability, most: 10}
  - {id: need, title: {zh: 需求, en: Need}, items: [eat, help], reverse: [help]}
  - {id: double, title: {zh: 两倍, en: Double}, expression: "%scores.total * 2"}
levels:
  - id: level
    title: {zh: 等级, en: Level}
    score: total
    options:
      good: {zh: 好, en: good, least: small-good}
      fair: {zh: 中, en: fair, least: small-fair}
      poor: {zh: 差, en: poor}
      worst: {zh: 最差, en: worst, least: small-never}
changes:
  - {id: coma, title: {zh: 昏迷, en: coma}, level: level, when: "%items.coma", to: worst}
  - {id: ill, title: {zh: 确诊, en: ill}, level: level, when: "%items.ill", worsen: 1}
  - {id: falls, title: {zh: 跌倒, en: falls}, level: level, when: "%items.falls >= 2", worsen: 1}
result: {code: small-scale, score: total, level: level, level_system: small-level}
"""
NEVER = """  - {id: small-never, title: {zh: 不, en: never}, value: 1000, unit: 分, jurisdiction: "", valid_from: "2020-01-01", source: 测试, verified: true}
"""


def write_folder(folder: Path, scale: str = SCALE, rules: str = RULES + NEVER) -> Path:
    """Write the service `small` below `folder` and return it."""
    home = folder / "small"
    for name in ("questionnaires", "rules"):
        (home / name).mkdir(parents=True, exist_ok=True)
    (home / "service.yaml").write_text(SERVICE, "utf-8")
    (home / "rules" / "rules.yaml").write_text(rules, "utf-8")
    (home / "questionnaires" / "scale.yaml").write_text(scale, "utf-8")
    return home
