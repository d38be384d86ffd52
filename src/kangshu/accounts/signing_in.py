"""Sign-in by password and second factor, with the locks: an account after failures, an address of the network too."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Final

from kangshu.accounts.limits import Limits
from kangshu.accounts.office import Office
from kangshu.accounts.passwords import token_digest, verify_password
from kangshu.accounts.records import ACCOUNT_ROWS, Account, Session, account_of
from kangshu.accounts.second_factor import SecondFactors
from kangshu.accounts.sessions import Sessions
from kangshu.base import origin
from kangshu.base.clock import now
from kangshu.base.faults import Throttled, Unauthenticated

_STEP: Final = timedelta(minutes=5)
"""How long a right password waits for its code."""


class SigningIn:
    """The door: from a name and a password to a session."""

    def __init__(self, office: Office, sessions: Sessions, second_factors: SecondFactors) -> None:
        self._office = office
        self._sessions = sessions
        self._second_factors = second_factors

    async def by_password(self, name: str, password: str, address: str, agent: str) -> Session:
        """Return a session, or with `needs_code` the step before it.

        Raises Unauthenticated (one text for every reason), Throttled while the account or the address is locked.
        """
        figures = self._office.limits()
        await self._refuse_address(address, figures)
        rows = await self._office.sql(ACCOUNT_ROWS + "where account.name = $1", name.strip())
        row = rows[0] if rows else None
        usable = row is not None and row["active"] and row["kind"] == "person"
        encoded = row["password"] if row is not None and usable else None
        if row is not None:
            await self.refuse_locked(row)
        if not await asyncio.to_thread(verify_password, encoded, password):
            await self._count_failure(row["name"] if row is not None else "", address, figures)
            # an unknown name is not kept: people type their password there
            await self._office.tell(row["name"] if row is not None else "", "sign-in", outcome="login")
            raise Unauthenticated("the name or the password is wrong", zh="账号或密码错误")
        account = account_of(row)  # type: ignore[arg-type]  # a verified password has a row
        return await self.admit_or_ask(account, "sign-in", address, agent)

    async def by_code(self, step: str, code: str, address: str, agent: str) -> Session:
        """Return the session of a right password whose second factor `code` is.

        Raises Unauthenticated (a wrong code counts like a wrong password; `step` may have ended), Throttled.
        """
        figures = self._office.limits()
        await self._refuse_address(address, figures)
        rows = await self._office.sql(
            ACCOUNT_ROWS  # noqa: S608  # literals alone
            + "where account.active and account.name = "
            "(select account from account_token where digest = $1 and kind = 'step' and expires > $2)",
            token_digest(step),
            now(),
        )
        if not rows:
            raise StepOver("this sign-in took too long; begin again", zh="登录已超时，请重新输入账号和密码")
        await self.refuse_locked(rows[0])
        account = account_of(rows[0])
        if not await self._second_factors.takes(account.name, code):
            await self._count_failure(account.name, address, figures)
            await self._office.tell(account.name, "sign-in-code", outcome="login")
            raise Unauthenticated("the code is wrong, or has been used", zh="动态口令错误或已使用过")
        await self._sessions.end(step)
        return await self.admit(account, "sign-in-code", address, agent)

    async def admit_or_ask(self, account: Account, act: str, address: str, agent: str) -> Session:
        """Return the session of an account that has proved who it is, or the step before its second factor."""
        if not account.second_factor:
            return await self.admit(account, act, address, agent)
        expires = now() + _STEP
        token = await self._sessions.issue(account.name, "step", expires, address=address, agent=agent)
        return Session(token, account, expires, needs_code=True)

    async def refuse_address(self) -> str:
        """Return the network address of the present call. Raises Throttled after many failures from there."""
        address = origin.address()
        await self._refuse_address(address, self._office.limits())
        return address

    async def count_failure(self, name: str, address: str) -> None:
        """Count a failed sign-in against account and address, "" for none."""
        await self._count_failure(name, address, self._office.limits())

    async def admit(self, account: Account, act: str, address: str, agent: str) -> Session:
        """Return a new session of an account that has proved who it is."""
        await self._office.sql(
            "update account set failures = 0, locked_until = null, last_sign_in = $2 where name = $1",
            account.name,
            now(),
        )
        await self._office.tell(account.name, act)
        expires = now() + self._office.limits().session
        token = await self._sessions.issue(account.name, "session", expires, address=address, agent=agent)
        return Session(token, account, expires)

    async def refuse_locked(self, row: Any) -> None:
        """Raise Throttled while the account of `row` is locked."""
        if row["locked_until"] is not None and row["locked_until"] > now():
            await self._office.tell(row["name"], "sign-in", outcome="throttled")
            raise Throttled(
                "too many failed sign-ins: this account is locked for a while",
                zh="登录失败次数过多，账号已临时锁定，请稍后再试或联系安全管理员解锁",
            )

    async def _refuse_address(self, address: str, figures: Limits) -> None:
        if not address:
            return
        rows = await self._office.sql(
            "select count(*) as number from sign_in_failure where address = $1 and at > $2",
            address,
            now() - figures.address_span,
        )
        if rows[0]["number"] >= figures.address_failures:
            await self._office.tell("", "sign-in", outcome="throttled", detail="address")
            raise Throttled(
                "too many failed sign-ins from this network address; wait a while",
                zh="该网络地址登录失败次数过多，请稍后再试",
            )

    async def _count_failure(self, name: str, address: str, figures: Limits) -> None:
        if address:
            await self._office.sql("delete from sign_in_failure where at < $1", now() - figures.address_span)
            await self._office.sql(
                "insert into sign_in_failure (address, at) values ($1, $2)", address[:64], now()
            )
        if name:
            await self._office.sql(
                "update account set failures = case when failures + 1 >= $2 then 0 else failures + 1 end, "
                "locked_until = case when failures + 1 >= $2 then $3 else locked_until end where name = $1",
                name,
                figures.failures,
                now() + figures.lock,
            )


class StepOver(Unauthenticated):
    """The password was right, but its step has ended: the sign-in begins again."""
