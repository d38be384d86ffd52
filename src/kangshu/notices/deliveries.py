"""Deliveries: what the records tell people is told outside too, to those who asked for it, gathered and counted.

`collect` reads the change feed: each new Communication waits once for every account that is to hear of it. `send`
gathers what waits for one account into one message. A message is sent at least once: when the process dies between
sending and writing so, it goes again under the same id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from kangshu.access import Grant, system_grant
from kangshu.accounts import Accounts
from kangshu.base.clock import CITY_ZONE, now
from kangshu.base.faults import Fault, Gone, Invalid, NotFound, Unavailable
from kangshu.base.text import Text
from kangshu.cases import Cases, kind_of
from kangshu.notices import limits
from kangshu.notices.channels import Channel
from kangshu.notices.limits import NoticeLimits
from kangshu.notices.message import Message, Occasion, about_cases
from kangshu.sdk import Resource
from kangshu.store import Change, Store, audit_row

POSITION: Final = "notices.position"
MOST_ATTEMPTS: Final = 6
_GRANT: Final = system_grant("notices")
_MOST_CHANGES: Final = 500
_MOST_GROUPS: Final = 50
_WAIT: Final = (
    "insert into delivery (communication, channel, account, recipient, kind, task, urgent, due) "
    "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning id"
)
_LOOK: Final = "system.status"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one account. `state` is waiting, sent, failed or dropped."""

    id: int
    channel: str
    account: str
    recipient: str
    kind: str
    urgent: bool
    state: str
    due: datetime
    attempts: int
    fault: str
    made: datetime


