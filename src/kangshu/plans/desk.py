"""核对台: a person confirms and mends what was read of a document. Every act is one revision, signed, and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from kangshu.access import Grant
from kangshu.base.clock import instant, now
from kangshu.base.faults import Conflict, Invalid, Issue, NotFound
from kangshu.cases import Cases
from kangshu.documents import Document
from kangshu.fhir import render
from kangshu.plans import editing, finding_words, findings
from kangshu.plans.amending import Amended, amend_plan
from kangshu.plans.changing import change_plan, person, source_text, stored_plan
from kangshu.plans.findings import Resolve
from kangshu.plans.importing import directory
from kangshu.plans.marks import Hand, locate
from kangshu.plans.model import FindingKind, Progress
from kangshu.plans.reading import read_plan
from kangshu.plans.units import ResolvedUnit
from kangshu.plans.view import is_foreign, plan_view
from kangshu.sdk import Resource
from kangshu.store import Store


@dataclass(frozen=True, slots=True)
class Act:
    """What an act left: the finding to look at next, the plan's version, and what else a person should know."""

    finding: str
    version: int
    progress: Progress
    told: int = 0
    """How many holders of duties were told that their clause has changed."""
    issues: tuple[Issue, ...] = ()


def print_of(element: Resource) -> str:
    """Return a short fingerprint of a finding, by which a form that was made of an older state of it is known."""
    return sha256(render(element)).hexdigest()[:12]


