"""What all desks of this room share: the database, today's figures, the roles, the audit, the looked-up posts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, LiteralString

from kangshu.access import Grant, Role
from kangshu.accounts.emergency_limits import EmergencyLimits, emergency_limits
from kangshu.accounts.limits import Limits, limits
from kangshu.accounts.posts import Posts
from kangshu.accounts.records import ACCOUNT_ROWS, Account, account_of
from kangshu.base.clock import now
from kangshu.base.faults import Forbidden, NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.outbound import Outbound
from kangshu.store import AuditRow, Store

_POST_WORDS: Mapping[str, str] = {
    "district": "所属区划",
    "organisation": "所属机构",
    "patient": "对应居民",
    "practitioner": "对应人员",
}


class Office:
    """The shared means. One per process."""

    def __init__(
        self,
        store: Store,
        parameters: ParameterTable,
        jurisdiction: str,
        roles: Mapping[str, Role],
        secrets: Path | None,
        outbound: Outbound,
    ) -> None:
        self.store = store
        self.roles = roles
        self.surroundings = Posts(store)
        self.secrets = secrets
        """The folder of keys that are not in the database; None where there is none."""
        self.outbound = outbound
        """The way to other systems."""
        self._parameters = parameters
        self._jurisdiction = jurisdiction

    def limits(self) -> Limits:
        """Return the figures in force today."""
        return limits(self._parameters, self._jurisdiction)

    def emergency_limits(self) -> EmergencyLimits:
        """Return the figures of emergency access that are in force today."""
        return emergency_limits(self._parameters, self._jurisdiction)

    async def sql(self, statement: LiteralString, *values: Any) -> list[Any]:
        """Return the rows of one statement of this room, by column name."""
        async with self.store.connection() as connection:
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows

    async def tell(
        self, account: str, action: str, *, outcome: str = "ok", purpose: str = "HOPERAT", detail: str = ""
    ) -> None:
        """Write an act of this room to the audit before it is answered."""
        row = AuditRow(now(), account[:64], action, "", "", outcome, purpose, detail[:2000])
        await self.store.write_audit([row])

    async def find(self, name: str) -> Account:
        """Return account `name`. Raises NotFound."""
        rows = await self.sql(ACCOUNT_ROWS + "where account.name = $1", name)
        if not rows:
            raise NotFound("there is no such account", zh="没有此账号")
        return account_of(rows[0])

    async def active(self, name: str) -> Account:
        """Return account `name`. Raises NotFound, Forbidden when it has been stopped."""
        account = await self.find(name)
        if not account.active:
            raise Forbidden("this account has been stopped", zh="该账号已停用")
        return account

    def may_look(self, grant: Grant) -> None:
        """Raise Forbidden unless `grant` may see others' accounts."""
        if not grant.may("account.manage"):
            grant.require("account.read")

    def check_roles(self, roles: tuple[str, ...], has: Mapping[str, object]) -> None:
        """Raise Unprocessable unless the roles are known and `has` holds what they need (`Role.post`)."""
        for id_ in roles:
            role = self.roles.get(id_)
            if role is None:
                raise Unprocessable(f"there is no role '{id_}'", zh=f"没有角色“{id_}”")
            for need in role.post:
                if not has.get(need):
                    raise Unprocessable(
                        f"role '{id_}' needs an account with a {need}",
                        zh=f"角色“{role.title.zh}”要求账号填写{_POST_WORDS.get(need, need)}",
                    )

    def role_title(self, id_: str) -> Text:
        """Return the title of a role; its id where it is no longer there."""
        role = self.roles.get(id_)
        return role.title if role is not None else Text(id_, id_)
