"""Writes: one PostgreSQL transaction, in which reads see what it has written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kangshu.access import Grant, Scope
from kangshu.base.faults import (
    Fault,
    Forbidden,
    Invalid,
    MultipleMatches,
    NotFound,
    PreconditionFailed,
)
from kangshu.fhir import check_depth
from kangshu.sdk import Resource
from kangshu.search import Query, parse_criteria
from kangshu.store import queue
from kangshu.store.attachments import attach, context_of, settle, under
from kangshu.store.auditing import SYSTEM, AuditRow, Shown, audit_row, purpose_of
from kangshu.store.bodies import new_id, patched, type_of, valid_id
from kangshu.store.capacity import CapacityRule
from kangshu.store.connections import Connection
from kangshu.store.fields import kept
from kangshu.store.guards import NamedResidents, check_frozen, check_owned, with_labels
from kangshu.store.indexing import arrays_of, write_sql
from kangshu.store.keeping import CHECKING, keep_capacity, keep_place, keep_unique, unique_holder
from kangshu.store.reading import Reader, not_found
from kangshu.store.records import Page, Stored, Written
from kangshu.store.relations import CARE_TYPES, SILENT, told_by
from kangshu.store.scopes import scope_of
from kangshu.store.searching import Search, find_all
from kangshu.store.unique import UniqueRule
from kangshu.store.versions import CREATE, Version, prepared, said_by

if TYPE_CHECKING:
    from kangshu.store.store import Store

FROM_PATIENT = 1
"""resource.district_from: the record stands where its resident does."""


class Transaction:
    """The store's methods within one transaction of one grant."""

    def __init__(self, store: Store, connection: Connection, grant: Grant) -> None:
        self._store = store
        self.connection = connection
        self.reader: Reader = store.reader(connection)
        self.grant = grant
        self.read_rows: list[AuditRow] = []
        """Audit rows of what was read; the store writes them when the transaction ends, either way."""
        self.residents = NamedResidents()
        self.awaited: set[tuple[str, str]] = set()
        """Type and id of records that attachments written here belong to and that are not there yet."""
        self._attempt = ("transaction", "", "")
        self._places: dict[str, str] = {}
        """Patient id → division of residents whose rows are locked here: it cannot change before this ends."""
        self._looked: dict[tuple[str, str], tuple[str, int]] = {}
        """(resident, organisation) → division and where it is from; `place_of` keeps both from moving meanwhile."""

    def under(self, grant: Grant) -> Transaction:
        """Return this same transaction under another grant: what it writes commits or fails with the rest."""
        other = Transaction(self._store, self.connection, grant)
        other.read_rows = self.read_rows
        other.residents = self.residents
        other.awaited = self.awaited
        other._places = self._places
        other._looked = self._looked
        return other

    async def close(self) -> None:
        """Check what only the whole transaction can show; the store calls it before the commit."""
        await self.residents.check(self.reader)

    def refused(self, fault: Fault) -> None:
        """Add the audit row of what could not be done; the store calls it when the transaction fails."""
        if not fault.audited:
            action, type, id = self._attempt
            self.read_rows.append(audit_row(self.grant, action, type, id, outcome=fault.code))
            fault.audited = True

    # reads

    def _note(self, action: str, type: str = "", id: str = "", detail: str = "") -> None:
        if self.grant.account != SYSTEM:
            self.read_rows.append(audit_row(self.grant, action, type, id, detail=detail))

    def _found(self, records: Iterable[Stored]) -> None:
        """Tell the residents of what the call noted last has found."""
        if self.grant.account != SYSTEM:
            row, shown = self.read_rows[-1], Shown()
            shown.note(records)
            residents = shown.beside(row.type, row.id)
            purpose = purpose_of(self.grant, row.type, row.id, residents)
            self.read_rows[-1] = replace(row, residents=residents, purpose=purpose)

    async def read(self, type: str, id: str) -> Stored:
        """Return the current version; see `Store.read`."""
        self._note("read", type, id)
        found = await self.reader.read(self.grant, type, id)
        self._found((found,))
        return found

    async def vread(self, type: str, id: str, version: int) -> Stored:
        """Return one version; see `Store.vread`."""
        self._note("vread", type, id, str(version))
        found = await self.reader.vread(self.grant, type, id, version)
        self._found((found,))
        return found

    async def search(self, query: Query, cursor: str | None = None) -> Page:
        """Return one page; see `Store.search`."""
        self._note("search-type", query.type, detail=query.text)
        page = await Search(self.reader, self.grant, query).page(cursor)
        self._found((*page.entries, *page.included))
        return page

    async def search_all(self, type: str, criteria: str) -> list[Resource]:
        """Return every match, at most 10,000; see `Store.search_all`."""
        self._note("search-type", type, detail=criteria)
        found = await find_all(self.reader, self.grant, type, criteria)
        self._found(found)
        return [stored.resource for stored in found]

    async def look(self, type: str, criteria: str) -> list[Resource]:
        """Return every match for the product's own checks: whoever may see it, shown to nobody, and so in no audit."""
        return [stored.resource for stored in await find_all(self.reader, CHECKING, type, criteria)]

    async def hold_residents(self, ids: Sequence[str], *, wait: bool = True) -> dict[str, Stored]:
        """Return Patients by id under lock, whoever may see them: what is written of them meanwhile waits for this one.

        Without `wait` those that somebody else holds are left out.
        """
        found = await self.reader.held("Patient", ids, wait=wait)
        self._places.update(
            (id, one.scope.district) for id, one in found.items() if not one.deleted and one.scope.district
        )
        return found

    async def count(self, query: Query) -> int:
        """Return how many records match."""
        self._note("search-type", query.type, detail=query.text)
        return await Search(self.reader, self.grant, query).count()

    async def may_read(self, grant: Grant, stored: Stored) -> bool:
        """Return whether another grant may read `stored`, by the care relations of now."""
        return await self.reader.may_read(grant, stored)

    async def scope(self, type: str, id: str) -> Scope:
        """Return where a record belongs."""
        return (await self.reader.read(self.grant, type, id)).scope

    async def lock(self, type: str, id: str) -> None:
        """Keep every other transaction from writing `type/id` until this one ends."""
        await self._lock_text(f"{type}/{id}")
        await self.reader.current(type, id, lock=True)

    async def lock_all(self, references: Sequence[tuple[str, str]]) -> None:
        """Lock the rows of these records in one order, so that transactions over the same ones do not deadlock."""
        if references:
            await self.connection.fetch(
                """select r.key from resource r join unnest($1::smallint[], $2::text[]) as u(type, id)
                on r.type = u.type and r.id = u.id order by r.key for update of r""",
                [self._store.catalogue.type(type) for type, _ in references],
                [id for _, id in references],
            )

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Give a part that is undone alone when it raises; the transaction goes on."""
        async with self.connection.transaction():
            yield

    async def holder(self, rule: UniqueRule, resource: Resource) -> str | None:
        """Return the id of the record that has what `resource` would claim under `rule`, whoever may see it."""
        return await unique_holder(self.connection, rule, resource)

    async def enqueue(
        self,
        kind: str,
        payload: dict[str, Any],
        *,
        run_after: datetime | None = None,
        unique: str | None = None,
    ) -> int | None:
        """Add a job that exists once this transaction is committed; see `Store.enqueue`."""
        return await queue.enqueue(self.connection, kind, payload, run_after, unique)

    async def next_number(self, counter: str) -> int:
        """Return the next number of `counter`, from 1, without gaps: others wait until this transaction ends."""
        text: str = await self.connection.fetchval(
            """insert into setting (name, value) values ($1, '1')
            on conflict (name) do update set value = (setting.value::bigint + 1)::text, updated = now()
            returning value""",
            f"counter:{counter}",
        )
        return int(text)

    async def _lock_text(self, text: str) -> None:
        await self.connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 7302))", text)

    # writes

    async def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """Write a new record under an id of the store's; see `Store.create`."""
        type = type_of(resource)
        if if_none_exist is not None:
            found = await self.match(type, if_none_exist)
            if found is not None:
                return Written(found, created=False, changed=False)
        return await self._put(type, new_id(), resource, None, "create")

    async def create_as(self, id: str, resource: Resource) -> Written:
        """Write a new record under an id chosen beforehand, one of `new_id`."""
        return await self._put(type_of(resource), id, resource, None, "create")

    async def update(self, resource: Resource, *, if_match: int | None = None) -> Written:
        """Write `resource` under its own id; see `Store.update`."""
        type = type_of(resource)
        id = resource.get("id")
        if not isinstance(id, str) or not valid_id(id):
            raise Invalid(
                "an update needs an id of 1 to 64 letters, digits, '-' and '.'",
                zh="更新需要合法的 id（1 至 64 位）",
            )
        current = await self.reader.current(type, id, lock=True)
        self._check_version(current, if_match)
        return await self._put(type, id, resource, current, "update")

    async def update_matching(
        self, type: str, criteria: str, resource: Resource, *, if_match: int | None = None
    ) -> Written:
        """Update the one match of `criteria`, or create it; see `Store.update_matching`."""
        if type_of(resource) != type:
            raise Invalid(f"the resource is no {type}", zh=f"资源类型不是 {type}")
        found = await self.match(type, criteria)
        if found is None:
            if if_match is not None:
                raise PreconditionFailed(
                    "there is nothing to match If-Match", zh="没有与 If-Match 匹配的记录"
                )
            return await (self.update(resource) if resource.get("id") else self.create(resource))
        if resource.get("id", found.id) != found.id:
            raise Invalid("the resource's id is not the match's", zh="资源 id 与匹配到的记录不一致")
        return await self.update({**resource, "id": found.id}, if_match=if_match)

    async def patch(
        self,
        type: str,
        id: str,
        patch: Any,
        *,
        if_match: int | None = None,
        check: Callable[[Resource], None] | None = None,
    ) -> Written:
        """Change a record by a JSON Patch (a list) or a FHIRPath Patch (a Parameters); see `Store.patch`.

        `check` is called with what the patch makes and raises a Fault where that must not be stored.
        """
        current = await self.reader.current(type, id, lock=True)
        if current is None or not await self.reader.may_read(self.grant, current):
            raise not_found(type, id)
        if current.deleted:
            raise NotFound(f"{type}/{id} has been deleted", zh=f"{type}/{id} 已被删除")
        self._check_version(current, if_match)
        # of what the account sees: a patch can test a value, and copy it to where it shows
        (seen,) = await self.reader.shown(self.grant, [current])
        changed = patched(seen.resource, patch)
        if changed.get("resourceType") != type or changed.get("id") != id:
            raise Invalid("a patch may not change resourceType or id", zh="补丁不得修改 resourceType 或 id")
        check_depth(changed)
        changed = await kept(self.connection, self.grant, type, changed, current)
        if check is not None:
            check(changed)
        return await self._put(type, id, changed, current, "patch", restored=True)

    async def delete(self, type: str, id: str) -> Written:
        """Delete a record; see `Store.delete`."""
        current = await self.reader.current(type, id, lock=True)
        if current is None or not await self.reader.may_read(self.grant, current):
            raise not_found(type, id)
        if current.deleted:
            return Written(current, created=False, changed=False)
        self._attempt = ("delete", type, id)
        await self._check_write(type, current.scope)
        check_frozen(current.resource)
        check_owned(self.grant, type, current.resource)
        return await self._write(type, id, None, current, current.scope, 0, "delete")

    async def delete_matching(self, type: str, criteria: str) -> Written | None:
        """Delete the one match of `criteria`; None when there is none."""
        found = await self.match(type, criteria)
        return None if found is None else await self.delete(type, found.id)

    async def match(self, type: str, criteria: str, *, lock: bool = True) -> Stored | None:
        """Return the one record that meets `criteria`, or None. With `lock` others with the same criteria wait.

        Raises:
            MultipleMatches: there are several.
        """
        query = parse_criteria(type, criteria)
        if not query.where:
            raise PreconditionFailed(
                "a conditional interaction needs criteria", zh="条件操作必须给出检索条件"
            )
        if lock:
            await self._lock_text(f"{type}?{query.where!r}")
        self._note("search-type", type, detail=criteria)
        page = await Search(self.reader, self.grant, query).page(None)
        self._found(page.entries)
        if len(page.entries) > 1:
            raise MultipleMatches(f"the criteria match more than one {type}", zh=f"条件匹配到多条 {type}")
        return page.entries[0] if page.entries else None

    def _check_version(self, current: Stored | None, if_match: int | None) -> None:
        if if_match is not None and (current is None or current.deleted or current.version != if_match):
            raise PreconditionFailed(
                "the record is not at that version any more; read it again",
                zh="记录版本已变化，请重新读取后再修改",
            )

    async def _check_write(self, type: str, scope: Scope) -> None:
        if not await self.reader.admitted(self.grant.may_write(type), type, scope):
            raise Forbidden(f"this account may not write this {type}", zh=f"当前账号无权写入该 {type} 记录")

    async def _put(
        self, type: str, id: str, resource: Resource, current: Stored | None, action: str, *, restored: bool = False
    ) -> Written:  # fmt: skip
        """Write a version. `restored`: what came back masked has been replaced already."""
        self._attempt = (action, type, id)
        body, scope, origin = await self._admitted(type, id, resource, current, action, restored=restored)
        written = await self._write(type, id, body, current, scope, origin, action)
        (seen,) = await self.reader.shown(self.grant, [written.stored])
        return replace(written, stored=seen)

    async def _admitted(
        self, type: str, id: str, resource: Resource, current: Stored | None, action: str, *, restored: bool = False
    ) -> tuple[Resource, Scope, int]:  # fmt: skip
        """Return what may be written: the body, where it belongs, and from where it has its division."""
        if current is not None:
            # a deleted record is not free for the taking: its versions would come with it
            if not await self.reader.may_read(self.grant, current):
                raise not_found(type, id)
            await self._check_write(type, current.scope)
            if not current.deleted:
                check_frozen(current.resource)
                check_owned(self.grant, type, current.resource)
        if not restored:
            resource = await kept(self.connection, self.grant, type, resource, current)
        check_owned(self.grant, type, resource)
        standing = await self._standing_labels(current)
        resource = with_labels(self.grant, resource, standing, explicit=action == "patch")
        body: Resource = {"resourceType": type, "id": id, "meta": None}
        body.update(resource)
        body["id"] = id
        scope, own = scope_of(body)
        if type == "Binary" and (context := context_of(body)) is not None:
            found = await self.reader.current(*context, lock=True)
            scope = under(scope, found)
            if found is None:
                self.awaited.add(context)
        origin = 0
        if not own:
            scope, origin = await self._place(type, id, scope)
        await self._check_write(type, scope)
        told, before = told_by(body, type, scope.patient), said_by(current)
        if current is None or current.scope.patient != scope.patient or told.opens_beyond(before):
            lasting = told.lasts_beyond(before)
            await self.residents.add(self.reader, self.grant, type, scope.patient, lasting=lasting)
        return body, scope, origin

    async def new_version(self, resource: Resource) -> Version:
        """Return a new record ready to be written, once this transaction's grant is found to admit it."""
        type, id = type_of(resource), new_id()
        self._attempt = ("create", type, id)
        body, scope, origin = await self._admitted(type, id, resource, None, "create")
        return await self._version(type, id, body, None, scope, origin, "create")

    async def next_version(self, current: Stored, body: Resource) -> Version:
        """Return a version that follows from what is written here, ready: nobody's own act needs admitting."""
        scope, own = scope_of(body)
        origin = 0
        if not own:
            scope, origin = await self._place(current.type, current.id, scope)
        return await self._version(current.type, current.id, body, current, scope, origin, "update")

    async def _standing_labels(self, current: Stored | None) -> Any:
        """Return the meta.security of the version that stands; of a deleted record, of the one before its deletion."""
        if current is None:
            return None
        body = current.resource
        if current.deleted and current.scope.labels:
            body = (await self.reader.version(current, current.version - 1)).resource
        meta = body.get("meta")
        return meta.get("security") if isinstance(meta, dict) else None

    async def _place(self, type: str, id: str, scope: Scope) -> tuple[Scope, int]:
        if type != "Patient" and scope.patient in self._places:
            return replace(scope, district=self._places[scope.patient]), FROM_PATIENT
        catalogue = self._store.catalogue
        organisations = [one for one in scope.organisations if type != "Organization" or one != id]
        asked = ("" if type == "Patient" else scope.patient, organisations[0] if organisations else "")
        if asked not in self._looked:
            row = await self.connection.fetchrow(
                "select district, district_from from place_of($1::smallint, $2, $3::smallint, $4)",
                catalogue.type("Patient"),
                asked[0],
                catalogue.type("Organization"),
                asked[1],
            )
            self._looked[asked] = (row["district"], row["district_from"])
        district, origin = self._looked[asked]
        return replace(scope, district=district), origin

    async def _write(
        self,
        type: str,
        id: str,
        body: Resource | None,
        current: Stored | None,
        scope: Scope,
        origin: int,
        action: str,
    ) -> Written:
        version = await self._version(type, id, body, current, scope, origin, action)
        return await self._written(version)

    async def _written(self, version: Version) -> Written:
        sql = write_sql(tuple(version.rows), version.current is not None)
        keys = [] if version.current is None else [version.current.key]
        version.stored.key = await self.connection.fetchval(
            sql, *version.record, version.change, *version.told, *keys, *arrays_of(version.rows)
        )
        await self.follow(version)
        await self.keep_places(version)
        return Written(version.stored, created=version.change == CREATE)

    async def _version(
        self, type: str, id: str, body: Resource | None, current: Stored | None, scope: Scope, origin: int, action: str
    ) -> Version:  # fmt: skip
        return await prepared(self._store, self.grant, type, id, body, current, scope, origin, action)

    async def follow(self, version: Version) -> None:
        """Keep what follows from a version that is written, beside the places that it has and takes."""
        stored, current = version.stored, version.current
        await keep_unique(self, stored, self._store.unique_rules(stored.type))
        await self._keep_care(stored, current)
        await self._keep_attached(stored, current)
        await self._cascade(stored, current)

    async def keep_places(self, version: Version, *, but: CapacityRule | None = None) -> None:
        """Count the places that a written version has and takes, under every rule `but` one."""
        rules = [one for one in self.capacity_rules(version.stored.type) if one is not but]
        await keep_capacity(self, version.stored, version.current, rules)

    def capacity_rules(self, type: str) -> tuple[CapacityRule, ...]:
        """Return the rules under which records of `type` have or take places."""
        return self._store.capacity_rules(type)

    async def _keep_care(self, stored: Stored, current: Stored | None) -> None:
        if stored.type not in CARE_TYPES:
            return
        told = SILENT if stored.deleted else told_by(stored.resource, stored.type, stored.scope.patient)
        moved = current is None or current.scope.patient != stored.scope.patient
        if moved or told != said_by(current):
            fresh = current is None
            await self.residents.keep(
                self.reader, stored.type, stored.key, stored.scope.patient, told, fresh=fresh
            )

    async def _keep_attached(self, stored: Stored, current: Stored | None) -> None:
        if stored.type == "Binary":
            await attach(self.reader, stored.key, stored.resource)
        elif (stored.type, stored.id) in self.awaited or (
            current is not None
            and (current.scope.patient, current.scope.labels) != (stored.scope.patient, stored.scope.labels)
        ):
            await settle(self.reader, [stored.key])

    async def rewrite(self, current: Stored, body: Resource) -> None:
        """Write a new version of a record that follows from what was just written: nobody's own act needs admitting."""
        await self._written(await self.next_version(current, body))

    async def _cascade(self, stored: Stored, current: Stored | None) -> None:
        if await keep_place(self, stored, current):
            self._looked.clear()
            self._places.pop(stored.id, None)