class Deliveries:
    """What is on its way out, in the order in which it is due."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        cases: Cases,
        channels: Sequence[Channel],
        figures: NoticeLimits,
        city: Text,
        link: str,
    ) -> None:
        self._store, self._accounts, self._cases = store, accounts, cases
        self._channels: Mapping[str, Channel] = {one.id: one for one in channels}
        self._figures, self._city, self._link = figures, city, link

    async def collect(self) -> int:
        """Read what is new in the feed; return how many deliveries wait because of it.

        The first call only remembers where the feed stands: nobody is told of what was before.
        """
        if not self._channels:
            return 0
        position = await self._store.get_setting(POSITION)
        if not isinstance(position, int):
            await self._store.put_setting(POSITION, await self._store.feed_position())
            return 0
        if await self._store.feed_position() <= position:
            return 0
        changes = await self._store.feed(_GRANT, position, _MOST_CHANGES)
        if not changes:
            return 0
        made = 0
        for change in changes:
            if change.type == "Communication" and change.version == 1 and change.resource is not None:
                made += await self._wait(change, change.resource)
        await self._store.put_setting(POSITION, changes[-1].position)
        return made

    async def send(self, moment: datetime | None = None) -> int:
        """Send what is due; return how many messages went out. What a channel refuses waits and is tried again."""
        at = moment or now()
        if not self._channels or self._is_quiet(at):
            groups = await self._groups(at, urgent_alone=True) if self._channels else []
        else:
            groups = await self._groups(at, urgent_alone=False)
        sent = 0
        for channel, account in groups:
            sent += await self._send_group(channel, account, at)
        return sent

    async def recent(self, grant: Grant, state: str = "", count: int = 200) -> tuple[Delivery, ...]:
        """Return the newest deliveries. Raises Forbidden without the operation `system.status`."""
        grant.require(_LOOK)
        rows = await self._sql(
            "select * from delivery where $1 = '' or state = $1 order by id desc limit $2", state, count
        )
        await self._store.write_audit([audit_row(grant, "search-type", "Communication", detail="deliveries")])
        return tuple(_delivery(row) for row in rows)

    async def again(self, grant: Grant, id_: int) -> None:
        """Let a failed delivery be tried again. Raises Forbidden, NotFound."""
        grant.require(_LOOK)
        rows = await self._sql(
            "update delivery set state = 'waiting', attempts = 0, fault = '', due = now(), changed = now() "
            "where id = $1 and state = 'failed' returning id",
            id_,
        )
        if not rows:
            raise NotFound("no failed delivery has this number", zh="没有此失败的通知")
        await self._store.write_audit(
            [audit_row(grant, "update", "Communication", detail=f"delivery {id_} again")]
        )

    # ------------------------------------------------------------------ inside

    async def _wait(self, change: Change, notice: Resource) -> int:
        """Let a notice wait for everybody who is to hear of it."""
        urgent = notice.get("priority") in ("urgent", "asap", "stat")
        due = now() + timedelta(minutes=0 if urgent else self._figures.figure(limits.GATHER_MINUTES))
        task = next(
            (
                str(one.get("reference", "")).removeprefix("Task/")
                for one in notice.get("about", ())
                if str(one.get("reference", "")).startswith("Task/")
            ),
            "",
        )
        kind = await self._kind(task)
        made = 0
        for reference in {str(one.get("reference", "")) for one in notice.get("recipient", ())}:
            for channel, account in await self._hearers(reference):
                values = (change.id, channel, account, reference, kind, task, urgent, due)
                made += len(await self._sql(_WAIT, *values))
        return made

    async def _hearers(self, reference: str) -> list[tuple[str, str]]:
        """Return (channel, account) of all who hear what is told to `reference`; a webhook has no account."""
        type_, _, id_ = reference.partition("/")
        organisations = [id_] if type_ == "Organization" else []
        patients = [id_] if type_ == "Patient" else []
        found: list[tuple[str, str]] = []
        for channel in self._channels.values():
            if channel.personal:
                wanting = await self._accounts.contacts.wanting(channel.id, organisations, patients)
                found += [(channel.id, account) for account in wanting]
            elif organisations and (not channel.organisations or id_ in channel.organisations):
                found.append((channel.id, ""))
        return found

    async def _kind(self, task: str) -> str:
        if not task:
            return ""
        try:
            return kind_of((await self._store.read(_GRANT, "Task", task)).resource)
        except (NotFound, Gone):
            return ""

    def _is_quiet(self, moment: datetime) -> bool:
        hour = moment.astimezone(CITY_ZONE).hour
        begins, ends = self._figures.figure(limits.QUIET_FROM), self._figures.figure(limits.QUIET_UNTIL)
        return begins <= hour < ends if begins <= ends else hour >= begins or hour < ends

    async def _groups(self, at: datetime, *, urgent_alone: bool) -> list[tuple[str, str]]:
        """Return (channel, account) of those for whom something is due. At night only what is urgent is."""
        rows = await self._sql(
            "select channel, account, min(due) as first from delivery where state = 'waiting' and due <= $1 "
            "and (urgent or not $2) group by channel, account order by first limit $3",
            at,
            urgent_alone,
            _MOST_GROUPS,
        )
        return [(row["channel"], row["account"]) for row in rows]

    async def _send_group(self, channel_id: str, account: str, at: datetime) -> int:
        """Send all that waits for one account by one channel as one message, under a lock; return 1 when it went."""
        async with self._store.connection() as connection, connection.transaction():
            rows = await connection.fetch(
                "select * from delivery where state = 'waiting' and channel = $1 and account = $2 and due <= $3 "
                "order by id for update skip locked",
                channel_id,
                account,
                at,
            )
            if not rows:
                return 0
            ids = [row["id"] for row in rows]
            outcome, fault = await self._sent(channel_id, account, rows, at)
            if outcome == "waiting":
                await connection.execute(
                    "update delivery set attempts = attempts + 1, fault = $2, changed = now(), "
                    "state = case when attempts + 1 >= $3 then 'failed' else 'waiting' end, "
                    "due = $4::timestamptz + make_interval(mins => power(2, attempts)::int) where id = any($1::bigint[])",
                    ids, fault[:300], MOST_ATTEMPTS, at,
                )  # fmt: skip
            else:
                await connection.execute(
                    "update delivery set state = $2, attempts = attempts + 1, fault = $3, changed = now() "
                    "where id = any($1::bigint[])",
                    ids, outcome, fault[:300],
                )  # fmt: skip
        return int(outcome == "sent")

    async def _sent(
        self, channel_id: str, account: str, rows: Sequence[Any], at: datetime
    ) -> tuple[str, str]:
        """Return (state, fault) after trying to send: sent, dropped (nobody to tell, too many today) or waiting."""
        channel = self._channels.get(channel_id)
        if channel is None:
            return "dropped", "the channel is no longer configured"
        address = str(rows[0]["recipient"]).removeprefix("Organization/")
        if channel.personal:
            reached = await self._accounts.contacts.reached(channel_id, account)
            if reached is None:
                return "dropped", "the account has no address there any more"
            if await self._today(channel_id, account, at) >= self._figures.figure(limits.MOST_A_DAY):
                return "dropped", "the day's most messages were reached"
            address = reached.address
        try:
            await channel.send(address, self._message(channel_id, account, rows))
        except (Unavailable, Invalid) as fault:
            return "waiting", fault.text
        except Fault as fault:
            return "dropped", fault.text
        return "sent", ""

    async def _today(self, channel: str, account: str, at: datetime) -> int:
        """Return how many messages an account got by a channel since the city's midnight: rows of one message changed at once."""
        midnight = at.astimezone(CITY_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
        rows = await self._sql(
            "select count(distinct changed) as many from delivery "
            "where state = 'sent' and channel = $1 and account = $2 and changed >= $3",
            channel,
            account,
            midnight,
        )
        return int(rows[0]["many"])

    def _message(self, channel: str, account: str, rows: Sequence[Any]) -> Message:
        # the same rows make the same id: whoever gets it twice can tell
        key = hashlib.sha256("|".join([channel, account, *(str(row["id"]) for row in rows)]).encode())
        occasion: Occasion = "person"
        if not str(rows[0]["recipient"]).startswith("Patient/"):
            occasion = "urgent" if any(row["urgent"] for row in rows) else "organisation"
        kinds = [(str(row["kind"]), self._title(str(row["kind"]))) for row in rows]
        tasks = [str(row["task"]) for row in rows if row["task"]]
        return about_cases(occasion, key.hexdigest()[:32], self._city, self._link, kinds, tasks)

    def _title(self, kind: str) -> Text:
        try:
            return self._cases.declaration(kind).title
        except NotFound:
            return Text("通知", "notice")

    async def _sql(self, statement: LiteralString, *values: Any) -> list[Any]:
        async with self._store.connection() as connection:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row["id"], row["channel"], row["account"], row["recipient"], row["kind"], row["urgent"], row["state"],
        row["due"], row["attempts"], row["fault"], row["made"],
    )  # fmt: skip
