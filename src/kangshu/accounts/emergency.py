"""Emergency access (应急调阅, break-glass): one resident's records, to read, for a while, for a stated reason, reviewed.

Whoever treats somebody in danger may open records that no relation opens. It is told at once to the resident, to the
account's own organisation and to the data protection officer, who says within some working days whether it was right.
It ends by itself; its account or the officer may end it before. 《个人信息保护法》第十三条第一款第（四）项、第五十二条.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString

from kangshu.access import Grant, system_grant
from kangshu.accounts.emergency_limits import EmergencyLimits
from kangshu.accounts.office import Office
from kangshu.accounts.sessions import Sessions
from kangshu.base.clock import now, today
from kangshu.base.faults import Conflict, Forbidden, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.base.working_days import china
from kangshu.sdk import Resource
from kangshu.store import EMERGENCY, Transaction, audit_row

ACCESS: Final = "emergency.access"
REVIEW: Final = "emergency.review"
JUSTIFIED: Final = "justified"
IMPROPER: Final = "improper"

REASONS: Final[Mapping[str, Text]] = {
    "resuscitation": Text("危及生命，正在抢救", "Life in danger, resuscitation under way"),
    "unable-to-speak": Text(
        "昏迷或无法表达，联系不到家属", "Unconscious or unable to speak, no family reached"
    ),
    "unknown-history": Text(
        "紧急处置须知道过敏、用药或病史", "Urgent treatment needs allergies, medication or history"
    ),
    "minor-unattended": Text("未成年人急诊，监护人未到场", "Emergency of a minor, no guardian present"),
    "public-emergency": Text("突发公共卫生事件救治", "Care in a public-health emergency"),
    "other": Text("其他紧急情况", "Another emergency"),
}
"""The reasons that may be chosen; each asks for words of its own besides."""

_GRANT: Final = system_grant("emergency access")


@dataclass(frozen=True, slots=True)
class Emergency:
    """One emergency access. `verdict` is "" until it has been reviewed, then `justified` or `improper`."""

    id: int
    account: str
    display: str
    organisation: str
    on_behalf_of: str
    patient: str
    reason_code: str
    reason: str
    opened: datetime
    until: datetime
    ended: datetime | None
    ended_by: str
    review_due: date
    verdict: str
    comment: str
    reviewed: datetime | None
    reviewer: str

    @property
    def over(self) -> datetime:
        """Return when it ended or will end."""
        return self.until if self.ended is None else min(self.until, self.ended)

    @property
    def is_open(self) -> bool:
        """Return whether it opens records now."""
        return self.over > now()

    @property
    def is_overdue(self) -> bool:
        """Return whether the day by which it was to be reviewed has passed without a verdict."""
        return not self.verdict and today() > self.review_due


class Emergencies:
    """The emergency accesses of all accounts."""

    def __init__(self, office: Office, sessions: Sessions) -> None:
        self._office = office
        self._sessions = sessions

    def limits(self) -> EmergencyLimits:
        """Return the figures in force today."""
        return self._office.emergency_limits()

    async def break_glass(
        self, grant: Grant, number: str, name: str, reason_code: str, reason: str
    ) -> Emergency:
        """Open the records of the resident of exactly this identity number and name; one that is open is returned.

        Raises:
            Forbidden: without `emergency.access`, through an application, or with too many accesses unreviewed or
                improper.
            Unprocessable: no known reason, or too few words.
            NotFound: nobody of both; no other way tells whether there is such a resident.
        """
        code, words = reason_code.strip(), reason.strip()
        await self._may_break(grant, code, words)
        # what is looked for and by whom is in the audit, found or not
        looking = replace(
            system_grant(grant.display),
            account=grant.account,
            purpose=EMERGENCY,
            on_behalf_of=grant.on_behalf_of,
        )
        found = await self._office.store.find_resident(looking, number, name)
        if found is None:
            raise NotFound("nobody has both this number and this name", zh="没有证件号和姓名都相符的居民")
        return await self._open(grant, found.id, code, words)

    async def _may_break(self, grant: Grant, code: str, words: str) -> None:
        grant.require(ACCESS)
        if grant.app:
            raise Forbidden(
                "emergency access is for a person at the product's own pages",
                zh="应急调阅只能由本人在本平台页面上发起",
            )
        figures = self.limits()
        if code not in REASONS:
            raise Unprocessable("choose one of the reasons", zh="请选择应急原因")
        if not figures.reason_length <= len(words) <= 500:
            raise Unprocessable(
                f"tell the situation in {figures.reason_length} to 500 characters",
                zh=f"请写明当时的情况（{figures.reason_length} 至 500 字）",
            )
        rows = await self._office.sql(
            "select count(*) filter (where verdict = '') as unreviewed, "
            "count(*) filter (where verdict = 'improper' and opened > $2) as improper "
            "from emergency where account = $1",
            grant.account,
            now() - timedelta(days=figures.improper_days),
        )
        if rows[0]["unreviewed"] >= figures.unreviewed_most or rows[0]["improper"] > figures.improper_most:
            fault = Forbidden(
                "too many emergency accesses of this account wait for review or were improper",
                zh="您的应急调阅待复核过多，或有被判定为不当的，暂不能再次发起；请联系个人信息保护负责人",
            )
            await self._tell(grant, "emergency-open", "", words, outcome=fault.code)
            raise fault

    async def _open(self, grant: Grant, patient: str, code: str, words: str) -> Emergency:
        store, moment, figures = self._office.store, now(), self.limits()
        await self._tell(grant, "emergency-request", patient, words)
        due = china().add(today(), figures.review_days)
        offices = await self._offices(grant)
        async with store.transaction(_GRANT) as transaction:
            connection = transaction.connection
            # two requests of one account for one resident open one access
            await connection.fetch("select name from account where name = $1 for update", grant.account)
            standing = await connection.fetch(
                _SELECT
                + "where e.account = $1 and e.patient = $2 and e.organisation = $3 and e.ended is null "
                "and e.until > $4",
                grant.account,
                patient,
                grant.organisation,
                moment,
            )
            if standing:
                return _emergency(standing[0])
            rows = await connection.fetch(
                "insert into emergency (account, organisation, on_behalf_of, patient, reason_code, reason, opened, "
                "until, review_due) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id",
                grant.account,
                grant.organisation,
                grant.on_behalf_of,
                patient,
                code,
                words,
                moment,
                moment + figures.lasts,
                due,
            )
            made = _emergency((await connection.fetch(_SELECT + "where e.id = $1", rows[0]["id"]))[0])
            await self._announce(transaction, made, offices)
        await self._sessions.changed()
        await self._tell(grant, "emergency-open", patient, words)
        return made

    async def end(self, grant: Grant, id_: int) -> Emergency:
        """End an access now: one's own, or any with `emergency.review`. Raises NotFound for another's."""
        held = await self._one(id_)
        if held.account != grant.account and not grant.may(REVIEW):
            raise NotFound("there is no such emergency access", zh="没有这条应急调阅")
        if held.is_open:
            await self._office.sql(
                "update emergency set ended = $2, ended_by = $3 where id = $1 and ended is null and until > $2",
                id_,
                now(),
                grant.account,
            )
            await self._sessions.changed()
            await self._tell(grant, "emergency-end", held.patient, "")
        return await self._one(id_)

    async def review(self, grant: Grant, id_: int, verdict: str, comment: str) -> Emergency:
        """Say whether an access was `justified` or `improper`; one that is still open ends with it.

        Raises:
            Forbidden: without `emergency.review`, or of one's own.
            NotFound, Conflict: none of this number; it has its verdict.
            Unprocessable: no such verdict, or too few words on an improper one.
        """
        grant.require(REVIEW)
        held, words = await self._one(id_), comment.strip()
        if held.account == grant.account or held.on_behalf_of == grant.account:
            raise Forbidden("nobody reviews their own emergency access", zh="不得复核本人发起的应急调阅")
        if verdict not in (JUSTIFIED, IMPROPER):
            raise Unprocessable("choose justified or improper", zh="请选择正当或不当")
        if len(words) > 500 or (verdict == IMPROPER and len(words) < self.limits().reason_length):
            raise Unprocessable("say why it was improper", zh="判定为不当的，请写明理由")
        moment = now()
        async with self._office.store.transaction(_GRANT) as transaction:
            rows = await transaction.connection.fetch(
                "update emergency set verdict = $2, comment = $3, reviewed = $4, reviewer = $5, "
                "ended_by = case when ended is null and until > $4 then $5 else ended_by end, "
                "ended = case when ended is null and until > $4 then $4 else ended end "
                "where id = $1 and verdict = '' returning id",
                id_,
                verdict,
                words,
                moment,
                grant.account,
            )
            if not rows:
                raise Conflict("this emergency access has been reviewed", zh="这条应急调阅已经复核")
            await self._announce_verdict(transaction, held, verdict)
        await self._sessions.changed()
        await self._tell(grant, f"emergency-{verdict}", held.patient, words)
        return await self._one(id_)

    # looking

    async def open_of(self, grant: Grant) -> tuple[Emergency, ...]:
        """Return the accesses that are open for the account as it acts now."""
        if not grant.emergency:
            return ()
        rows = await self._office.sql(
            _SELECT + "where e.account = $1 and e.organisation = $2 and e.ended is null and e.until > $3 "
            "order by e.until",
            grant.account,
            grant.organisation,
            now(),
        )
        return tuple(_emergency(row) for row in rows)

    async def own(self, grant: Grant) -> tuple[Emergency, ...]:
        """Return the account's own accesses, the newest first, with what was said of them."""
        return await self._listed("where e.account = $1 order by e.id desc limit 200", grant.account)

    async def queue(self, grant: Grant, *, reviewed: bool = False) -> tuple[Emergency, ...]:
        """Return the accesses to be reviewed, the first due first; or those that have been, the newest first.

        Raises:
            Forbidden: without `emergency.review`.
        """
        grant.require(REVIEW)
        if reviewed:
            return await self._listed("where e.verdict <> '' order by e.reviewed desc limit 200")
        return await self._listed("where e.verdict = '' order by e.review_due, e.id limit 500")

    async def of_patient(self, grant: Grant, patient: str) -> tuple[Emergency, ...]:
        """Return every access to the records of a resident, the newest first.

        Raises:
            Forbidden: neither the resident, nor who acts for them, nor with `emergency.review`.
        """
        if not grant.acts_as(patient):
            grant.require(REVIEW)
        return await self._listed("where e.patient = $1 order by e.id desc limit 500", patient)

    async def _listed(self, condition: LiteralString, *values: Any) -> tuple[Emergency, ...]:
        return tuple(_emergency(row) for row in await self._office.sql(_SELECT + condition, *values))

    async def _one(self, id_: int) -> Emergency:
        found = await self._listed("where e.id = $1", id_)
        if not found:
            raise NotFound("there is no such emergency access", zh="没有这条应急调阅")
        return found[0]

    # telling

    async def _tell(
        self, grant: Grant, action: str, patient: str, words: str, *, outcome: str = "ok"
    ) -> None:
        row = audit_row(
            replace(grant, purpose=EMERGENCY), action, "Patient", patient, outcome=outcome, reason=words
        )
        await self._office.store.write_audit([row])

    async def _offices(self, grant: Grant) -> tuple[str, ...]:
        """Return the organisations of those who review, with the account's own."""
        reviewing = [id_ for id_, role in self._office.roles.items() if REVIEW in role.operations]
        rows = await self._office.sql(
            "select distinct p.organisation from post p join account a on a.name = p.account "
            "where a.active and p.ended is null and p.organisation <> '' and p.roles && $1::text[]",
            reviewing,
        )
        return tuple(dict.fromkeys([row["organisation"] for row in rows] + [grant.organisation]))

    async def _announce(self, transaction: Transaction, made: Emergency, offices: Sequence[str]) -> None:
        why, until = REASONS[made.reason_code], made.until.isoformat(timespec="minutes")
        await transaction.create(
            _notice(
                f"Patient/{made.patient}",
                Text(
                    f"医护人员因“{why.zh}”应急查看了您的健康档案，有效至 {until}；将由个人信息保护负责人复核。",
                    f"Your record was opened in an emergency ({why.en}) until {until}; it will be reviewed.",
                ),
                patient=made.patient,
            )
        )
        # the others learn who and why; whose record it was is told where it is reviewed
        for office in filter(None, offices):
            await transaction.create(
                _notice(
                    f"Organization/{office}",
                    Text(
                        f"应急调阅第 {made.id} 号：{made.display}，原因“{why.zh}”，有效至 {until}，"
                        f"请于 {made.review_due.isoformat()} 前复核。",
                        f"Emergency access {made.id}: {made.display}, {why.en}, until {until}; "
                        f"to be reviewed by {made.review_due.isoformat()}.",
                    ),
                    urgent=True,
                )
            )

    async def _announce_verdict(self, transaction: Transaction, held: Emergency, verdict: str) -> None:
        said = Text("正当", "justified") if verdict == JUSTIFIED else Text("不当", "improper")
        day = held.opened.date().isoformat()
        await transaction.create(
            _notice(
                f"Patient/{held.patient}",
                Text(
                    f"{day} 对您健康档案的应急查看已复核，结论：{said.zh}。",
                    f"The emergency access to your record of {day} was reviewed: {said.en}.",
                ),
                patient=held.patient,
            )
        )
        if held.organisation:
            await transaction.create(
                _notice(
                    f"Organization/{held.organisation}",
                    Text(
                        f"应急调阅第 {held.id} 号（{held.display}）已复核，结论：{said.zh}。",
                        f"Emergency access {held.id} ({held.display}) was reviewed: {said.en}.",
                    ),
                    urgent=verdict == IMPROPER,
                )
            )


_SELECT: Final[LiteralString] = "select e.*, a.display from emergency e join account a on a.name = e.account "


def _emergency(row: Mapping[str, Any]) -> Emergency:
    return Emergency(**{name: row[name] for name in Emergency.__slots__})


def _notice(recipient: str, text: Text, *, patient: str = "", urgent: bool = False) -> Resource:
    made: Resource = {
        "resourceType": "Communication",
        "status": "completed",
        "priority": "urgent" if urgent else "routine",
        "recipient": [{"reference": recipient}],
        "sent": now().isoformat(timespec="seconds"),
        "payload": [{"contentString": text.zh}, {"contentString": text.en}],
    }
    if patient:
        made["subject"] = {"reference": f"Patient/{patient}"}
    return made
