"""The holes: what would be wrong in the product, and where. One stands open at a time, named by a file.

A hole takes the place of a function of the product and does what it should not; with the hole closed the function is
itself. Nothing of the product is imported before the product does so: this file is read by the tool of the table too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from types import ModuleType
from typing import Any

Real = Callable[..., Any]
CONTROL = os.environ.get("KANGSHU_HOLE", "")


@dataclass
class Hole:
    """One hole: `attacks` are the numbers of the cases that must find it, `places` what it takes the place of."""

    name: str
    attacks: tuple[int, ...]
    what: str
    places: dict[str, Callable[[Real], Real]] = field(default_factory=dict)


HOLES: dict[str, Hole] = {}
MODULES: set[str] = set()


def hole(name: str, what: str, *attacks: int) -> None:
    """Declare a hole; `at` says where it is."""
    HOLES[name] = Hole(name, attacks, what)


def at(name: str, place: str) -> Callable[[Callable[[Real], Real]], Callable[[Real], Real]]:
    """Mark a function that is given the real one at `place` (`module:path`) and returns the one with the hole."""

    def declared(make: Callable[[Real], Real]) -> Callable[[Real], Real]:
        HOLES[name].places[place] = make
        MODULES.add(place.partition(":")[0])
        return make

    return declared


def is_open(name: str) -> bool:
    """Return whether the hole stands open now."""
    try:
        return Path(CONTROL).read_text() == name
    except OSError:
        return False


def plant(module: ModuleType) -> None:
    """Put the holes of `module` in their places. A place that is not there is told on standard error."""
    for one in HOLES.values():
        for place, make in one.places.items():
            where, _, path = place.partition(":")
            if where != module.__name__:
                continue
            try:
                _take_place(module, path, one.name, make)
            except AttributeError:
                sys.stderr.write(f"hole {one.name}: nothing at {place}\n")


def _take_place(module: ModuleType, path: str, name: str, make: Callable[[Real], Real]) -> None:
    owner: Any = module
    *parents, last = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    if isinstance(owner, dict):
        owner[last] = _either(name, make, owner[last])
        return
    kept = vars(owner)[last] if last in vars(owner) else getattr(owner, last)
    real = kept.__func__ if isinstance(kept, staticmethod | classmethod) else kept
    either = _either(name, make, real)
    setattr(owner, last, type(kept)(either) if isinstance(kept, staticmethod | classmethod) else either)


def _either(name: str, make: Callable[[Real], Real], real: Real) -> Real:
    """Return what calls the one with the hole while it stands open, else the real one."""
    bad = make(real)

    @wraps(real)
    def either(*given: Any, **named: Any) -> Any:
        return bad(*given, **named) if is_open(name) else real(*given, **named)

    return either


def everything(grant: Any) -> Any:
    """Return `grant` with the eyes of the product itself."""
    from dataclasses import replace

    from kangshu.access import system_grant

    return replace(grant, read=system_grant("hole").read)


@dataclass
class Widened:
    """For a moment the object's grant sees everything."""

    owner: Any
    name: str = "_grant"

    def __enter__(self) -> None:
        self.kept = getattr(self.owner, self.name)
        setattr(self.owner, self.name, everything(self.kept))

    def __exit__(self, *_: object) -> None:
        setattr(self.owner, self.name, self.kept)


# 1-3, 5-7, 10: searches and reads

hole("include", "_include and _revinclude follow references without the grant", 1)
hole("chain", "a chained parameter is evaluated without the grant", 2, 9)
hole("has", "_has is evaluated without the grant", 2, 9)
hole("oracle", "a hidden record answers 403, one that never was 404", 3)
hole("id-search", "a search by _id skips the grant", 7)
hole("count", "a count skips the grant", 5)
hole("history", "histories skip the grant", 5, 10)
hole("vread", "an old version is given without asking the policy of today", 10)
hole("moved", "a version follows its record, although it spoke of another resident", 10)
hole("cursor", "a page's cursor works for every account", 6)
hole("unknown", "unknown parameters are ignored", 8)
hole("everything", "$everything reads with the product's own grant", 5)
hole("export", "an Excel export reads with the product's own grant", 5)
hole("list", "a register lists with the product's own grant", 5, 13)
hole("route", "a page opens without asking for its operations", 13)
hole("resident-page", "the page of a resident reads with the product's own grant", 13)


