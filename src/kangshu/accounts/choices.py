"""What accounts choose for their screens and keep under a name, and what an office chooses for a screen of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kangshu.access import Grant
from kangshu.accounts.office import Office
from kangshu.base.faults import NotFound, TooLarge, Unprocessable

MOST: Final = 50
"""Choices of one kind that an account keeps."""
_ALL: Final = ""
"""In place of an account: what is chosen for everybody."""
_LONGEST_NAME: Final = 60
_LONGEST_VALUE: Final = 4000


class Choices:
    """Texts by kind and name. One's own are seen by oneself; those of the installation by everybody."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def own(self, grant: Grant, kind: str) -> Mapping[str, str]:
        """Return what the account has kept, by name."""
        return await self._of(grant.account, kind)

    async def keep(self, grant: Grant, kind: str, name: str, value: str) -> None:
        """Keep one's own choice under `name`, in place of what had that name.

        Raises Unprocessable (no name, or too long), TooLarge (more than MOST of a kind).
        """
        held = await self.own(grant, kind)
        if name not in held and len(held) >= MOST:
            raise TooLarge(f"at most {MOST} are kept; remove one first", zh=f"最多保存{MOST}项，请先删除一项")
        await self._put(grant, grant.account, kind, name, value)

    async def remove(self, grant: Grant, kind: str, name: str) -> None:
        """Forget one's own choice. Raises NotFound."""
        rows = await self._office.sql(
            "delete from kept_choice where account = $1 and kind = $2 and name = $3 returning name",
            grant.account, kind, name,
        )  # fmt: skip
        if not rows:
            raise NotFound("nothing is kept under this name", zh="没有以此名称保存的内容")
        await self._office.tell(grant.account, f"choice-remove {kind}")

    async def of_all(self, kind: str) -> Mapping[str, str]:
        """Return what is chosen for the installation, by name."""
        return await self._of(_ALL, kind)

    async def choose_for_all(self, grant: Grant, operation: str, kind: str, name: str, value: str) -> None:
        """Choose for the installation; "" goes back to what is declared. Raises Forbidden without `operation`."""
        grant.require(operation)
        if value:
            await self._put(grant, _ALL, kind, name, value)
            return
        await self._office.sql(
            "delete from kept_choice where account = $1 and kind = $2 and name = $3 returning name",
            _ALL, kind, name,
        )  # fmt: skip
        await self._office.tell(grant.account, f"choice-remove {kind}")

    async def _of(self, account: str, kind: str) -> Mapping[str, str]:
        rows = await self._office.sql(
            "select name, value from kept_choice where account = $1 and kind = $2 order by name",
            account,
            kind,
        )
        return {row["name"]: row["value"] for row in rows}

    async def _put(self, grant: Grant, account: str, kind: str, name: str, value: str) -> None:
        if not name or len(name) > _LONGEST_NAME or len(value) > _LONGEST_VALUE:
            raise Unprocessable(
                f"a name has 1 to {_LONGEST_NAME} characters", zh=f"名称须为1至{_LONGEST_NAME}个字"
            )
        await self._office.sql(
            "insert into kept_choice (account, kind, name, value, by) values ($1, $2, $3, $4, $5) "
            "on conflict (account, kind, name) do update set value = excluded.value, by = excluded.by, changed = now() "
            "returning name",
            account, kind, name, value, grant.account,
        )  # fmt: skip
        await self._office.tell(grant.account, f"choice-keep {kind}")
