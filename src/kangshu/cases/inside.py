"""内部办理: a unit that works on papers inside. Its own case is opened for what comes in; what it signs goes out.

The Organization says so itself (extension `internal-flow`). What is internal carries the label INTERNAL: the case, its
notices and its papers. A section that gets the case gets its papers; papers that leave with the answer lose the label.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from kangshu.access import Grant, PatientIn, any_of
from kangshu.base.canonical import INTERNAL, STATISTICAL, structure
from kangshu.base.faults import Gone, NotFound
from kangshu.base.text import Text
from kangshu.cases.tasks import inputs, number_of, reference_id
from kangshu.sdk import CaseDeclaration, Resource
from kangshu.store import LABELLING, Transaction

CARRIES_INSIDE: Final = "internal-flow"
"""What a case kind declares in `carries` when it is the one that a unit opens inside for a case that came in."""
INTERNAL_FLOW: Final = structure("internal-flow")
"""Extension of an Organization (valueBoolean): its answers leave it only signed, by its internal case."""
NORMAL: Final = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "N"}
"""What stands in place of the label of a paper that has left the unit; it restricts nothing."""
RESPONSIBLE: Final = structure("responsible-organisation")
SIGNED_ALONE: Final = Text(
    "本单位实行内部办理：请在内部办件中完成核稿、审签，由“报送”作出答复。",
    "This unit works on papers inside: its answer leaves by the internal case, once checked and signed.",
)


async def works_inside(transaction: Transaction, organisation: str) -> bool:
    """Return whether this unit answers by an internal case."""
    if not organisation:
        return False
    try:
        found = (await transaction.read("Organization", organisation)).resource
    except (NotFound, Gone):
        return False
    return uses_internal_flow(found)


def uses_internal_flow(organisation: Resource) -> bool:
    """Return what the unit has set for itself; off where it has said nothing."""
    return any(
        one.get("url") == INTERNAL_FLOW and one.get("valueBoolean") is True
        for one in organisation.get("extension", ())
    )


def labelled(resource: Resource, declaration: CaseDeclaration) -> Resource:
    """Return `resource`, a case of this kind or a paper of one, with the label of what stays within the unit, or between the
    unit and the statistics office; as it is where the kind is open."""
    label = INTERNAL if declaration.internal else STATISTICAL if declaration.secret else None
    if label is None:
        return resource
    return {**resource, "meta": {**resource.get("meta", {}), "security": [dict(label)]}}


def incoming(declaration: CaseDeclaration, task: Resource) -> dict[str, Any]:
    """Return what the internal case is told of the case that came in, as far as its form has the fields."""
    kept = inputs(task)
    said = {
        "subject": task.get("description"),
        "from_unit": (task.get("requester") or {}).get("display"),
        "document_number": number_of(task),
        "content": kept.get("content") or kept.get("instruction") or kept.get("finding"),
        "due": kept.get("due"),
        "papers": kept.get("papers"),
    }
    known = {field.id for field in declaration.form}
    return {name: value for name, value in said.items() if name in known and value}


async def share_papers(transaction: Transaction, task: Resource, organisation: str) -> None:
    """Let the section that has got an internal case open the papers that stand in it."""
    for id_ in papers_of(inputs(task)):
        await open_paper(transaction, id_, f"Organization/{organisation}")


async def open_paper(transaction: Transaction, id_: str, organisation: str) -> None:
    """Let `organisation` (a reference) open one paper."""
    mark = {"url": RESPONSIBLE, "valueReference": {"reference": organisation}}
    await transaction.lock("DocumentReference", id_)
    stored = await transaction.read("DocumentReference", id_)
    held = stored.resource.get("extension", [])
    if mark not in held:
        await transaction.update({**stored.resource, "extension": [*held, mark]}, if_match=stored.version)


async def release(transaction: Transaction, values: Mapping[str, Any]) -> None:
    """Take the label off the papers that leave the unit with its answer."""
    for id_ in papers_of(values):
        await transaction.lock("DocumentReference", id_)
        stored = await transaction.read("DocumentReference", id_)
        meta = stored.resource.get("meta", {})
        if any(one.get("code") == INTERNAL["code"] for one in meta.get("security", ())):
            changed = {**stored.resource, "meta": {**meta, "security": [dict(NORMAL)]}}
            await transaction.update(changed, if_match=stored.version)


def papers_of(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the DocumentReferences among form values."""
    for value in values.values():
        listed: Iterable[Any] = value if isinstance(value, list) else (value,)
        for one in listed:
            if isinstance(one, str) and one.startswith("DocumentReference/"):
                yield one.removeprefix("DocumentReference/")


async def keep_papers(
    transaction: Transaction, grant: Grant, papers: Sequence[Resource], declaration: CaseDeclaration
) -> None:
    """Write new records under the ids they bring, as the account itself may; those of an internal case stay inside.

    Whoever acts for a resident in a case adds the resident's papers to it: the case takes them in, not the role.
    """
    if declaration.internal or declaration.secret:
        grant = replace(grant, operations=grant.operations | {LABELLING})
    for paper in papers:
        kept = labelled(paper, declaration)
        await transaction.under(_with_own_papers(grant, paper)).create_as(str(paper["id"]), kept)


def _with_own_papers(grant: Grant, paper: Resource) -> Grant:
    """Return the grant with the right to write this paper, where it is about a resident for whom the account acts."""
    resident = reference_id(paper.get("subject"), "Patient")
    if not resident or not (grant.acts_as(resident) or resident in grant.mandates):
        return grant
    kind = str(paper["resourceType"])
    own = any_of([grant.may_write(kind), PatientIn(frozenset({resident}))])
    return replace(grant, write=MappingProxyType({**grant.write, kind: own}))
