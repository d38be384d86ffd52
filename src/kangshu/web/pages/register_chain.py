"""A register as chains: stages in order, who stands in each, the gaps; each with the same in words below it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup
from starlette.responses import Response

from kangshu.base.clock import today
from kangshu.base.faults import NotFound
from kangshu.sdk import ChainPicture, RegisterDeclaration
from kangshu.web import chains
from kangshu.web.pages.pictures import MOST, column_of, frame
from kangshu.web.pages.registers import declaration_of, filters_of, record_address
from kangshu.web.visit import Visit

_STANDINGS: Final[dict[chains.Standing, str]] = {"gap": "缺环", "thin": "薄弱", "held": "已有"}


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage in words: name, address, how it stands and that in a word, its members (name, address), whom it supplies."""

    name: str
    address: str
    standing: chains.Standing
    word: str
    told: str
    members: tuple[tuple[str, str], ...]
    supplies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain: its name, its picture, its stages in words, and how many of them are gaps."""

    name: str
    drawing: Markup
    stages: tuple[StageRow, ...]
    gaps: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """Who stands in the stages: by the stage's reference the members' references, each with its name and address."""

    members: Mapping[str, Mapping[str, tuple[str, str]]]
    links: Sequence[tuple[str, str]]


async def as_chains(visit: Visit) -> Response:
    """Show the records of a register as the stages of chains."""
    declared, words = declaration_of(visit), visit.words
    picture = declared.pictures.chain
    if picture is None:
        raise NotFound("this register has no chains", zh="该台账没有链图")
    found = await visit.platform.registers.pictured(visit.grant, declared.code, filters_of(visit), most=MOST)
    standing = await _standing(visit, picture)
    options = column_of(declared, picture.of)
    by_chain: dict[str, list[Any]] = defaultdict(list)
    for row in found.rows:
        by_chain[str(row.values.get(picture.of) or "")].append(row)
    order = [one.code for one in options.options] if options else []
    drawn = [
        _chain(visit, declared, picture, by_chain[code], standing)
        for code in sorted(by_chain, key=lambda code: order.index(code) if code in order else len(order))
    ]
    counts = Counter(stage.standing for chain in drawn for stage in chain.stages)
    return visit.render(
        "register_chain.html",
        chains=drawn,
        legend=[(name, words(word), counts[name]) for name, word in _STANDINGS.items()],
        linked=picture.links is not None,
        **await frame(visit, declared, "chain", len(found.rows), found.total),
    )


async def _standing(visit: Visit, picture: ChainPicture) -> _Standing:
    registers, words, day = visit.platform.registers, visit.words, today().isoformat()
    asked, joined = picture.members, picture.links
    declared = registers.declaration(asked.register)
    members: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for row in (await registers.pictured(visit.grant, asked.register, most=MOST * 10)).rows:
        until = str(row.values.get(asked.until) or "") if asked.until else ""
        who = str(row.values.get(asked.who) or "")
        if who and not (until and until[:10] <= day):
            told = words.of(row.texts[asked.who]), record_address(declared, row.id)
            members[str(row.values.get(asked.of) or "")].setdefault(who, told)
    if joined is None:
        return _Standing(members, ())
    rows = (await registers.pictured(visit.grant, joined.register, most=MOST * 10)).rows
    pairs = [
        (str(row.values.get(joined.giver) or ""), str(row.values.get(joined.taker) or "")) for row in rows
    ]
    return _Standing(members, pairs)


def supplies_of(
    stages: Sequence[tuple[str, int]],
    members: Mapping[str, Mapping[str, Any]],
    links: Sequence[tuple[str, str]],
) -> dict[tuple[str, str], int]:
    """Return how many links lead from a stage to a later one of the same chain: stages with their order, members by stage,
    links as (giver, taker)."""
    found: Counter[tuple[str, str]] = Counter()
    for giver, taker in links:
        givers = [(key, order) for key, order in stages if giver in members.get(key, ())]
        takers = [(key, order) for key, order in stages if taker in members.get(key, ())]
        found.update((one, other) for one, first in givers for other, second in takers if first < second)
    return dict(found)


def _chain(
    visit: Visit,
    declared: RegisterDeclaration,
    picture: ChainPicture,
    rows: Sequence[Any],
    standing: _Standing,
) -> Chain:
    words = visit.words
    ordered = sorted(
        rows, key=lambda row: (_whole(row.values.get(picture.order)), words.of(row.texts[picture.label]))
    )
    places = [
        (f"{declared.resource_type}/{row.id}", _whole(row.values.get(picture.order))) for row in ordered
    ]
    names = {key: words.of(row.texts[picture.label]) for (key, _), row in zip(places, ordered, strict=True)}
    supplies = supplies_of(places, standing.members, standing.links)
    said = {
        (giver, taker): words(
            "{giver} → {taker}：{count} 条供应关系", giver=names[giver], taker=names[taker], count=count
        )
        for (giver, taker), count in supplies.items()
    }
    stages, told = [], []
    for (key, order), row in zip(places, ordered, strict=True):
        members = standing.members.get(key, {})
        least = max(1, _whole(row.values.get(picture.wanted)) if picture.wanted else 1)
        how: chains.Standing = "gap" if not members else "thin" if len(members) < least else "held"
        count = f"{len(members)} {words.of(picture.unit)}"
        text = f"{words(_STANDINGS[how])} · {count}" if how != "held" else count
        if how != "held" and least > 1:
            text += words("（应有 {least}）", least=least)
        address = record_address(declared, row.id)
        stages.append(chains.Stage(key, order, names[key], text, how, address))
        onward = tuple(
            f"{names[taker]} {number}" for (giver, taker), number in supplies.items() if giver == key
        )
        told.append(
            StageRow(names[key], address, how, words(_STANDINGS[how]), count, tuple(members.values()), onward)
        )
    name = words.of(ordered[0].texts[picture.of]) or "—"
    title = words("{title}链图", title=name)
    return Chain(
        name,
        chains.drawn_chain(stages, supplies, title, said),
        tuple(told),
        sum(one.standing == "gap" for one in told),
    )


def _whole(value: Any) -> int:
    """Return a whole number of a record, 0 where there is none."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else 0