@at("include", "kangshu.store.searching:Search._follow")
def _(real: Real) -> Real:
    async def follow(self: Any, *given: Any) -> Any:
        with Widened(self):
            return await real(self, *given)

    return follow


@at("chain", "kangshu.store.conditions:Conditions._chain")
@at("has", "kangshu.store.conditions:Conditions._has")
def _(real: Real) -> Real:
    def clause(self: Any, *given: Any) -> Any:
        with Widened(self):
            return real(self, *given)

    return clause


@at("oracle", "kangshu.store.reading:Reader.read")
def _(real: Real) -> Real:
    async def read(self: Any, grant: Any, type: str, id: str) -> Any:
        from kangshu.base.faults import Forbidden, NotFound

        try:
            return await real(self, grant, type, id)
        except NotFound:
            if await self.current(type, id) is not None:
                raise Forbidden("not yours", zh="无权查看") from None
            raise

    return read


@at("id-search", "kangshu.store.searching:Search._where")
def _(real: Real) -> Real:
    def where(self: Any, binder: Any) -> Any:
        if any(type(one).__name__ == "IdClause" for one in self._query.where):
            with Widened(self):
                return real(self, binder)
        return real(self, binder)

    return where


@at("count", "kangshu.store.searching:Search.count")
def _(real: Real) -> Real:
    async def count(self: Any) -> Any:
        with Widened(self):
            return await real(self)

    return count


@at("history", "kangshu.store.reading:Reader.history")
@at("vread", "kangshu.store.reading:Reader.vread")
def _(real: Real) -> Real:
    async def read(self: Any, grant: Any, *given: Any, **named: Any) -> Any:
        return await real(self, everything(grant), *given, **named)

    return read


@at("moved", "kangshu.store.reading:Reader.vread")
def _(real: Real) -> Real:
    async def read(self: Any, grant: Any, type: str, id: str, version: int) -> Any:
        await self.read(grant, type, id)
        return await real(self, everything(grant), type, id, version)

    return read


@at("cursor", "kangshu.store.cursors:Cursors._sign")
def _(real: Real) -> Real:
    def sign(self: Any, grant: Any, listing: str, body: bytes) -> bytes:
        from dataclasses import replace

        return real(self, replace(grant, account=""), listing, body)

    return sign


@at("unknown", "kangshu.search.parse:parse_query")
def _(real: Real) -> Real:
    def parse(type: str, pairs: Any, lenient: bool = False, base: str = "") -> Any:
        return real(type, pairs, True, base)

    return parse


@at("everything", "kangshu.api.operations:everything")
def _(real: Real) -> Real:
    async def answer(call: Any) -> Any:
        from dataclasses import replace

        await call.platform.store.read(call.grant, "Patient", call.id)
        return await real(replace(call, grant=everything(call.grant)))

    return answer


@at("export", "kangshu.registers.registers:Registers.export_xlsx")
@at("list", "kangshu.registers.registers:Registers.list")
def _(real: Real) -> Real:
    async def read(self: Any, grant: Any, *given: Any, **named: Any) -> Any:
        return await real(self, everything(grant), *given, **named)

    return read


@at("route", "kangshu.access.grant:Grant.require")
def _(real: Real) -> Real:
    return lambda self, operation: None


@at("resident-page", "kangshu.web.pages.residents:resident")
def _(real: Real) -> Real:
    async def show(visit: Any) -> Any:
        visit.grant = everything(visit.grant)
        return await real(visit)

    return show


# 11, 12, 14: where a record belongs, who cares for whom, what a client may say

