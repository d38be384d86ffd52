"""`Notices`: the face of this room: which channels there are, who is told by them, and what is on its way."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from kangshu.access import Grant
from kangshu.accounts import Accounts, Contact
from kangshu.base.faults import NotFound, Unprocessable
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.cases import Cases
from kangshu.notices import limits
from kangshu.notices.channels import Channel
from kangshu.notices.deliveries import Deliveries
from kangshu.notices.limits import NoticeLimits
from kangshu.notices.message import compose
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class Way:
    """One channel as an account sees it; `contact` is None where it has no address there."""

    id: str
    title: Text
    help: Text
    contact: Contact | None


class Notices:
    """Telling people outside the product. Without channels in the configuration nothing is told and nothing kept."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        cases: Cases,
        parameters: ParameterTable,
        jurisdiction: str,
        *,
        city: Text,
        channels: Sequence[Channel] = (),
        link: str = "",
    ) -> None:
        self._accounts, self._city, self._link = accounts, city, link
        self._channels = tuple(channels)
        self._figures = NoticeLimits(parameters, jurisdiction)
        self.deliveries = Deliveries(store, accounts, cases, channels, self._figures, city, link)

    @property
    def channels(self) -> tuple[tuple[str, Text], ...]:
        """Return (id, title) of every configured channel."""
        return tuple((one.id, one.title) for one in self._channels)

    async def ways(self, grant: Grant) -> tuple[Way, ...]:
        """Return the personal channels with one's own addresses."""
        held = {one.channel: one for one in await self._accounts.contacts.of(grant)}
        return tuple(
            Way(one.id, one.title, one.address_help, held.get(one.id))
            for one in self._channels
            if one.personal
        )

    async def bind(self, grant: Grant, channel: str, address: str) -> None:
        """Send a code to an address; it counts once `confirm` has the code.

        Raises NotFound (no such channel), Unprocessable (no address of its kind), Throttled, Unavailable.
        """
        way = self._personal(channel)
        given = address.strip()
        if not re.fullmatch(way.address_pattern, given):
            raise Unprocessable(
                f"enter: {way.address_help.en}",
                zh=f"格式不正确，请填写{way.address_help.zh}",
                expression="address",
            )
        minutes = self._figures.figure(limits.CODE_MINUTES)
        code = await self._accounts.contacts.begin(
            grant, channel, given, timedelta(minutes=minutes), self._figures.figure(limits.CODES_AN_HOUR)
        )
        await way.send(
            given, compose("code", secrets.token_hex(16), self._city, code=code, minutes=str(minutes))
        )

    async def confirm(self, grant: Grant, channel: str, code: str) -> None:
        """Set an address in force. Raises NotFound, Unauthenticated (wrong or over)."""
        self._personal(channel)
        await self._accounts.contacts.confirm(grant, channel, code)

    async def remove(self, grant: Grant, channel: str) -> None:
        """Forget one's own address. Raises NotFound."""
        await self._accounts.contacts.remove(grant, channel)

    async def try_out(self, grant: Grant, channel: str) -> None:
        """Send oneself a trial notice. Raises NotFound where no address is confirmed, Unavailable."""
        way = self._personal(channel)
        address = await self._accounts.contacts.own(grant, channel)
        if not address:
            raise NotFound("no address is confirmed there", zh="该接收方式尚未验证")
        await way.send(address, compose("trial", secrets.token_hex(16), self._city, self._link))

    def _personal(self, channel: str) -> Channel:
        found = next((one for one in self._channels if one.id == channel and one.personal), None)
        if found is None:
            raise NotFound("there is no such channel", zh="没有此通知渠道")
        return found
