"""Asking the audit: rows by what they tell, and hours in which one account did unusually much."""

# ruff: noqa: S608  # the text is of literals made here; every value is bound
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from kangshu.base.clock import CITY_ZONE
from kangshu.store.auditing import SYSTEM, AuditRow
from kangshu.store.connections import Connection, Row

COLUMNS: Final = (
    "at", "account", "action", "type", "id", "outcome", "purpose", "detail", "on_behalf_of", "app", "address", "reason",
    "residents",
)  # fmt: skip
_EQUAL: Final = ("account", "type", "id", "purpose", "on_behalf_of", "app", "address")
_TOLD: Final = frozenset(
    {
        "_count", "_sort", "_summary", "_elements", "_total", "_include", "_revinclude", "_id", "_lastUpdated", "_since",
        "status", "subject", "patient", "date", "period", "district", "organization", "owner", "actor", "type", "action",
        "account", "id", "resident", "outcome", "purpose", "address", "since", "until", "bursts", "least", "night", "app",
        "on_behalf_of", "residents", "business-status", "part-of", "instantiates-canonical",
    }
)  # fmt: skip
"""Parameters whose values tell nothing of a person and nothing of anyone's health: auditors see these."""
_ASKED: Final = re.compile(r"([A-Za-z_][\w.:\-]*)=(.*?)(?=\s+[\w.:\-]+=|&|$)")
_WORD: Final = "split_part(action, ' ', 1)"
"""An action may name what it was done to: `account-stop li`."""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What rows are wanted; "" asks for nothing.

    `outcome` is "ok", "refused" (anything else) or a fault's code; `actions` are interactions such as `read`;
    `resident` finds every row that tells of the resident, lists and exports among them; `since` is within the span,
    `until` beyond it; `night` is a pair of hours of the city's day, such as (22, 6); `people` leaves out the acts of
    the product itself; `pairs` are (account, resident): rows in which one of these accounts saw its resident.
    """

    account: str = ""
    not_account: str = ""
    type: str = ""
    id: str = ""
    resident: str = ""
    actions: tuple[str, ...] = ()
    outcome: str = ""
    purpose: str = ""
    on_behalf_of: str = ""
    app: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None
    night: tuple[int, int] | None = None
    people: bool = False
    pairs: tuple[tuple[str, str], ...] | None = None

    def text(self) -> str:
        """Return what is asked, for the row that tells of the asking."""
        parts = [
            f"{name}={value}" for name in (*_EQUAL, "resident", "outcome") if (value := getattr(self, name))
        ]
        if self.actions:
            parts.append(f"action={','.join(self.actions)}")
        parts.extend(
            f"{name}={at.isoformat()}" for name, at in (("since", self.since), ("until", self.until)) if at
        )
        if self.night:
            parts.append(f"night={self.night[0]}-{self.night[1]}")
        if self.pairs is not None:
            parts.append(f"pairs={len(self.pairs)}")
        return " ".join(parts)


def without_values(detail: str) -> str:
    """Return the text of a query without what may name a person or an illness: `name=王` becomes `name=…`."""
    return _ASKED.sub(
        lambda found: found[0] if found[1].partition(":")[0] in _TOLD else f"{found[1]}=…", detail
    )


EVERY_ACT: Final = AuditQuery()


@dataclass(frozen=True, slots=True)
class Bursts:
    """Asks for the hours from `since` to `until` in which one account did something at least `least` times.

    `kind` "residents" counts the different residents shown, "refused" the refusals, "export" the exports.
    """

    kind: Literal["residents", "refused", "export"]
    least: int
    since: datetime
    until: datetime

    def text(self) -> str:
        """Return what is asked, for the row that tells of the asking."""
        return f"bursts={self.kind} least={self.least} since={self.since.isoformat()} until={self.until.isoformat()}"


@dataclass(frozen=True, slots=True)
class Burst:
    """One hour of one account: how many of what was counted, and in how many acts."""

    account: str
    hour: datetime
    count: int
    acts: int


class _Where:
    """Conditions under construction: text from literals, values bound."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, text: str, *values: Any) -> None:
        """Add a condition; each `{}` in `text` is the place of one value."""
        places = []
        for value in values:
            self.values.append(value)
            places.append(f"${len(self.values)}")
        self.parts.append(text.format(*places))

    def sql(self) -> str:
        """Return all of it."""
        return " and ".join(self.parts) or "true"


