"""De-identified extracts: rows of the published views → a table that names nobody, and how sure that is.

Direct identifiers become keyed hashes whose key is thrown away, quasi-identifiers are generalised until every class is
large and varied enough, what is left over is left out, dates are shifted per person. See docs/adr/0017-extracts.md.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from kangshu.access import (
    ANY_TYPE,
    AllOf,
    AnyOf,
    DistrictUnder,
    Grant,
    LabelsWithin,
    NoPatient,
    division_prefix,
)
from kangshu.base.faults import Invalid, Unprocessable
from kangshu.base.text import Text
from kangshu.measures.anonymity import Chosen, Demand, Person, Quasi, anonymous
from kangshu.measures.disclosure import Atom, Suppression, nodes_of, suppress
from kangshu.measures.generalisation import ALL, generalised, levels, text_of
from kangshu.sdk import ExtractColumn, ExtractDeclaration

PERSON: Final = "subject"
"""The column of an extract's SQL that says who a row is about."""
DISTRICT_COLUMN: Final = "district"
SUPPRESSED: Final = "已抑制"
COUNT_TITLE: Final = Text("人数", "People")


@dataclass(frozen=True, slots=True)
class Terms:
    """What an approval allows: columns (ids), the division, the recipient's mark and the figures in force."""

    columns: tuple[str, ...]
    district: str
    demand: Demand
    threshold: int = 5
    shift_days: int = 30
    mark_share: float = 0.01


