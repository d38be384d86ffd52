"""The audit's chain: every way of tampering is found and told narrowly; a history chained anew is shown by anchors."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from kangshu.access import Everything, Grant, system_grant
from kangshu.base.faults import Invalid, Unavailable
from kangshu.store import Anchor, AnchorPlaces, AuditQuery, ChainReport, PublicKey, Store, audit_row

SYSTEM = system_grant("test")
CLERK = Grant(account="clerk", display="", read={"*": Everything()}, write={"*": Everything()})


@pytest_asyncio.fixture
async def intruder(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of somebody with every right in the database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def filled(store: Store, acts: int = 12) -> Anchor:
    """Make `acts` batches of one row each, and return where the chain ends."""
    await store.update(CLERK, {"resourceType": "Patient", "id": "p"})
    await store.seal_audit()
    for _ in range(acts - 1):
        await store.read(CLERK, "Patient", "p")
    head = await store.audit_head()
    assert head is not None
    return head


async def unguarded(intruder: asyncpg.Connection, *statements: str) -> None:
    """Run statements as one who has switched the guard off."""
    for table in ("audit", "audit_batch"):
        await intruder.execute(f"alter table {table} disable trigger audit_stands")
    for one in statements:
        await intruder.execute(one)


async def chain_anew(intruder: asyncpg.Connection) -> None:
    """Make every digest fit the rows as they stand now, as the product itself would have."""
    digest = b""
    for batch, last in await intruder.fetch("select batch, last from audit_batch order by batch"):
        text = await intruder.fetchval(
            """select string_agg(concat_ws(E'\\x1f', position, extract(epoch from at), account, action, type, id, outcome,
                purpose, detail, on_behalf_of, app, address, reason, coalesce(array_to_string(residents, ','), '')),
                E'\\x1e' order by position) from audit where batch = $1""",
            batch,
        )
        digest = hashlib.sha256(digest + text.encode()).digest()
        await intruder.execute("update audit_batch set digest = $2 where batch = $1", batch, digest)
        assert last


async def test_an_untouched_chain_holds(store: Store) -> None:
    head = await filled(store)
    report = await store.check_audit([head])
    assert report.holds, report.breaks
    assert (report.anchors, report.anchored, report.position) == (1, head.position, head.position)
    assert report.rows == head.position
    assert report.first_at is not None


Tamper = Callable[[asyncpg.Connection, Anchor], Awaitable[None]]


async def a_changed_row(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "update audit set account = 'somebody' where position = 5")


async def a_moved_sign(intruder: asyncpg.Connection, _: Anchor) -> None:
    """Two columns that read the same when written one after the other."""
    await unguarded(
        intruder,
        "update audit set account = account || E'\\x1f' || action, action = type, type = id, id = outcome, outcome = purpose,"
        " purpose = detail, detail = on_behalf_of, on_behalf_of = app, app = address, address = reason, reason = '',"
        " residents = null where position = 5",
    )


async def changed_residents(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "update audit set residents = array['p'] where position = 5")


async def a_changed_seal(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "update audit_batch set digest = sha256('x') where batch = 5")


async def a_deleted_row(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "delete from audit where position = 5")


async def a_deleted_batch(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(
        intruder, "delete from audit where position = 5", "delete from audit_batch where last = 5"
    )


async def deleted_last_rows(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "delete from audit where position > 9")


async def an_inserted_row(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(
        intruder,
        "insert into audit (position, batch, at, account, action, type, id, outcome, purpose, detail)"
        " select max(position) + 1, 0, now(), 'clerk', 'read', '', '', 'ok', '', '' from audit",
    )


async def a_cut_off_end(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(
        intruder, "delete from audit where position > 9", "delete from audit_batch where last > 9"
    )


async def a_history_chained_anew(intruder: asyncpg.Connection, _: Anchor) -> None:
    await unguarded(intruder, "update audit set account = 'somebody' where position = 5")
    await chain_anew(intruder)


@pytest.mark.parametrize(
    ("tamper", "anchored", "kind", "batch", "first", "last"),
    [
        (a_changed_row, False, "changed", 5, 5, 5),
        (a_moved_sign, False, "changed", 5, 5, 5),
        (changed_residents, False, "changed", 5, 5, 5),
        (a_changed_seal, False, "changed", 5, 5, 5),
        (a_deleted_row, False, "removed", 5, 5, 5),
        (a_deleted_batch, False, "seal-removed", 6, 5, 6),
        (deleted_last_rows, False, "removed", 10, 10, 10),
        (an_inserted_row, False, "inserted", 12, 13, 13),
        (a_cut_off_end, True, "truncated", 12, 10, 12),
        (a_history_chained_anew, True, "rewritten", 12, 1, 12),
    ],
)
async def test_tampering_is_found(
    store: Store, intruder: asyncpg.Connection, tamper: Tamper, anchored: bool, kind: str, batch: int, first: int, last: int
) -> None:  # fmt: skip
    head = await filled(store)
    assert head.position == 12
    await tamper(intruder, head)
    alone: ChainReport = await store.check_audit()
    assert alone.holds == anchored, "only an anchor shows a chain that fits itself"
    report = await store.check_audit([head])
    assert not report.holds
    found = report.breaks[0]
    assert (found.kind, found.batch, found.first, found.last) == (kind, batch, first, last)
    assert found.text.zh != found.text.en


async def test_it_is_told_between_which_instants(store: Store, intruder: asyncpg.Connection) -> None:
    await filled(store)
    at = [row["at"] for row in await intruder.fetch("select at from audit order by position")]
    await a_changed_row(intruder, Anchor("", 0, 0, at[0], b""))
    (found,) = (await store.check_audit()).breaks
    assert (found.after, found.before) == (at[3], at[5])


async def test_anchors_narrow_what_was_rewritten(store: Store, intruder: asyncpg.Connection) -> None:
    early = await filled(store, 4)
    middle = await filled(store, 4)
    late = await filled(store, 4)
    await unguarded(intruder, "update audit set account = 'somebody' where position = 6")
    await chain_anew(intruder)
    report = await store.check_audit([early, middle, late])
    assert [(one.kind, one.first, one.last) for one in report.breaks] == [
        ("rewritten", 5, 8),
        ("rewritten", 5, 12),
    ]
    assert (report.anchors, report.anchored) == (1, early.position)


async def test_an_anchor_of_another_installation_is_no_proof(store: Store) -> None:
    head = await filled(store)
    report = await store.check_audit([replace(head, installation="0" * 32)])
    assert [one.kind for one in report.breaks] == ["foreign"]


# anchors as files


async def test_anchors_are_written_to_every_place_and_read_again(store: Store, tmp_path: Path) -> None:
    elsewhere = tmp_path / "worm"
    elsewhere.mkdir()
    places = AnchorPlaces(tmp_path / "city")
    (tmp_path / "city").mkdir()
    places.name([elsewhere])
    head = await filled(store)
    written = places.write(head)
    assert {path.parent for path in written.files} == {places.own, elsewhere}
    assert not written.failed
    assert (tmp_path / "city" / "secrets" / "audit-signing-key").stat().st_mode & 0o777 == 0o600
    read = places.read()
    assert read.anchors == (head,)
    assert not read.bad
    assert places.newest() == written.line
    assert places.last_at() == head.at
    # written once: a second writing of the same instant leaves the file as it is
    assert places.write(head).files == written.files
    assert set(written.line) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -"), (
        "a QR code of the alphanumeric kind"
    )
    assert len(written.line) < 400


async def test_a_place_that_is_away_does_not_keep_the_others(store: Store, tmp_path: Path) -> None:
    elsewhere = tmp_path / "mount"
    elsewhere.mkdir()
    places = AnchorPlaces(tmp_path)
    places.name([elsewhere])
    elsewhere.rmdir()
    written = places.write(await filled(store))
    assert [path.parent for path in written.files] == [places.own]
    assert [place for place, _ in written.failed] == [elsewhere]
    with pytest.raises(Invalid):
        places.name([elsewhere])


async def test_a_changed_anchor_is_refused(store: Store, tmp_path: Path) -> None:
    places = AnchorPlaces(tmp_path)
    head = await filled(store)
    (path,) = places.write(head).files
    line = path.read_text("utf-8")
    path.chmod(0o644)
    for changed in (
        line.replace(f" {head.position} ", f" {head.position - 1} "),
        line.replace(head.digest.hex().upper(), "00" * 32),
        line[:-20] + "\n",
        "nothing of the kind\n",
        "",
    ):
        path.write_text(changed, "utf-8")
        read = places.read()
        assert not read.anchors
        assert [one for one, _ in read.bad] == [path]


async def test_an_anchor_signed_with_another_key_is_refused(store: Store, tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    ours, theirs = AnchorPlaces(tmp_path / "ours"), AnchorPlaces(tmp_path / "theirs")
    head = await filled(store)
    ours.write(head)
    forged = theirs.write(head).files[0]
    assert not ours.read([forged]).anchors
    assert ours.read([forged], theirs.public_key).anchors == (head,)
    assert PublicKey.load(ours.public_key).name != PublicKey.load(theirs.public_key).name
    with pytest.raises(Unavailable):
        PublicKey.load(tmp_path / "none.pem")


# only added to


@pytest.mark.parametrize("table", ["audit", "audit_batch", "audit_pending"])
@pytest.mark.parametrize("act", ["update {} set {} = {}", "delete from {}", "truncate {}"])
async def test_rows_are_not_changed_or_taken_away(
    store: Store, intruder: asyncpg.Connection, table: str, act: str
) -> None:
    await filled(store, 3)
    column = {"audit": "account", "audit_batch": "last", "audit_pending": "account"}[table]
    with pytest.raises(asyncpg.RestrictViolationError):
        await intruder.execute(act.format(table, column, column))
    await intruder.execute("set session_replication_role = replica")
    with pytest.raises(asyncpg.RestrictViolationError):
        await intruder.execute(act.format(table, column, column))
    assert (await store.check_audit()).holds


async def test_the_products_role_reads_and_appends_and_nothing_else(
    store: Store, intruder: asyncpg.Connection, database_url: str
) -> None:
    """Where the installation separates roles, the product's own cannot even switch the guard off."""
    role = f"product_{store.identity[:12]}"
    await intruder.execute(f"create role {role} login")
    try:
        await intruder.execute("select admit_product_role($1)", role)
        await intruder.execute(f"alter role {role} set search_path = public")
        url = database_url.replace("://kangshu@", f"://{role}@", 1)
        if url == database_url:
            pytest.fail("the address of the test database names no role that could be replaced")
        async with await Store.open(url, pool=2) as limited:
            await limited.update(CLERK, {"resourceType": "Patient", "id": "q"})
            await limited.read(CLERK, "Patient", "q")
            rows = await limited.audit_rows(SYSTEM, AuditQuery(account="clerk"))
            assert [row.action for _, row in rows] == ["read", "update"]
            assert (await limited.check_audit()).holds
        product = await asyncpg.connect(url)
        try:
            for act in (
                "update audit set account = 'x'", "delete from audit", "truncate audit", "delete from audit_pending",
                "update audit_batch set last = 0", "delete from audit_batch", "alter table audit disable trigger all",
                "insert into audit_batch values (99, 99, 'x', 2)", "drop table audit", "delete from schema_version",
                "select admit_product_role('postgres')", "drop function audit_stands cascade",
                "create or replace function audit_stands() returns trigger language plpgsql as 'begin return null; end'",
            ):  # fmt: skip
                with pytest.raises(asyncpg.PostgresError) as refused:
                    await product.execute(act)
                assert refused.value.sqlstate == "42501", act
        finally:
            await product.close()
    finally:
        await intruder.execute(f"drop owned by {role}")
        await intruder.execute(f"drop role {role}")