hole("binary", "a Binary does not follow its securityContext", 11)
hole("contained", "a record that names its resident in an unusual way is one of nobody's", 11)
hole("named-resident", "a writer may name any resident in a record of care", 11)
hole("taken-over", "a hidden record may be written by whoever claims it", 11, 13)
hole("empty-relation", "an organisation without a care relation is given every resident", 12)
hole("no-resident", "a resident's account without its resident is given every record", 4)
hole("refusal", "a resident's refusal closes nothing", 10, 12)
hole("withdrawal", "what an old version of a consent opened stays open", 10)
hole("labels", "a client sets and takes away sensitivity labels", 14)
hole("labels-read", "sensitivity labels hide nothing", 13)
hole("fixed", "a fixed element is changed", 14)
hole("mask", "protected fields leave the store in clear", 9)
hole("probe-search", "a masked field is compared by search", 9)
hole("probe-sort", "a masked field is compared by the order", 9)
hole("probe-identifier", "identifiers of other types tell an identity number", 9)
hole("write-back", "a protected field that is not seen is overwritten", 14)
hole("owned", "cases and reported values are written directly", 14)
hole("stamps", "the client's versionId and lastUpdated are taken", 14)


@at("binary", "kangshu.store.attachments:context_of")
def _(real: Real) -> Real:
    return lambda binary: None


@at("contained", "kangshu.store.scopes:_speaks_of_somebody")
def _(real: Real) -> Real:
    return lambda resource: False


@at("named-resident", "kangshu.store.guards:NamedResidents.check")
def _(real: Real) -> Real:
    async def check(self: Any, *given: Any) -> None:
        return None

    return check


@at("taken-over", "kangshu.store.transaction:Transaction._check_write")
@at("taken-over", "kangshu.store.reading:Reader.may_read")
def _(real: Real) -> Real:
    async def checked(self: Any, *given: Any) -> bool:
        return True

    return checked


@at("labels", "kangshu.store.guards:with_labels")
def _(real: Real) -> Real:
    return lambda grant, resource, standing, explicit=False: resource


@at("labels-read", "kangshu.store.sql:predicate_sql")
def _(real: Real) -> Real:
    def sql(predicate: Any, *given: Any, **named: Any) -> str:
        return "true" if type(predicate).__name__ == "LabelsWithin" else real(predicate, *given, **named)

    return sql


@at("fixed", "kangshu.access.grant:Grant.fixed_in")
def _(real: Real) -> Real:
    return lambda self, type: frozenset()


@at("empty-relation", "kangshu.store.sql:open_care")
def _(real: Real) -> Real:
    def opened(organisations: str, *given: Any) -> str:
        return f"(not exists (select 1 from care c where c.organisation = any({organisations})) or {real(organisations, *given)})"

    return opened


@at("no-resident", "kangshu.access.policy:word_predicate")
def _(real: Real) -> Real:
    def predicate(subject: Any, word: str, purpose: str) -> Any:
        from kangshu.access import Everything, Nothing

        found = real(subject, word, purpose)
        return Everything() if word in ("self", "wards") and isinstance(found, Nothing) else found

    return predicate


@at("refusal", "kangshu.store.care:dissent_rows")
def _(real: Real) -> Real:
    return lambda *given: []


@at("withdrawal", "kangshu.store.care:forget")
def _(real: Real) -> Real:
    async def forget(*given: Any) -> None:
        return None

    return forget


@at("mask", "kangshu.store.fields:_veiled")
def _(real: Real) -> Real:
    return lambda stored, hidden: stored


@at("probe-search", "kangshu.store.fields:revealed_by")
def _(real: Real) -> Real:
    return lambda type, codes: ()


@at("probe-sort", "kangshu.store.fields:check_sort")
def _(real: Real) -> Real:
    return lambda grant, query: None


@at("probe-identifier", "kangshu.store.fields:may_name_anybody")
def _(real: Real) -> Real:
    return lambda type, clause: False


@at("write-back", "kangshu.store.transaction:kept")
def _(real: Real) -> Real:
    async def kept(connection: Any, grant: Any, type: str, body: Any, current: Any) -> Any:
        return body

    return kept


@at("owned", "kangshu.store.guards:check_owned")
def _(real: Real) -> Real:
    return lambda *given, **named: None


@at("stamps", "kangshu.store.versions:stamped")
def _(real: Real) -> Real:
    def stamped(body: Any, version: int, moment: Any) -> Any:
        made = real(body, version, moment)
        sent = body.get("meta") or {}
        return {**made, "meta": {**made["meta"], **sent}}

    return stamped


# 15 and the door: tokens, sessions, forms