@dataclass(frozen=True, slots=True)
class Risk:
    """How sure an extract is. Shares are 0…1.

    The prosecutor knows that the person is in the extract: at most one in the smallest class, on average classes per
    rows. The journalist does not: the class among all who could have been in it.
    """

    rows: int
    left_out: int
    sampled_out: int
    classes: int
    k: int
    diversity: int
    distance: float
    prosecutor_most: float
    prosecutor_mean: float
    journalist_most: float
    levels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Extract:
    """A table ready to be written: column ids, rows of text, the risk, and what a leaked row is recognised by."""

    columns: tuple[ExtractColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    risk: Risk


def extract_grant(grant: Grant, district: str) -> Grant:
    """Return the grant under which an approved extract is computed, whoever asks for it: the approval is the ticket.

    It counts residents' records of the division without a sensitivity label, and what is no resident's; it reads none.
    """
    residents = AllOf((DistrictUnder(division_prefix(district)), LabelsWithin(frozenset())))
    return Grant(
        grant.account,
        grant.display,
        purpose="HRESCH",
        aggregate={ANY_TYPE: AnyOf((NoPatient(), residents))},
    )


def deidentified(
    declaration: ExtractDeclaration,
    rows: Sequence[Mapping[str, Any]],
    terms: Terms,
    secret: bytes,
    earlier: Iterable[Mapping[str, str]] = (),
) -> Extract:
    """Return the rows as a table in which no row can be told from fewer than k people.

    `rows` hold `subject`, `district` and the declared columns, one row per person; `secret` is random, used once and
    then forgotten. `earlier` are the levels of extracts of the same definition that the recipient holds. Raises
    Invalid for a person with two rows or a column that is not declared, Unprocessable where the demand cannot be met.
    """
    columns = _columns(declaration, terms.columns)
    seen = Counter(str(row[PERSON]) for row in rows)
    if any(count > 1 for count in seen.values()):
        raise Invalid(
            f"extract '{declaration.id}' gives more than one row for a person",
            zh=f"提取定义“{declaration.title.zh}”对同一人产生多行，无法检查K匿名",
        )
    sampled = [row for row in rows if not _marked(secret, str(row[PERSON]), terms.mark_share)]
    quasi = [one for one in columns if one.role == "quasi"]
    sensitive = [one for one in columns if one.role == "sensitive"]
    attributes = [Quasi(one.id, one.kind, levels(one.kind, one.finest)) for one in quasi]
    people = [
        Person(
            tuple(text_of(row[one.column]) for one in quasi),
            tuple(_fixed(one, row) for one in sensitive),
        )
        for row in sampled
    ]
    chosen = anonymous(people, attributes, terms.demand, earlier)
    if chosen is None or not chosen.classes:
        raise Unprocessable(
            f"no generalisation of '{declaration.id}' gives classes of {terms.demand.k} people with "
            f"{terms.demand.l} values while leaving out at most {terms.demand.left_out:.0%} of the rows",
            zh=f"在最多抑制{terms.demand.left_out:.0%}记录的前提下，无法使每个等价类达到{terms.demand.k}人"
            f"、敏感属性{terms.demand.l}种取值；请减少字段或扩大人群范围",
        )
    level = {one.id: name for one, name in zip(attributes, chosen.levels, strict=True)}
    made = []
    for row, kept in zip(sampled, chosen.kept, strict=True):
        if kept:
            person = str(row[PERSON])
            made.append(tuple(_value(one, row, level, secret, person, terms) for one in columns))
    # in the order of the pseudonyms: that of the records would tell when each was made
    order = {values: _hash(secret, "order", repr(values)) for values in set(made)}
    made.sort(key=lambda values: order[values])
    everyone = Counter(
        tuple(generalised(one.kind, level[one.id], row[one.column]) for one in quasi) for row in rows
    )
    risk = _risk(chosen, everyone, len(rows), len(sampled), level)
    return Extract(columns, tuple(made), risk)


def _columns(declaration: ExtractDeclaration, wanted: Sequence[str]) -> tuple[ExtractColumn, ...]:
    known = {one.id: one for one in declaration.columns}
    for id_ in wanted:
        if id_ not in known:
            raise Invalid(
                f"extract '{declaration.id}' has no column '{id_[:60]}'; it has {', '.join(known)}",
                zh=f"提取定义“{declaration.title.zh}”没有字段“{id_[:60]}”，可选：{'、'.join(known)}",
            )
    return tuple(one for one in declaration.columns if one.id in wanted)


def _fixed(column: ExtractColumn, row: Mapping[str, Any]) -> str:
    """Return a value that is not a quasi-identifier, at the closest level that its declaration allows."""
    return generalised(column.kind, levels(column.kind, column.finest)[0], row[column.column])


def _value(
    column: ExtractColumn,
    row: Mapping[str, Any],
    level: Mapping[str, str],
    secret: bytes,
    person: str,
    terms: Terms,
) -> str:
    if column.role == "identifier":
        return pseudonym(secret, text_of(row[column.column]))
    if column.role == "quasi":
        return generalised(column.kind, level[column.id], row[column.column])
    if column.kind == "date":
        return _shifted(text_of(row[column.column]), _shift(secret, person, terms.shift_days))
    return _fixed(column, row)


def pseudonym(secret: bytes, text: str) -> str:
    """Return what stands for an identifier: a keyed hash of 80 bits, 16 letters; "" stays unknown."""
    return base64.b32encode(_hash(secret, "person", text)[:10]).decode() if text else ""


def _hash(secret: bytes, use: str, text: str) -> bytes:
    return hmac.new(secret, f"{use}:{text}".encode(), hashlib.sha256).digest()


def _marked(secret: bytes, person: str, share: float) -> bool:
    """Return whether a person is left out of this recipient's copy: which ones are tells whose copy it is."""
    return int.from_bytes(_hash(secret, "mark", person)[:8], "big") < share * 2**64


def _shift(secret: bytes, person: str, most: int) -> int:
    """Return by how many days the dates of a person are shifted; never 0, and the same for all of them."""
    if most < 1:
        return 0
    number = int.from_bytes(_hash(secret, "shift", person)[:8], "big") % (2 * most)
    return number - most if number < most else number - most + 1


def _shifted(text: str, days: int) -> str:
    """Return a date moved by `days`; a date without its day tells less than the shift and stays as it is."""
    try:
        return (date.fromisoformat(text[:10]) + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return text[:7]


def _risk(
    chosen: Chosen, everyone: Counter[tuple[str, ...]], rows: int, sampled: int, level: Mapping[str, str]
) -> Risk:
    kept = sum(chosen.classes.values())
    return Risk(
        rows=kept,
        left_out=sampled - kept,
        sampled_out=rows - sampled,
        classes=len(chosen.classes),
        k=chosen.k,
        diversity=chosen.diversity,
        distance=chosen.distance,
        prosecutor_most=1 / chosen.k,
        prosecutor_mean=len(chosen.classes) / kept,
        journalist_most=1 / min(everyone[one] for one in chosen.classes),
        levels=dict(level),
    )


# ---------------------------------------------------------------------- aggregate extracts


def aggregated(declaration: ExtractDeclaration, rows: Sequence[Mapping[str, Any]], terms: Terms) -> Extract:
    """Return the numbers of people by the columns asked for, small ones suppressed, and with them what tells them.

    Every column is taken at the closest level allowed, places as divisions of the tree; identifiers cannot be asked
    for. The last column is the number; rows whose column is `*` are sums. Raises Invalid for a column that cannot be
    counted by, Unprocessable where the table cannot be protected.
    """
    columns = _columns(declaration, terms.columns)
    for one in columns:
        if one.role == "identifier" or (one.kind == "date" and not one.finest):
            raise Invalid(
                f"aggregates are not counted by '{one.id}'", zh=f"汇总数据不能按“{one.title.zh}”分组"
            )
    counts: Counter[tuple[str, tuple[str, ...]]] = Counter()
    places = [one for one in columns if one.kind == "place"]
    others = [one for one in columns if one.kind != "place"]
    for row in rows:
        place = generalised("place", places[0].finest or "town", row[places[0].column]) if places else ""
        counts[place, tuple(_fixed(one, row) for one in others)] += 1
    atoms = [Atom(place, values, count, count) for (place, values), count in sorted(counts.items())]
    hidden = suppress(atoms, len(others), terms.threshold, "count", 12)
    if hidden.withheld:
        raise Unprocessable(
            f"the table of '{declaration.id}' cannot be shown without telling a number below {terms.threshold}",
            zh=f"此汇总表无法在不透露小于{terms.threshold}的人数的前提下展示，请减少分组字段或扩大人群范围",
        )
    made, small = _table(atoms, hidden, bool(places), len(others))
    number = ExtractColumn("count", COUNT_TITLE, "count", "other", "number")
    risk = Risk(
        rows=len(made), left_out=small, sampled_out=0, classes=len(atoms), k=terms.threshold, diversity=0,
        distance=0.0, prosecutor_most=0.0, prosecutor_mean=0.0, journalist_most=0.0,
        levels={one.id: levels(one.kind, one.finest)[0] for one in columns},
    )  # fmt: skip
    return Extract((*places[:1], *others, number), made, risk)


def _table(
    atoms: Sequence[Atom], hidden: Suppression, placed: bool, width: int
) -> tuple[tuple[tuple[str, ...], ...], int]:
    """Return the rows of the finest table and of its sums by place and over all; and how many numbers are hidden."""
    sums: Counter[tuple[str, tuple[str | None, ...]]] = Counter()
    finest: set[tuple[str, tuple[str | None, ...]]] = set()
    whole = (None,) * width
    for atom in atoms:
        leaf = nodes_of(atom.district)[-1]
        own = {(leaf, atom.values), (leaf, whole), ("", atom.values), ("", whole)}
        for cell in own:
            sums[cell] += int(atom.numerator)
        finest.update(own)
    # what is empty and hidden is told as hidden: else it would be known to be empty
    leaves = {leaf for leaf, _ in finest}
    finest |= {
        (node, values)
        for node, values in hidden.numerators
        if node in leaves and (values == whole or None not in values)
    }
    made, small = [], 0
    for node, values in sorted(finest, key=lambda cell: (cell[0] == "", cell[0], str(cell[1]))):
        if not placed and node:
            continue
        closed = (node, values) in hidden.numerators
        small += closed
        place = [node.rstrip("~") or ALL] if placed else []
        shown = [ALL if one is None else one for one in values]
        made.append((*place, *shown, SUPPRESSED if closed else str(sums[node, values])))
    return tuple(made), small
