"""What an account may do, looked at from outside: by itself, by those who check permissions, of one resident."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.access import Grant, Subject
from kangshu.accounts.office import Office
from kangshu.accounts.sessions import Sessions
from kangshu.accounts.standing import Standing
from kangshu.base.faults import NotFound

READ = "policy.read"
OF_A_RESIDENT = "policy.resident"


@dataclass(frozen=True, slots=True)
class Holders:
    """The accounts that hold one role in one organisation and division, as one subject; `number` of them."""

    standing: Standing
    number: int


class Permissions:
    """Answers without any secret: nothing here opens data to whoever asks."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions

    async def of(
        self, grant: Grant, name: str, post: int | None = None, deputy: int | None = None
    ) -> Standing:
        """Return how `name` stands in a post of its own, or as a deputy in another's; its first post by default.

        Raises:
            Forbidden: another's, without `policy.read`.
            NotFound: no such account, or not in that post.
        """
        if name != grant.account:
            grant.require(READ)
        account = await self._office.active(name)
        acting = await self._sessions.acting(account, post, deputy)
        held = (
            acting.deputy.id == deputy if deputy is not None and acting.deputy is not None else deputy is None
        )
        if not held or (
            post is not None and deputy is None and (acting.post is None or acting.post.id != post)
        ):
            raise NotFound("there is no such post", zh="没有此岗位")
        return await self._sessions.standing(account, acting)

    async def holders(self, grant: Grant, patient: str) -> tuple[Holders, ...]:
        """Return who holds which role where, to find out who sees the resident `patient` (an id).

        Raises:
            Forbidden: neither the resident, nor who acts for them, nor with `policy.resident`.
        """
        if not grant.acts_as(patient):
            grant.require(OF_A_RESIDENT)
        rows = await self._office.sql(
            "select role, p.organisation, p.district, count(distinct p.account) as number "
            "from post p join account a on a.name = p.account, unnest(p.roles) as role "
            "where p.ended is null and a.active group by role, p.organisation, p.district "
            "order by p.organisation, role, p.district"
        )
        found = []
        for row in rows:
            role = self._office.roles.get(row["role"])
            if role is None or "patient" in role.post:
                continue
            subject = Subject(
                account="",
                display="",
                organisation=row["organisation"],
                organisations=await self._office.surroundings.organisations(row["organisation"]),
                district=row["district"],
            )
            found.append(Holders(Standing(subject, (role,)), row["number"]))
        return tuple(found)
