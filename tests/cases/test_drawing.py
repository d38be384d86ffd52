"""Draws: anybody with the record can reckon them again, and nothing in it can be changed unseen."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from hashlib import sha256

import pytest

from kangshu.cases import check_draw
from kangshu.cases.drawing import METHOD, commitment, lots, pool_digest
from kangshu.cases.reckoning import reckoned

SEED = "5a" * 32
POOL = [f"Practitioner/e{number}" for number in range(12)]


def _record(seed: str = SEED, witness: str = "三十七", number: int = 3) -> dict:
    order = [lot.reference for lot in lots(seed, witness, POOL)]
    return {
        "method": METHOD,
        "seed": seed,
        "witness": witness,
        "commitment": commitment(seed),
        "pool": pool_digest(POOL),
        "number": number,
        "candidates": [{"reference": one, "name": one} for one in POOL],
        "order": order,
        "drawn": order[:number],
    }


def test_a_lot_is_what_its_page_says() -> None:
    pool = sha256("\n".join(sorted(POOL)).encode()).hexdigest()
    first = lots(SEED, "w", POOL)[0]
    assert first.ticket == sha256(f"{SEED}|w|{pool}|{first.reference}".encode()).hexdigest()
    assert lots(SEED, "w", list(reversed(POOL))) == lots(SEED, "w", POOL)


def test_a_true_record_has_nothing_wrong() -> None:
    assert check_draw(_record()) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": "5b" * 32}, "种子"),
        ({"seed": "xx"}, "种子"),
        ({"witness": "三十八"}, "顺序"),
        ({"candidates": [{"reference": one} for one in POOL[1:]]}, "候选名单"),
        ({"drawn": POOL[:3]}, "抽中"),
        ({"number": 4}, "抽中"),
        ({"method": "coin"}, "方法"),
    ],
)
def test_a_changed_record_is_found_out(change: dict, words: str) -> None:
    found = check_draw({**_record(), **change})
    assert any(words in one.zh for one in found)


def test_everybody_is_drawn_about_as_often() -> None:
    drawn = Counter(lot.reference for number in range(1200) for lot in lots(f"{number:064x}", "w", POOL)[:3])
    assert set(drawn) == set(POOL)
    # 1200 draws of 3 among 12: 300 each, standard deviation 15; five of them is far out
    assert all(225 < count < 375 for count in drawn.values())


def test_figures_over_scores() -> None:
    rows = [
        {"s": Decimal(80), "w": Decimal(60)},
        {"s": Decimal("90.5"), "w": Decimal(40)},
        {"s": None, "w": Decimal(9)},
    ]
    assert reckoned("weighted-mean", rows, "s", "w") == Decimal("84.20")
    assert reckoned("mean", rows, "s") == Decimal("85.25")
    assert reckoned("spread", rows, "s") == Decimal("10.50")
    assert reckoned("mean", [], "s") is None
    assert reckoned("weighted-mean", [{"s": Decimal(1)}], "s", "w") is None
