"""Where an account wants to be told outside the product: an address per channel, proved by a code, kept sealed."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kangshu.access import Grant
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import token_digest
from kangshu.accounts.seeds import Vault
from kangshu.base.clock import now
from kangshu.base.faults import NotFound, Throttled, Unauthenticated

KEY_FILE: Final = "contacts.key"
_DIGITS: Final = 6
_MOST_TRIES: Final = 5
"""Of one code: with six digits a guess succeeds once in 200,000 times."""
_HEAD, _TAIL = 3, 4


@dataclass(frozen=True, slots=True)
class Contact:
    """One address of an account. `hint` shows its ends alone; `confirmed` is None until its code came back."""

    channel: str
    hint: str
    confirmed: datetime | None


@dataclass(frozen=True, slots=True)
class Reached:
    """An account that is to be told, and where."""

    account: str
    address: str


class Contacts:
    """The addresses of all accounts. None is handed out but to who sends."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._vault = Vault(office.secrets, KEY_FILE)

    async def of(self, grant: Grant) -> tuple[Contact, ...]:
        """Return one's own addresses."""
        rows = await self._office.sql(
            "select channel, hint, confirmed from contact where account = $1 order by channel", grant.account
        )
        await self._office.tell(grant.account, "contact-read")
        return tuple(Contact(row["channel"], row["hint"], row["confirmed"]) for row in rows)

    async def begin(self, grant: Grant, channel: str, address: str, lasts: timedelta, most: int) -> str:
        """Keep an address that counts once its code is confirmed; return the code, to be sent there.

        `lasts` is how long the code is taken, `most` how many are made in an hour: nobody's telephone is rung by ours.
        Raises Throttled, Unavailable (no key).
        """
        code = f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"
        at = now()
        rows = await self._office.sql(
            "insert into contact as c (account, channel, address, hint, code, code_ends, began) "
            "values ($1, $2, $3, $4, $5, $6, $7) on conflict (account, channel) do update set "
            "address = excluded.address, hint = excluded.hint, code = excluded.code, code_ends = excluded.code_ends, "
            "tries = 0, confirmed = null, "
            "codes = case when c.began < $7 - interval '1 hour' then 1 else c.codes + 1 end, "
            "began = case when c.began < $7 - interval '1 hour' then $7 else c.began end "
            "where c.codes < $8 or c.began < $7 - interval '1 hour' returning account",
            grant.account,
            channel,
            self._vault.seal(grant.account, address.encode()),
            _hint(address),
            token_digest(code),
            at + lasts,
            at,
            most,
        )
        if not rows:
            raise Throttled(
                "too many codes were asked for; try again in an hour", zh="获取验证码过于频繁，请一小时后再试"
            )
        await self._office.tell(grant.account, f"contact-begin {channel}")
        return code

    async def confirm(self, grant: Grant, channel: str, code: str) -> None:
        """Set an address in force by its code. Raises NotFound (nothing waits), Unauthenticated (wrong, or too late)."""
        rows = await self._office.sql(
            "update contact set tries = tries + 1 where account = $1 and channel = $2 and code is not null "
            "returning code, code_ends, tries",
            grant.account,
            channel,
        )
        if not rows:
            raise NotFound("no address waits for a code", zh="没有待验证的接收方式")
        row = rows[0]
        right = hmac.compare_digest(bytes(row["code"]), token_digest(code.strip()))
        if not right or row["tries"] > _MOST_TRIES or row["code_ends"] < now():
            raise Unauthenticated(
                "the code is wrong or over; ask for a new one", zh="验证码不正确或已过期，请重新获取"
            )
        await self._office.sql(
            "update contact set confirmed = $3, code = null, code_ends = null where account = $1 and channel = $2",
            grant.account,
            channel,
            now(),
        )
        await self._office.tell(grant.account, f"contact-confirm {channel}")

    async def remove(self, grant: Grant, channel: str) -> None:
        """Forget an address. Raises NotFound."""
        rows = await self._office.sql(
            "delete from contact where account = $1 and channel = $2 returning account",
            grant.account,
            channel,
        )
        if not rows:
            raise NotFound("there is no such address", zh="没有该接收方式")
        await self._office.tell(grant.account, f"contact-remove {channel}")

    async def own(self, grant: Grant, channel: str) -> str:
        """Return one's own confirmed address of a channel, "" for none. It is for the sender, not for a page."""
        found = await self.reached(channel, grant.account)
        return "" if found is None else found.address

    async def wanting(
        self, channel: str, organisations: Collection[str], patients: Collection[str]
    ) -> list[str]:
        """Return the active accounts with a confirmed address of `channel` that stand for one of these."""
        rows = await self._office.sql(
            "select c.account from contact c join account a on a.name = c.account "
            "where c.channel = $1 and c.confirmed is not null and a.active and (a.patient = any($3::text[]) or exists "
            "(select from post p where p.account = a.name and p.ended is null and p.organisation = any($2::text[]))) "
            "order by c.account",
            channel,
            list(organisations),
            list(patients),
        )
        return [row["account"] for row in rows]

    async def reached(self, channel: str, account: str) -> Reached | None:
        """Return where an account is told by `channel` now; None when it is stopped or took its address back."""
        rows = await self._office.sql(
            "select c.account, c.address from contact c join account a on a.name = c.account "
            "where c.channel = $1 and c.account = $2 and c.confirmed is not null and a.active",
            channel,
            account,
        )
        found = await self._opened(rows)
        return found[0] if found else None

    async def _opened(self, rows: Sequence[Any]) -> list[Reached]:
        return [
            Reached(row["account"], self._vault.open(row["account"], bytes(row["address"])).decode())
            for row in rows
        ]


def _hint(address: str) -> str:
    """Return an address by its ends: 138****5678."""
    if len(address) <= _HEAD + _TAIL:
        return address[:1] + "****"
    return f"{address[:_HEAD]}****{address[-_TAIL:]}"
