"""随机抽取: a draw that everybody can check afterwards. Pure: what is sealed before, what comes out, whether it is right.

Before the draw the candidates, those left out with the reason, and the SHA-256 of a secret seed are sealed on record.
At the draw a witness says any words of their own, and the seed is told. The lot of a candidate is

    SHA-256( seed | witness | pool | reference )      seed, pool: hex; the parts joined by '|', UTF-8

with pool = SHA-256 of the candidates' references, sorted, one a line. Lots are put in order of their hex text; the first
are drawn and the next stand in reserve, in that order. Neither who seals nor who witnesses can steer it alone, and
whoever has the record can reckon it again with any SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final

from kangshu.base.text import Text

METHOD: Final = "sha256-lots/1"
SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Lot:
    """A candidate's lot: where it stands in the order is where it stands among the lots."""

    reference: str
    ticket: str


def commitment(seed: str) -> str:
    """Return what is published of a `seed` (hex) before the draw."""
    return sha256(bytes.fromhex(seed)).hexdigest()


def pool_digest(references: Iterable[str]) -> str:
    """Return the digest of the candidates, whatever their order."""
    return sha256("\n".join(sorted(references)).encode()).hexdigest()


def lots(seed: str, witness: str, references: Sequence[str]) -> tuple[Lot, ...]:
    """Return the lots of the candidates in the order in which they are drawn."""
    pool = pool_digest(references)
    made = (Lot(one, sha256("|".join((seed, witness, pool, one)).encode()).hexdigest()) for one in references)
    return tuple(sorted(made, key=lambda lot: (lot.ticket, lot.reference)))


def check_draw(record: Mapping[str, Any]) -> tuple[Text, ...]:
    """Return what is wrong with a draw's record; nothing means that it came about as the method says.

    `record` holds method, seed, witness, commitment, pool, number, candidates [{reference}], order and drawn.
    """
    seed, witness = str(record.get("seed", "")), str(record.get("witness", ""))
    references = [str(one.get("reference", "")) for one in record.get("candidates", ())]
    order, drawn = (
        [str(one) for one in record.get("order", ())],
        [str(one) for one in record.get("drawn", ())],
    )
    found: list[Text] = []
    if record.get("method") != METHOD:
        return (
            Text("抽取方法不是本系统的方法，无法核验。", "The method is another one and cannot be checked."),
        )
    if not _is_seed(seed):
        return (Text("记录中没有有效的种子。", "The record holds no seed."),)
    if not compare_digest(commitment(seed), str(record.get("commitment", ""))):
        found.append(
            Text("种子与抽取前封存的摘要不一致。", "The seed is not the one that was sealed before the draw.")
        )
    if len(set(references)) != len(references) or pool_digest(references) != record.get("pool"):
        found.append(Text("候选名单与封存时不一致。", "The candidates are not those that were sealed."))
    reckoned = [lot.reference for lot in lots(seed, witness, references)]
    if reckoned != order:
        found.append(
            Text("抽取顺序与重新计算的结果不一致。", "The order is not the one that the seed gives.")
        )
    if drawn != reckoned[: int(record.get("number", 0))]:
        found.append(Text("抽中人员不是顺序中的前几位。", "Those drawn are not the first of the order."))
    return tuple(found)


def _is_seed(text: str) -> bool:
    try:
        return len(bytes.fromhex(text)) == SEED_BYTES
    except ValueError:
        return False
