"""Writers at the same time, transactions, Bundles, the feed, the queue, the audit."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kangshu.access import Everything, Grant, NoPatient, system_grant
from kangshu.base.clock import now
from kangshu.base.faults import Conflict, Forbidden, Invalid, MultipleMatches, NotFound, PreconditionFailed
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.search import parse_criteria
from kangshu.store import AuditQuery, Store, UniqueRule

SYSTEM = system_grant("test")


def identified(value: str) -> Resource:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:x", "value": value}]}


async def test_a_hundred_conditional_creates_make_one(store: Store) -> None:
    done = await asyncio.gather(
        *(store.create(SYSTEM, identified("1"), if_none_exist="identifier=urn:x|1") for _ in range(100))
    )
    assert sum(one.created for one in done) == 1
    assert len({one.stored.id for one in done}) == 1


async def test_a_hundred_first_updates_are_versions_of_one(store: Store) -> None:
    await asyncio.gather(*(store.update(SYSTEM, {**identified(str(n)), "id": "p"}) for n in range(100)))
    history = await store.history(SYSTEM, "Patient", "p", count=200)
    assert [one.version for one in history.entries] == list(range(100, 0, -1))
    found = await store.search(SYSTEM, parse_criteria("Patient", "identifier=urn:x|"))
    assert [one.id for one in found.entries] == ["p"]


async def test_unique_rules_hold_among_parallel_writers(store: Store) -> None:
    store.register_unique([UniqueRule("r", "Patient", ("identifier.value",), Text("重复", "taken"))])
    done = await asyncio.gather(
        *(store.create(SYSTEM, identified("1")) for _ in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(one, BaseException) for one in done) == 1
    assert all(isinstance(one, Conflict) for one in done if isinstance(one, BaseException))


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    async def broken() -> None:
        async with store.transaction(SYSTEM) as t:
            await t.update({**identified("1"), "id": "p"})
            assert (await t.read("Patient", "p")).version == 1
            assert [one["id"] for one in await t.search_all("Patient", "identifier=urn:x|1")] == ["p"]
            await t.enqueue("notice", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await broken()
    with pytest.raises(NotFound):
        await store.read(SYSTEM, "Patient", "p")
    assert await store.claim(["notice"]) is None
    assert await store.feed_position() == 0
    async with store.transaction(SYSTEM) as t:
        await t.lock("Patient", "p")
        await t.update({**identified("1"), "id": "p"})
    assert (await store.read(SYSTEM, "Patient", "p")).version == 1


def entry(
    method: str, url: str, resource: Resource | None = None, full_url: str = "", **request: str
) -> Resource:
    made: Resource = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        made["resource"] = resource
    if full_url:
        made["fullUrl"] = full_url
    return made


def bundle(kind: str, *entries: Resource) -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


OBSERVATION: Resource = {
    "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "urn:uuid:1"},
    "performer": [{"reference": "Practitioner?identifier=urn:d|7"}],
}  # fmt: skip


async def test_a_transaction_bundle(store: Store) -> None:
    await store.update(
        SYSTEM, {"resourceType": "Practitioner", "id": "d", "identifier": [{"system": "urn:d", "value": "7"}]}
    )
    await store.update(SYSTEM, {"resourceType": "Patient", "id": "old"})
    answer = await store.bundle(
        SYSTEM,
        bundle(
            "transaction",
            entry("GET", "Patient?identifier=urn:x|1"),
            entry("POST", "Observation", OBSERVATION),
            entry("POST", "Patient", identified("1"), "urn:uuid:1"),
            entry("PUT", "Patient/chosen", {"resourceType": "Patient", "id": "chosen"}),
            entry("PUT", "Patient?identifier=urn:x|2", identified("2"), "urn:uuid:2"),
            entry("DELETE", "Patient/old"),
            entry("POST", "Patient", identified("2"), ifNoneExist="identifier=urn:x|3"),
        ),
    )
    assert answer["type"] == "transaction-response"
    statuses = [one["response"]["status"] for one in answer["entry"]]
    assert statuses == [
        "200 OK",
        "201 Created",
        "201 Created",
        "201 Created",
        "201 Created",
        "204 No Content",
        "201 Created",
    ]
    assert answer["entry"][0]["resource"]["total"] == 1
    patient = answer["entry"][2]["response"]["location"].removesuffix("/_history/1")
    (observation,) = await store.search_all(SYSTEM, "Observation", f"subject={patient}")
    assert observation["performer"][0]["reference"] == "Practitioner/d"
    assert await store.count(SYSTEM, parse_criteria("Patient", "_id=old")) == 0
    assert OBSERVATION["subject"]["reference"] == "urn:uuid:1"


@pytest.mark.parametrize(
    ("bad", "fault"),
    [
        (entry("POST", "Observation", {**OBSERVATION, "performer": [{"reference": "Practitioner?identifier=none"}]}), PreconditionFailed),
        (entry("PUT", "Patient/a", {"resourceType": "Patient", "id": "b"}), Invalid),
        (entry("PUT", "Patient/first", {"resourceType": "Patient", "id": "first"}), Invalid),
        (entry("PUT", "Patient/a", {"resourceType": "Observation", "id": "a"}), Invalid),
        (entry("POST", "Patient"), Invalid),
        (entry("GET", "Patient/nobody"), NotFound),
        (entry("PUT", "Patient/n", {"resourceType": "Patient", "id": "n"}, ifMatch='W/"3"'), PreconditionFailed),
        ({"resource": {}}, Invalid),
    ],
)  # fmt: skip
async def test_a_bad_entry_leaves_the_data_as_it_was(
    store: Store, bad: Resource, fault: type[Exception]
) -> None:
    first = entry("PUT", "Patient/first", {"resourceType": "Patient", "id": "first"})
    with pytest.raises(fault) as raised:
        await store.bundle(SYSTEM, bundle("transaction", first, bad))
    assert raised.value.issues[0].expression[0] == "Bundle.entry[1]"  # type: ignore[attr-defined]
    assert await store.count(SYSTEM, parse_criteria("Patient", "")) == 0


async def test_batch_entries_stand_alone(store: Store) -> None:
    staff = Grant(
        account="s", display="", read={"*": Everything()}, write={"Patient": Everything(), "*": NoPatient()}
    )
    answer = await store.bundle(
        staff,
        bundle(
            "batch",
            entry("PUT", "Patient/a", {"resourceType": "Patient", "id": "a"}),
            entry("GET", "Patient/nobody"),
            entry("GET", "Patient/a"),
            entry("GET", "Patient?nonsense=1"),
            entry(
                "POST", "Observation", {**OBSERVATION, "subject": {"reference": "Patient/a"}, "performer": []}
            ),
            {"nothing": True},
        ),
    )
    statuses = [one["response"]["status"][:3] for one in answer["entry"]]
    assert statuses == ["200", "404", "200", "400", "403", "400"] or statuses == [
        "201",
        "404",
        "200",
        "400",
        "403",
        "400",
    ]
    assert answer["entry"][1]["response"]["outcome"]["issue"][0]["code"] == "not-found"


async def test_the_feed_is_dense_ordered_and_whole(store: Store) -> None:
    async def write(worker: int) -> None:
        for number in range(20):
            await store.update(
                SYSTEM, {"resourceType": "Patient", "id": f"p{(worker + number) % 7}", "gender": "male"}
            )

    seen: list[tuple[int, str, int]] = []

    async def follow() -> None:
        position = 0
        while len(seen) < 8 * 20:
            for change in await store.feed(SYSTEM, position, 13):
                seen.append((change.position, change.id, change.version))
                assert change.resource is not None
                assert change.resource["meta"]["versionId"] == str(change.version)
                position = change.position
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(follow(), *(write(worker) for worker in range(8))), 60)
    assert [one[0] for one in seen] == list(range(1, 161))
    for id in {one[1] for one in seen}:
        versions = [version for _, other, version in seen if other == id]
        assert versions == list(range(1, len(versions) + 1))


async def test_the_feed_waits_for_older_writers(store: Store) -> None:
    async with store.transaction(SYSTEM) as slow:
        await slow.update({"resourceType": "Patient", "id": "slow"})
        await store.update(SYSTEM, {"resourceType": "Patient", "id": "quick"})
        assert await store.feed_position() == 0
    assert {one.id for one in await store.feed(SYSTEM, 0)} == {"slow", "quick"}
    seen = Grant(account="x", display="", read={"Patient": Everything()})
    await store.update(SYSTEM, {"resourceType": "Organization", "id": "o"})
    assert [one.type for one in await store.feed(seen, 0)] == ["Patient", "Patient"]


async def test_jobs_are_claimed_once_and_come_back(store: Store) -> None:
    for number in range(10):
        await store.enqueue(SYSTEM, "work", {"n": number})
    assert await store.enqueue(SYSTEM, "once", {}, unique="a") is not None
    assert await store.enqueue(SYSTEM, "once", {}, unique="a") is None
    assert await store.enqueue(SYSTEM, "later", {}, run_after=now() + timedelta(hours=1)) is not None
    assert await store.claim(["later"]) is None
    jobs = await asyncio.gather(*(store.claim(["work"]) for _ in range(12)))
    taken = [job for job in jobs if job is not None]
    assert sorted(job.payload["n"] for job in taken) == list(range(10))
    await store.finish(taken[0])
    await store.fail(taken[1], "it broke")
    assert await store.claim(["work"]) is None


async def test_the_audit_tells_who_did_what(store: Store, database_url: str) -> None:
    clerk = Grant(account="clerk", display="", read={"*": Everything()}, write={"Patient": Everything()})
    await store.update(clerk, {"resourceType": "Patient", "id": "p"})
    await store.read(clerk, "Patient", "p")
    with pytest.raises(NotFound):
        await store.read(clerk, "Patient", "nobody")
    with pytest.raises(Forbidden):
        await store.update(clerk, {"resourceType": "Group", "id": "g"})
    await store.search(clerk, parse_criteria("Patient", "name=王"))
    async with store.transaction(clerk) as t:
        await t.read("Patient", "p")
    with pytest.raises(Forbidden):
        await store.audit_rows(clerk)
    rows = [row for _, row in reversed(await store.audit_rows(SYSTEM, AuditQuery(account="clerk")))]
    told = sorted((row.action, row.type, row.id, row.outcome) for row in rows)
    assert told == [
        ("read", "Patient", "nobody", "not-found"),
        ("read", "Patient", "p", "ok"),
        ("read", "Patient", "p", "ok"),
        ("search-type", "AuditEvent", "", "forbidden"),
        ("search-type", "Patient", "", "ok"),
        ("update", "Group", "g", "forbidden"),
        ("update", "Patient", "p", "ok"),
    ]
    assert (await store.check_audit()).holds


async def test_a_resident_sees_who_opened_the_record(store: Store) -> None:
    for name in ("me", "other"):
        await store.update(SYSTEM, {"resourceType": "Patient", "id": name})
    clerk = Grant(account="clerk", display="", read={"*": Everything()})
    for name in ("me", "other"):
        await store.read(clerk, "Patient", name)
    mine = Grant(account="m", display="", patient="me")
    rows = [row for _, row in await store.own_audit_rows(mine)]
    assert [(row.account, row.action, row.id) for row in rows] == [
        ("clerk", "read", "me"),
        ("system", "update", "me"),
    ]
    with pytest.raises(Forbidden):
        await store.own_audit_rows(clerk)


async def test_the_audit_is_asked_for_a_span(store: Store) -> None:
    clerk = Grant(account="clerk", display="", read={"*": Everything()})
    with pytest.raises(NotFound):
        await store.read(clerk, "Patient", "nobody")
    ((_, row),) = await store.audit_rows(SYSTEM, AuditQuery(account="clerk"))
    assert await store.audit_rows(SYSTEM, AuditQuery(account="clerk", until=row.at)) == []
    assert len(await store.audit_rows(SYSTEM, AuditQuery(account="clerk", since=row.at))) == 1


async def test_settings(store: Store) -> None:
    assert await store.get_setting("a") is None
    await store.put_setting("a", {"x": [1, "二"]})
    await store.put_setting("a", {"x": [1, "三"]})
    assert await store.get_setting("a") == {"x": [1, "三"]}
    assert await store.settings("a") == {"a": {"x": [1, "三"]}}


async def test_multiple_matches_are_refused(store: Store) -> None:
    await store.create(SYSTEM, identified("1"))
    await store.create(SYSTEM, identified("1"))
    with pytest.raises(MultipleMatches):
        await store.delete_matching(SYSTEM, "Patient", "identifier=urn:x|1")