async def test_without_the_audit_there_is_no_answer(store: Store, intruder: asyncpg.Connection) -> None:
    await store.update(CLERK, {"resourceType": "Patient", "id": "p"})
    await store.read(CLERK, "Patient", "p")
    await intruder.execute("alter table audit rename to audit_gone")
    with pytest.raises(Unavailable):
        await store.read(CLERK, "Patient", "p")
    with pytest.raises(Unavailable):
        await store.search_all(CLERK, "Patient", "")
    await intruder.execute("alter table audit_pending rename to pending_gone")
    with pytest.raises(Unavailable):
        await store.update(CLERK, {"resourceType": "Patient", "id": "q"})
    await intruder.execute("alter table audit_gone rename to audit")
    await intruder.execute("alter table pending_gone rename to audit_pending")
    assert (await store.read(CLERK, "Patient", "p")).id == "p"
    assert (await store.check_audit()).holds


async def test_signs_that_part_columns_are_never_in_a_row(store: Store) -> None:
    """Names and queries come from clients: what they hold cannot make a sound chain look tampered with."""
    wild = "a\x1fb\x1ec\0d\ud800"
    row = audit_row(
        replace(CLERK, account=wild), "read", wild, wild, detail=wild, reason=wild, residents=["p", wild]
    )
    await store.write_audit([row])
    assert (await store.check_audit()).holds
    ((_, kept),) = await store.audit_rows(SYSTEM, AuditQuery(purpose=CLERK.purpose))
    assert kept.account == "a b c\ufffdd?"
    assert kept.residents[0] == "p"