hole("session-as-token", "a session's cookie is taken as a bearer token", 15)
hole("stopped", "a stopped account's tokens go on", 15)
hole("csrf", "a form is taken without its token", 24)
hole("cross-site", "another site's page may write with the visitor's cookie", 24)
hole("redirect", "sign-in leads to any address", 16)


@at("session-as-token", "kangshu.accounts.sessions:Sessions.open")
def _(real: Real) -> Real:
    async def opened(self: Any, token: str, kind: str) -> Any:
        from kangshu.base.faults import Unauthenticated

        try:
            return await real(self, token, kind)
        except Unauthenticated:
            return await real(self, token, "session" if kind == "bearer" else "bearer")

    return opened


@at("stopped", "kangshu.accounts.office:Office.sql")
def _(real: Real) -> Real:
    async def sql(self: Any, statement: str, *values: Any) -> Any:
        return await real(self, statement.replace(" and a.active", ""), *values)

    return sql


@at("csrf", "kangshu.web.visit:hmac.compare_digest")
def _(real: Real) -> Real:
    return lambda *given: True


@at("cross-site", "kangshu.api.application:_from_elsewhere")
def _(real: Real) -> Real:
    return lambda *given: False


@at("redirect", "kangshu.web.visit:within")
def _(real: Real) -> Real:
    return lambda address: address


# 18-22: parsing and cost

hole("entities", "the XML of documents resolves entities, from outside too", 18)
hole("entities-in-sheets", "the XML of workbooks may declare entities", 18)
hole("archive-limits", "a zip container unpacks without limits", 19)
hole("slip", "a document's parts are unpacked to the folder that their names say", 19)
hole("filled", "a workbook may merge and link any number of cells", 19)
hole("depth", "JSON may be nested without end", 20)
hole("doubled-keys", "of doubled keys the last one counts", 20)
hole("gzip", "a compressed body is unpacked whole", 20)
hole("regex", "regular expressions run without a budget", 21)
hole("steps", "FHIRPath runs without a budget", 21)
hole("search-size", "a search may have any number of parts", 22)
hole("page-size", "a page may have any size", 22)


@at("entities", "kangshu.documents.archive:parse_xml")
def _(real: Real) -> Real:
    def parse(content: bytes) -> Any:
        from lxml import etree

        return etree.fromstring(
            content, etree.XMLParser(resolve_entities=True, load_dtd=True, huge_tree=True)
        )

    return parse


@at("entities-in-sheets", "kangshu.documents.sheet_guard:_count")
def _(real: Real) -> Real:
    def count(content: bytes) -> tuple[int, int]:
        from kangshu.base.faults import Unprocessable

        try:
            return real(content)
        except Unprocessable:
            return 0, 0

    return count


@at("filled", "kangshu.documents.sheet_guard:_area")
def _(real: Real) -> Real:
    return lambda *given: 0


@at("archive-limits", "kangshu.documents.archive:open_archive")
def _(real: Real) -> Real:
    def opened(data: bytes, limits: Any = None) -> Any:
        import io
        import zipfile

        return zipfile.ZipFile(io.BytesIO(data))

    return opened


@at("slip", "kangshu.documents.archive:open_archive")
def _(real: Real) -> Real:
    def opened(data: bytes, limits: Any = None) -> Any:
        import tempfile

        archive = real(data, limits)
        folder = Path(tempfile.mkdtemp())
        for name in archive.namelist():
            if ".." in name:
                (folder / name).write_bytes(archive.read(name))
        return archive

    return opened


@at("depth", "kangshu.fhir.model:_too_deep")
@at("doubled-keys", "kangshu.fhir.model:_refuse_doubled_keys")
def _(real: Real) -> Real:
    return lambda *given: None


@at("regex", "kangshu.fhirpath.patterns:substitute")
def _(real: Real) -> Real:
    def substitute(pattern: str, text: str, replacement: str, flags: str = "") -> str:
        import re

        return re.sub(pattern, replacement, text)

    return substitute


@at("steps", "kangshu.fhirpath.context:Context.look")
def _(real: Real) -> Real:
    return lambda self: None


@at("gzip", "kangshu.api.request:Request._decoded")
def _(real: Real) -> Real:
    def decoded(self: Any, raw: bytes, limit: int) -> bytes:
        return real(self, raw, 1 << 40)

    return decoded