class Desk:
    """What the plan office does on the review page. Every call asks for the operation `plan.link`.

    It concerns the reading of a document alone, so another city's plan may be mended too.
    """

    def __init__(self, store: Store, cases: Cases, jurisdiction: str, today: Callable[[], date]) -> None:
        self._store = store
        self._cases = cases
        self._jurisdiction = jurisdiction
        self._today = today

    async def accept(self, grant: Grant, plan_id: str, chosen: Collection[str]) -> Act:
        """Confirm findings as they stand; a doubt (`doubt-3`) is settled. Raises NotFound, Invalid for none."""
        grant.require("plan.link")
        if not chosen:
            raise Invalid("choose at least one finding", zh="请至少选择一项")
        hand, day = _hand(grant), self._today().isoformat()

        def change(plan: Resource) -> None:
            for one in chosen:
                if one.startswith("doubt-"):
                    editing.settle(plan, one, "", hand.by, day)
                else:
                    findings.accept(plan, [one], hand)

        stored = await change_plan(self._store, grant, plan_id, change, act="accepted", foreign=True)
        progress = plan_view(stored.resource, "", {}).progress
        return Act(next(iter(chosen)), stored.version, progress)

    async def fingerprint(self, grant: Grant, plan_id: str, finding: str) -> str:
        """Return the fingerprint of a finding as it stands. Raises NotFound."""
        grant.require("plan.read")
        return print_of(locate((await stored_plan(self._store, grant, plan_id)).resource, finding).element)

    async def correct(
        self,
        grant: Grant,
        plan_id: str,
        finding: str,
        said: Mapping[str, str],
        *,
        seen: str = "",
        basis: str = "",
    ) -> Act:
        """Put a person's words in the place of what was read; units that are named anew are looked up.

        `said` has text, lead and cooperating (names of units) of a clause; indicator, comparator, value, unit and due of
        a target; amount, cap, per and condition of a money rule. `seen` is the finding's fingerprint when the form was made, `basis` what the amendment rests on, for the
        holders of duties.

        Raises:
            NotFound: no such plan or finding.
            Conflict: somebody has changed the finding since.
            Invalid: words that the kind of finding does not admit.
        """
        resolve = await self._resolve(grant, plan_id)

        def change(plan: Resource) -> str:
            _unchanged(plan, finding, seen)
            words = finding_words.words_of(locate(plan, finding).kind, said)
            findings.correct(plan, finding, words, resolve, _hand(grant))
            return finding

        return await self._amend(grant, plan_id, change, "corrected", basis)

    async def split(self, grant: Grant, plan_id: str, finding: str, at: int, *, basis: str = "") -> Act:
        """Cut a clause in two before offset `at` of the document's text. Raises NotFound, Invalid."""
        text = await self._text(grant, plan_id)

        def change(plan: Resource) -> str:
            findings.split(plan, text, finding, at, _hand(grant))
            return finding

        return await self._amend(grant, plan_id, change, "split", basis)

    async def merge(self, grant: Grant, plan_id: str, finding: str, *, basis: str = "") -> Act:
        """Join a clause with the next one of the document. Raises NotFound; Unprocessable where that one has open duties."""
        text = await self._text(grant, plan_id)

        def change(plan: Resource) -> str:
            findings.merge(plan, text, finding, _hand(grant, plan))
            return finding

        return await self._amend(grant, plan_id, change, "merged", basis)

    async def add(
        self, grant: Grant, plan_id: str, start: int, end: int, kind: FindingKind, said: Mapping[str, str]
    ) -> Act:
        """Add a finding that the reader missed, at `start`…`end` of the document's text; `said` as in `correct`.

        Raises NotFound, Invalid.
        """
        words = finding_words.words_of(kind, said)
        text, resolve = await self._text(grant, plan_id), await self._resolve(grant, plan_id)

        def change(plan: Resource) -> str:
            return findings.add(plan, text, start, end, words, resolve, _hand(grant))

        return await self._amend(grant, plan_id, change, "added", "")

    async def reject(self, grant: Grant, plan_id: str, finding: str, note: str = "") -> Act:
        """Put aside what is no finding. Raises NotFound; Unprocessable for a clause with open duties."""
        grant.require("plan.link")

        def change(plan: Resource) -> str:
            findings.reject(plan, finding, note, _hand(grant, plan))
            return ""

        return await self._amend(grant, plan_id, change, "rejected", note)

    def guess(self, kind: FindingKind, words: str) -> dict[str, str]:
        """Return what the reader makes of selected words, as `said` of `add`; a person corrects it before it is added."""
        reading = read_plan(Document(words))
        match kind:
            case "target" if reading.targets:
                return finding_words.said_of_target(reading.targets[0])
            case "money" if reading.money:
                return finding_words.said_of_money(reading.money[0])
            case "clause":
                lead = "\n".join(dict.fromkeys(one for task in reading.tasks for one in task.lead))
                co = "\n".join(dict.fromkeys(one for task in reading.tasks for one in task.cooperating))
                return {"text": " ".join(words.split()), "lead": lead, "cooperating": co}
        return {"indicator": " ".join(words.split())} if kind == "target" else {}

    async def place(self, grant: Grant, plan_id: str, words: str, finding: str = "") -> tuple[int, int]:
        """Return where `words` stand in the document, or within a finding of it; for those who cannot select.

        Raises:
            Invalid: no words, or they stand nowhere or in several places.
        """
        text = await self._text(grant, plan_id)
        low, high = 0, len(text)
        if finding:
            plan = plan_view((await stored_plan(self._store, grant, plan_id)).resource, "", {})
            clause = plan.clause(finding)
            if clause is None:
                raise NotFound("the plan has no such clause", zh="规划中没有该条款")
            low, high = clause.anchor.start, clause.anchor.end
        wanted = words.strip()
        first = text.find(wanted, low, high) if wanted else -1
        if first < 0:
            raise Invalid(
                "these words stand not in the document",
                zh="原文中找不到这些文字，请照原文填写",
                expression="words",
            )
        if text.find(wanted, first + 1, high) >= 0:
            raise Invalid(
                "these words stand there more than once",
                zh="这些文字在原文中不止一处，请多填几个字",
                expression="words",
            )
        return first, first + len(wanted)

    async def _amend(
        self, grant: Grant, plan_id: str, change: Callable[[Resource], str], act: str, basis: str
    ) -> Act:
        grant.require("plan.link")
        about = ""

        def apply(plan: Resource) -> None:
            nonlocal about
            about = change(plan)

        made: Amended = await amend_plan(
            self._store,
            self._cases,
            grant,
            plan_id,
            apply,
            act=act,
            today=self._today(),
            basis=basis.strip()[:300],
        )
        progress = plan_view(made.stored.resource, "", {}).progress
        return Act(about, made.stored.version, progress, made.told, made.issues)

    async def _text(self, grant: Grant, plan_id: str) -> str:
        grant.require("plan.link")
        text = await source_text(
            self._store, grant, (await stored_plan(self._store, grant, plan_id)).resource
        )
        if not text:
            raise NotFound("the plan's document is not at hand", zh="没有该规划的原文，不能按原文操作")
        return text

    async def _resolve(self, grant: Grant, plan_id: str) -> Resolve:
        grant.require("plan.link")
        if is_foreign((await stored_plan(self._store, grant, plan_id)).resource):
            return lambda written: ResolvedUnit(written, ())
        units, _ = await directory(self._store, grant, self._jurisdiction)
        return units.resolve


def _hand(grant: Grant, plan: Resource | None = None) -> Hand:
    version = int((plan or {}).get("meta", {}).get("versionId", 0) or 0)
    return Hand(person(grant), instant(now()), version)


def _unchanged(plan: Resource, finding: str, seen: str) -> None:
    if seen and print_of(locate(plan, finding).element) != seen:
        raise Conflict(
            "somebody has changed this finding since you opened it",
            zh="该项在您打开后已被他人修改，请核对最新内容后再提交",
        )
