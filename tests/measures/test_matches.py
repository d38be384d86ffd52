"""A measure's expressions suggest it for the targets that it answers, and for no other target of the mission."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from .city import awaited, measures

TARGETS = Path(__file__).resolve().parents[3] / "shared" / "mission" / "targets.yaml"


def suggested(text: str) -> set[str]:
    return {
        id_ for id_, measure in measures().items() if any(re.search(one, text) for one in measure.matches)
    }


def test_the_missions_targets_find_their_measures() -> None:
    if not TARGETS.is_file():
        pytest.skip("the mission's targets are not in ../shared/mission")
    answered = {target: id_ for id_, measure in measures().items() for target in measure.targets}
    wrong = {}
    for target in yaml.safe_load(TARGETS.read_text("utf-8"))["targets"]:
        wanted = {answered[target["id"]]} if target["id"] in answered else set()
        found = suggested(target["indicator_zh"])
        if found != wanted:
            wrong[target["id"], target["indicator_zh"]] = found
    assert wrong == {}


def test_measures_without_a_number_are_known_by_their_targets_words() -> None:
    if not TARGETS.is_file():
        pytest.skip("the mission's targets are not in ../shared/mission")
    wrong = {}
    for target in yaml.safe_load(TARGETS.read_text("utf-8"))["targets"]:
        words = (target["indicator_zh"], target["source"]["phrase"])
        found = {
            one.id
            for one in awaited()
            if any(re.search(each, text) for each in one.matches for text in words)
        }
        wanted = {one.id for one in awaited() if target["id"] in one.targets}
        if found != wanted:
            wrong[target["id"], *words] = found
    assert wrong == {}