@at("search-size", "kangshu.search.size:check_size")
def _(real: Real) -> Real:
    return lambda query: None


@at("page-size", "kangshu.search.parse:_RESULT._count")
def _(real: Real) -> Real:
    def take(draft: Any, type: str, modifier: str, value: str) -> None:
        draft.count = int(value)

    return take


hole("values", "a body may hold any number of values", 20, 22)
hole("fields", "a form may have any number of fields", 20, 22)


@at("values", "kangshu.fhir.model:check_values")
def _(real: Real) -> Real:
    return lambda data: None


@at("fields", "kangshu.web.guard:BodyLimit.__call__")
def _(real: Real) -> Real:
    async def passed(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    return passed


# 23, 24: SQL, pages, workbooks, files

hole("sql-text", "a text is written into the statement", 23)
hole("sql-sort", "the name of a sort key is written into the statement", 23)
hole("autoescape", "templates do not escape", 24)
hole("csp", "pages carry no content security policy", 24)
hole("formula", "text in a workbook may be a formula", 24)
hole("media", "a file is given back as the type that its record says, to be shown", 24)


@at("sql-text", "kangshu.store.conditions:Conditions._string")
def _(real: Real) -> Real:
    return lambda self, text, modifier, entry: f"{entry}.folded like '{text}%'"


@at("sql-sort", "kangshu.search.parse:_RESULT._sort")
def _(real: Real) -> Real:
    def take(draft: Any, type: str, modifier: str, value: str) -> None:
        from kangshu.search.model import Sort

        draft.sort.append(Sort(value, "string", (), False))

    return take


@at("sql-sort", "kangshu.store.ordering:Ordering._join")
def _(real: Real) -> Real:
    return lambda self, at, sort: f"left join lateral (select {sort.by} as v from resource) o{at} on true"


@at("autoescape", "kangshu.web.render:template")
def _(real: Real) -> Real:
    def found(name: str) -> Any:
        environment = real(name).environment.overlay(autoescape=False)
        environment.cache = None
        return environment.get_template(name)

    return found


@at("csp", "kangshu.web.guard:MutableHeaders.setdefault")
def _(real: Real) -> Real:
    def setdefault(self: Any, name: str, value: str) -> Any:
        return "" if name == "Content-Security-Policy" else real(self, name, value)

    return setdefault


@at("formula", "kangshu.documents.sheets:write_cell")
def _(real: Real) -> Real:
    def write(cell: Any, value: Any) -> None:
        if isinstance(value, str) and value.startswith("="):
            cell.value = value
        else:
            real(cell, value)

    return write


@at("media", "kangshu.web.attachments:file")
def _(real: Real) -> Real:
    async def file(visit: Any) -> Any:
        import base64

        from starlette.responses import Response

        stored = await visit.platform.store.read(visit.grant, "DocumentReference", visit.path("id"))
        attachment = stored.resource["content"][0]["attachment"]
        return Response(base64.b64decode(attachment["data"]), media_type=attachment["contentType"])

    return file


# what reads documents is a process of its own with bounded means: these holes are only felt where it is not


def _read_here(real: Real) -> Real:
    async def read(data: bytes, name: str) -> Any:
        from kangshu.documents import read_document

        return read_document(data, name)

    return read


for _hole in ("entities", "archive-limits", "slip"):
    for _room in ("intake", "importing"):
        at(_hole, f"kangshu.plans.{_room}:read_apart")(_read_here)


# 24, 25: what a file is, and what stands in it

hole("file-name", "the kind of an attachment is what its name says", 24)
hole("obeyed", "an instruction in a plan's text is carried out", 25)


@at("file-name", "kangshu.registers.attachments:is_of_kind")
def _(real: Real) -> Real:
    return lambda ending, data: True


@at("obeyed", "kangshu.plans.plans:Plans.import_plan")
def _(real: Real) -> Real:
    async def taken(self: Any, grant: Any, data: bytes, *given: Any, **named: Any) -> Any:
        from kangshu.access import system_grant

        found = await real(self, grant, data, *given, **named)
        if "系统指令" in data.decode("utf-8", "replace"):
            order = {"resourceType": "Task", "status": "completed", "intent": "order", "description": "x"}
            await self._store.create(system_grant("hole"), order)
        return found

    return taken


# 15: assertions of services; 16, 17: calls to other systems

hole("assertion-signature", "the algorithm `none` is taken", 15)
hole("assertion-audience", "an assertion for another server is taken", 15)
hole("assertion-key", "an unknown kid is answered by any key of the client", 15)
hole("assertion-again", "an assertion is taken twice", 15)
hole("assertion-end", "an assertion that has ended is taken", 15)
hole("redirects", "calls to other systems follow redirects", 16)
hole("inner", "calls to other systems reach the inner network", 16)
hole("second-look", "a name is looked up a second time for the connection", 16)
hole("prefix", "the allow list is compared by the beginning of the address", 17)


@at("assertion-signature", "kangshu.accounts.assertions:check_header")
def _(real: Real) -> Real:
    def check(header: Any, algorithms: Any, keys_url: str = "") -> Any:
        return (
            ("none", header.get("kid")) if header.get("alg") == "none" else real(header, algorithms, keys_url)
        )

    return check


@at("assertion-signature", "kangshu.accounts.assertions:verify")
def _(real: Real) -> Real:
    def verify(assertion: str, key: Any, algorithm: str, **named: Any) -> Any:
        from datetime import UTC, datetime

        from kangshu.accounts.assertions import Claims, unverified

        if algorithm != "none":
            return real(assertion, key, algorithm, **named)
        said = unverified(assertion)[1]
        return Claims(said["iss"], said["sub"], datetime.fromtimestamp(said["exp"], UTC), said)

    return verify


@at("assertion-audience", "kangshu.accounts.assertions:verify")
def _(real: Real) -> Real:
    def verify(assertion: str, key: Any, algorithm: str, **named: Any) -> Any:
        from kangshu.accounts.assertions import unverified

        return real(assertion, key, algorithm, **{**named, "audience": unverified(assertion)[1].get("aud")})

    return verify


@at("assertion-end", "kangshu.accounts.assertions:verify")
def _(real: Real) -> Real:
    def verify(assertion: str, key: Any, algorithm: str, **named: Any) -> Any:
        from datetime import UTC, datetime

        return real(
            assertion,
            key,
            algorithm,
            **{**named, "moment": datetime(2000, 1, 1, tzinfo=UTC), "longest": None},
        )

    return verify


@at("assertion-key", "kangshu.accounts.clients:Clients._key")
def _(real: Real) -> Real:
    async def key(self: Any, name: str, kid: str, url: str) -> Any:
        import json

        found = await real(self, name, kid, url)
        rows = await self._office.sql("select key from client_key where account = $1", name)
        return found or (json.loads(rows[0]["key"]) if rows else None)

    return key


@at("assertion-again", "kangshu.accounts.clients:token_digest")
def _(real: Real) -> Real:
    def digest(text: str) -> bytes:
        import secrets

        return real(text + secrets.token_hex(8))

    return digest


@at("redirects", "kangshu.outbound.calling:Outbound._exchange")
def _(real: Real) -> Real:
    async def exchange(self: Any, origin: Any, method: str, path: str, *given: Any) -> Any:
        from kangshu.outbound import OutboundRefused

        try:
            return await real(self, origin, method, path, *given)
        except OutboundRefused:
            import asyncio
            import urllib.request

            await asyncio.to_thread(lambda: urllib.request.urlopen(f"{origin}{path}").read())
            raise

    return exchange


@at("inner", "kangshu.outbound.calling:refused_address")
def _(real: Real) -> Real:
    return lambda address: False


@at("second-look", "kangshu.outbound.calling:Outbound._connected")
def _(real: Real) -> Real:
    async def connected(self: Any, origin: Any, addresses: Any) -> Any:
        import asyncio

        return await asyncio.open_connection(origin.host, origin.port)

    return connected


@at("prefix", "kangshu.outbound.calling:Outbound.check")
def _(real: Real) -> Real:
    def check(self: Any, url: str) -> Any:
        from urllib.parse import urlsplit

        from kangshu.outbound import Origin

        if any(url.startswith(str(one)) for one in self._allowed):
            parts = urlsplit(url)
            return Origin(parts.scheme, parts.hostname or "", parts.port or 443), parts.path
        return real(self, url)

    return check
