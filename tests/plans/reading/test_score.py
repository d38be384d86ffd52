"""The reading of public documents, scored against hand-made annotations: floors that may not fall."""

import importlib.util
import json
from pathlib import Path

import pytest

from kangshu.documents import read_document
from kangshu.plans.reading import read_plan

SHARED = Path(__file__).resolve().parents[4] / "shared" / "reading"
FLOORS = {
    "task_clause": 0.99,
    "task_lead_exact": 0.99,
    "units_role": 0.99,
    "target_strict": 0.98,
    "money_amount_and_cap": 0.98,
    "outline_with_level": 0.99,
}

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the annotated texts (../shared/reading) are not here"
)


@pytest.fixture(scope="module")
def measured():
    specification = importlib.util.spec_from_file_location("reading_score", SHARED / "score.py")
    score = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(score)
    count, accuracies = score.Count(), {}
    for gold in sorted((SHARED / "gold").glob("*.json")):
        source = SHARED / "text" / f"{gold.stem}.txt"
        document = read_document(source.read_bytes(), source.name)
        score.score_doc(
            read_plan(document).as_json(),
            json.loads(gold.read_text(encoding="utf-8")),
            score.Doc(source.read_text(encoding="utf-8")),
            count,
            accuracies,
        )
    return {name: score.prf(values)[2] for name, values in count.items()}, accuracies


@pytest.mark.suite
@pytest.mark.parametrize("measure", FLOORS)
def test_floor(measured, measure):
    assert measured[0][measure] >= FLOORS[measure]


@pytest.mark.suite
@pytest.mark.parametrize(("name", "floor"), [("task_mode", 0.98), ("target_comparator", 0.97)])
def test_accuracy_over_matched_pairs(measured, name, floor):
    right, all_pairs = measured[1][name]
    assert right >= floor * all_pairs