def _where(asked: AuditQuery) -> _Where:
    where = _Where()
    for name in _EQUAL:
        if value := getattr(asked, name):
            where.add(f"{name} = {{}}", value)
    if asked.not_account:
        where.add("account <> {}", asked.not_account)
    if asked.people:
        where.add("account <> {} and account <> ''", SYSTEM)
    if asked.actions:
        where.add(f"{_WORD} = any({{}}::text[])", list(asked.actions))
    if asked.resident:
        where.add(
            "(residents @> array[{}::text] or (type = 'Patient' and id = {}))", asked.resident, asked.resident
        )
    if asked.pairs is not None:
        where.add(
            """exists (select from unnest({}::text[], {}::text[]) as pair(who, whom) where pair.who = account and
            (pair.whom = any(residents) or (type = 'Patient' and id = pair.whom)))""",
            [who for who, _ in asked.pairs],
            [whom for _, whom in asked.pairs],
        )
    if asked.outcome == "refused":
        where.add("outcome <> 'ok'")
    elif asked.outcome:
        where.add("outcome = {}", asked.outcome)
    if asked.since is not None:
        where.add("at >= {}", asked.since)
    if asked.until is not None:
        where.add("at < {}", asked.until)
    if asked.night is not None:
        begin, end = asked.night
        hour = f"extract(hour from at at time zone '{CITY_ZONE.key}')"
        joined = "or" if begin > end else "and"
        where.add(f"({hour} >= {{}}::integer {joined} {hour} < {{}}::integer)", begin, end)
    return where


async def find_rows(
    connection: Connection, asked: AuditQuery, before: int | None, count: int
) -> list[tuple[int, AuditRow]]:
    """Return (position, row) of up to `count` rows that meet `asked`, newest first, below position `before`."""
    where = _where(asked)
    if before is not None:
        where.add("position < {}", before)
    where.values.append(count)
    rows = await connection.fetch(
        f"""select position, {", ".join(COLUMNS)} from audit where {where.sql()}
        order by position desc limit ${len(where.values)}""",
        *where.values,
    )
    return [(row["position"], _row(row)) for row in rows]


def _row(row: Row) -> AuditRow:
    told: dict[str, Any] = {name: row[name] for name in COLUMNS}
    return AuditRow(**(told | {"residents": tuple(row["residents"] or ())}))


_COUNTED: Final = {
    "residents": ("count(distinct one.resident)", "outcome = 'ok'", _WORD + " <> 'sign-in'"),
    "refused": ("count(distinct position)", "outcome <> 'ok'", "true"),
    "export": ("count(distinct position)", "outcome = 'ok'", _WORD + " in ('export', 'measure-export')"),
}


async def find_bursts(connection: Connection, asked: Bursts) -> list[Burst]:
    """Return what `asked` wants, the greatest first, at most 500."""
    counted, outcome, action = _COUNTED[asked.kind]
    rows = await connection.fetch(
        f"""select account, date_trunc('hour', at) as hour, {counted} as count, count(distinct position) as acts
        from audit left join lateral (
            select unnest(residents) as resident union select id where type = 'Patient' and id <> ''
        ) one on true
        where at >= $1 and at < $2 and account <> '{SYSTEM}' and account <> '' and {outcome} and {action}
        group by account, hour having {counted} >= $3 order by count desc, hour desc, account limit 500""",
        asked.since,
        asked.until,
        asked.least,
    )
    return [Burst(row["account"], row["hour"], row["count"], row["acts"]) for row in rows]
