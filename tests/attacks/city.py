"""The product as it runs for a city (supervisor, two web workers, background worker), and accounts to attack it with."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
from joserfc.jwk import ECKey

from kangshu.access import Grant, Scope, admits, system_grant
from kangshu.accounts import Account
from kangshu.api import Platform
from kangshu.app.demo import demo_identity
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place, open_platform
from tests.databases import beside, execute
from tests.demo_city import DemoCities

T = TypeVar("T")
KEY = ECKey.generate_key("P-384", {"kid": "service-1"})
"""What the service account signs with."""
RESIDENTS = 150
TOKEN = re.compile(r'name="_token" value="([0-9a-f]+)"')
ROLES = (
    "leader", "plan", "clerk", "civil", "statistics", "hospital", "doctor", "elder", "resident", "admin", "security",
    "audit", "doctor-b", "hospital-b", "elder-b", "clerk-b", "unit-b", "calls", "resident-b", "guardian",
)  # fmt: skip
"""Accounts of the demonstration, and a second of each kind at another post."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One record and where it belongs."""

    type: str
    id: str
    scope: Scope


@dataclass(frozen=True)
class Made:
    """A city that has been made once; every running product gets a copy of its database and folder."""

    database: str
    folder: Path
    passwords: dict[str, str]
    tokens: dict[str, str]
    posts: dict[str, Account]
    residents: dict[str, dict[str, Any]]
    common_names: set[str]
    """Names that staff and organisations have too."""


class Secrets(frozenset[str]):
    """What somebody must not read."""

    @cached_property
    def _stretches(self) -> re.Pattern[str]:
        """Stretches of a text that hold nothing but characters of secrets: a secret lies in one of them as a whole."""
        characters = "".join(sorted({character for one in self for character in one}))
        return re.compile(f"[{re.escape(characters)}]{{{min(map(len, self))},}}")

    def told_in(self, text: str) -> list[str]:
        """Return those that stand anywhere in `text`. Pages repeat themselves: each stretch is looked through once."""
        if not self:
            return []
        stretches = "\0".join(set(self._stretches.findall(text)))
        return [one for one in self if one in stretches]


class Behind:
    """The platform on the city's database, opened in a thread of its own: what the policy says now, without HTTP."""

    def __init__(self, url: str, place: Place) -> None:
        self._opened = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._close = asyncio.Event()
        self._platform: Platform | None = None
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._hold(url, place),))
        self._thread.start()
        assert self._opened.wait(60)

    async def _hold(self, url: str, place: Place) -> None:
        async with open_platform(url, place, pool=4) as self._platform:
            self._opened.set()
            await self._close.wait()

    def ask(self, question: Callable[[Platform], Awaitable[T]]) -> T:
        """Return the answer of `question` to the platform."""
        assert self._platform is not None

        async def asked() -> T:
            return await question(self._platform)  # type: ignore[arg-type]

        return asyncio.run_coroutine_threadsafe(asked(), self._loop).result(120)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._close.set)
        self._thread.join(30)


@dataclass
class City:
    """Where the product answers, who can sign in, and what stands behind."""

    address: str
    database: str
    folder: Path
    log_file: Path
    process: subprocess.Popen[bytes]
    made: Made
    behind: Behind
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is set for the product's processes besides ours."""
    hole: Path | None = None
    """File that names the hole that stands open; None where the product runs as it is shipped."""
    _kept: dict[Any, Any] = field(default_factory=dict)
    _browsers: dict[str, httpx.Client] = field(default_factory=dict)
    _clients: dict[str, httpx.Client] = field(default_factory=dict)
    _renewed: dict[str, str] = field(default_factory=dict)

    @property
    def passwords(self) -> dict[str, str]:
        return self.made.passwords

    @property
    def tokens(self) -> dict[str, str]:
        return self.made.tokens | self._renewed

    @property
    def posts(self) -> dict[str, Account]:
        return self.made.posts

    @property
    def residents(self) -> dict[str, dict[str, Any]]:
        """The residents as made; tests add residents of their own and take them away again."""
        return self.made.residents

    def fhir(self, name: str = "system") -> httpx.Client:
        """Return a FHIR client with the bearer token of `name`."""
        if name not in self._clients:
            headers = {
                "Authorization": f"Bearer {self.tokens[name]}",
                "Content-Type": "application/fhir+json",
            }
            self._clients[name] = httpx.Client(base_url=f"{self.address}/fhir", headers=headers, timeout=120)
        return self._clients[name]

    def renew(self, name: str) -> None:
        """Give `name` a new bearer token: its own page has ended the one it had."""
        if name in self.tokens and name != "system":
            ttl = timedelta(hours=6)
            self._renewed[name] = self.behind.ask(lambda platform: platform.accounts.create_token(name, ttl))
            self._clients.pop(name, None)

    def browser(self, name: str) -> httpx.Client:
        """Return the browser that `name` is signed in with; redirects are not followed.

        It speaks Chinese again, whatever language another test asked for.
        """
        if name not in self._browsers:
            self._browsers[name] = self.signed_in(name)
        client = self._browsers[name]
        for cookie in ("kangshu_language", "kangshu_size"):
            if cookie in client.cookies:
                client.cookies.delete(cookie)
        return client

    def signed_in(self, name: str) -> httpx.Client:
        """Return a new browser, signed in as `name`."""
        client = httpx.Client(base_url=self.address, timeout=120)
        form = {
            "name": name,
            "password": self.passwords[name],
            "_token": token_of(client.get("/sign-in").text),
        }
        answer = client.post("/sign-in", data={**form, "next": "/"})
        assert answer.status_code == 303, answer.text[:500]
        return client

    def form_token(self, name: str) -> str:
        """Return the token that the forms of `name`'s browser send back."""
        return token_of(self.browser(name).get("/password").text)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Return the rows of a statement on the database behind."""

        async def ask(platform: Platform) -> list[Any]:
            async with platform.store.connection() as connection:
                return list(await connection.fetch(statement, *values))

        return self.behind.ask(ask)

    def state(self) -> tuple[int, ...]:
        """Return what changes with every write: records, replaced versions, accounts."""
        # what time alone does (notices, cases that expire) is written by `system`, and is no answer to anybody:
        # each of its writes adds one record or one replaced version, and one row of the audit with it
        row = self.sql(
            "with written as (select account, action, outcome from audit union all"
            " select account, action, outcome from audit_pending),"
            " done as (select account = 'system' as own from written"
            "  where outcome = 'ok' and action in ('create', 'update', 'patch', 'delete'))"
            " select (select count(*) from resource) + (select count(*) from version)"
            "  - (select count(*) from done where own) as r,"
            " (select count(*) from account) as a, (select count(*) from done where not own) as w"
        )[0]
        return row["r"], row["a"], row["w"]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Hold that the data are the same afterwards."""
        before = self.state()
        yield
        assert self.state() == before, "a refused request changed the data"

    def _moment(self) -> tuple[Any, ...]:
        """Return what differs whenever a record or an account has changed: every write is a row of the feed."""
        row = self.sql(
            "select (select coalesce(max(position), 0) from feed) + (select count(*) from feed_pending) as n,"
            " (select md5(string_agg(a::text, ' ' order by name)) from account a) as a"
        )[0]
        return tuple(row.values())

    def _now(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` returns, made again when the data have changed since."""
        moment = self._moment()
        kept = self._kept.get(name)
        if kept is None or kept[0] != moment:
            kept = (moment, make())
            self._kept[name] = kept
        found: T = kept[1]
        return found

    def grant(self, name: str) -> Grant:
        """Return what the policy gives account `name` now, with the residents in care by their ids."""

        async def ask(platform: Platform) -> Grant:
            platform.accounts.forget()
            store, grant = platform.store, await platform.accounts.open_grant(name)
            clear = {}
            for field_, seen in grant.clear.items():
                named = await store.resolve_care(replace(grant, read={"Patient": seen}))
                clear[field_] = named.may_read("Patient")
            return replace(await store.resolve_care(grant), clear=clear)

        return self._now(f"grant {name}", lambda: self.behind.ask(ask))

    def scopes(self) -> list[Standing]:
        """Return every record that is there, with where it belongs."""
        return self._now("scopes", self._scopes)

    def _scopes(self) -> list[Standing]:
        rows = self.sql(
            "select t.name, r.id, r.district, r.organisations, r.patient, r.labels from resource r"
            " join resource_type t on t.type = r.type where not r.deleted order by t.name, r.id"
        )
        return [
            Standing(row["name"], row["id"], Scope(row["district"], *map(_plain, list(row.values())[3:])))
            for row in rows
        ]

    def seen_by(self, name: str, kind: str) -> tuple[set[str], set[str]]:
        """Return the ids of `kind` that the policy shows to `name` now, and those that it does not."""
        return self._now(f"seen {name} {kind}", lambda: self._seen_by(name, kind))

    def _seen_by(self, name: str, kind: str) -> tuple[set[str], set[str]]:
        predicate = self.grant(name).may_read(kind)
        listed = [one for one in self.scopes() if one.type == kind]
        shown = {one.id for one in listed if admits(predicate, one.scope)}
        return shown, {one.id for one in listed} - shown

    def secrets_from(self, name: str) -> Secrets:
        """Return what `name` must not read: names of hidden residents, and numbers, telephones, addresses not in clear."""
        return self._now(f"secrets {name}", lambda: self._secrets_from(name))

    def _secrets_from(self, name: str) -> Secrets:
        grant, marks = self.grant(name), {True: set[str](), False: set[str]()}
        scopes = {one.id: one.scope for one in self.scopes() if one.type == "Patient"}
        for patient in self.residents.values():
            scope = scopes[patient["id"]]
            hidden = not admits(grant.may_read("Patient"), scope)
            told = {
                "identity-number": [one["value"] for one in patient["identifier"]],
                "telephone": [one["value"] for one in patient.get("telecom", ())],
                "address": [one["text"] for one in patient.get("address", ())],
            }
            marks[hidden].add(patient["name"][0]["text"])
            for protected, values in told.items():
                marks[hidden or not admits(grant.may_see(protected), scope)].update(map(str, values))
        return Secrets(marks[True] - marks[False] - self.made.common_names)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Put the records back afterwards as they stood: what was made is deleted, what was changed is written again."""
        before = self._versions()
        yield
        after, client = self._versions(), self.fhir()
        for (kind, id_), (version, deleted) in after.items():
            old = before.get((kind, id_))
            if old == (version, deleted) or kind in ("Communication", "Provenance"):
                continue
            if old is None or old[1]:
                if not deleted:
                    client.delete(f"/{kind}/{id_}")
                continue
            stood = client.get(f"/{kind}/{id_}/_history/{old[0]}")
            if stood.status_code == 200:
                client.put(f"/{kind}/{id_}", content=stood.content)

    def _versions(self) -> dict[tuple[str, str], tuple[int, bool]]:
        rows = self.sql(
            "select t.name, r.id, r.version, r.deleted from resource r join resource_type t using (type)"
        )
        return {(row["name"], row["id"]): (row["version"], row["deleted"]) for row in rows}

    def log(self) -> str:
        """Return all that the processes have said so far."""
        texts = [self.log_file.read_text("utf-8", "replace")]
        texts += [one.read_text("utf-8", "replace") for one in (self.folder / "logs").glob("*")]
        return "\n".join(texts)

    def judge_the_log(self) -> None:
        """Hold that the log tells of no fault, and holds nobody's name, number, password or token."""
        log = self.log()
        for word in ("Traceback", "fault ", "Exception"):
            assert word not in log, log[max(0, log.index(word) - 300) : log.index(word) + 3000]
        secrets = [*self.passwords.values(), *self.tokens.values()]
        for patient in self.residents.values():
            secrets += [str(one["value"]) for one in (*patient["identifier"], *patient.get("telecom", ()))]
            secrets.append(patient["name"][0]["text"])
        told = [one for one in secrets if one in log]
        assert not told, f"{len(told)} secrets stand in the log"

    def memory(self) -> int:
        """Return the resident memory of all processes of the product, in MB."""
        return sum(_resident(pid) for pid in _tree(self.process.pid)) // 1024

    def peak(self) -> int:
        """Return the most memory that any process of the product has ever had, in MB."""
        return max(_resident(pid, "VmHWM") for pid in _tree(self.process.pid)) // 1024

    def workers(self) -> set[int]:
        """Return the ids of the product's processes."""
        return set(_tree(self.process.pid))


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def token_of(page: str) -> str:
    """Return the form token of a page."""
    found = TOKEN.search(page)
    assert found, page[:800]
    return found[1]


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        tasks = Path(f"/proc/{pid}/task")
        for task in tasks.iterdir() if tasks.exists() else ():
            children = task / "children"
            if children.exists():
                found += [int(one) for one in children.read_text().split()]
    return found


def _resident(pid: int, figure: str = "VmRSS") -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"{figure}:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


@contextmanager
def making(cities: DemoCities) -> Iterator[Made]:
    """Make the demonstration city with further accounts, once."""
    with cities.copy("attacked", RESIDENTS) as copy:
        yield asyncio.run(_people(copy.database, copy.url, copy.place, dict(copy.passwords)))


async def _people(database: str, url: str, place: Place, passwords: dict[str, str]) -> Made:
    """Make the further accounts; return what the attacks must know of everybody."""
    system = system_grant("test")
    async with open_platform(url, place) as platform:
        doors, store = platform.accounts, platform.store
        held = {one.name: one for one in await doors.accounts(system)}

        async def other(kind: str, than: str) -> dict[str, Any]:
            found = await store.search_all(system, "Organization", f"type={kind}")
            return next(one for one in found if one["id"] != than)

        centre = await other("community-health-centre", held["doctor"].organisation)
        hospital = await other("secondary-hospital", held["hospital"].organisation)
        home = await other("elder-institution", held["elder"].organisation)
        here, there = held["resident"].patient, ""
        for one in await store.search_all(system, "Patient", "_count=200"):
            keeper = one.get("managingOrganization", {}).get("reference", "")
            if one["id"] != here and keeper == f"Organization/{centre['id']}":
                there = one["id"]
                break
        more = [
            Account("doctor-b", "Dr B", ("community-doctor",), organisation=centre["id"]),
            Account("hospital-b", "Hospital B", ("hospital-clerk",), organisation=hospital["id"]),
            Account("elder-b", "Home B", ("elder-care-director",), organisation=home["id"]),
            Account("clerk-b", "Clerk B", ("section-clerk",), organisation="nowhere", district="990103"),
            Account("unit-b", "Unit B", ("unit-clerk",), organisation="unit-sports", district="990100"),
            Account("calls", "Calls", ("call-centre",), organisation="call-centre", district="990102"),
            Account("resident-b", "Resident B", ("resident",), patient=there),
            Account("guardian", "Guardian", ("resident",), wards=(there,)),
            Account("spare", "Spare", ("unit-clerk",), organisation="unit-sports", district="990100"),
            Account("lonely", "Lonely", ("community-doctor",), organisation="unit-nobody-knows"),
            Account(
                "department",
                "Department",
                ("hospital-department",),
                organisation=held["hospital"].organisation,
            ),
            Account("nobody", "Nobody", ("resident",), wards=("gone",)),
        ]
        for one in more:
            made = await doors.create_account(system, one)
            held[one.name] = one
            passwords[one.name] = made.password
        await doors.create_account(
            system, Account("service", "Service", ("statistics-office",), district="9901", kind="service")
        )
        await doors.clients.add_keys(system, "service", json.dumps(KEY.as_dict(private=False)))
        await doors.clients.set_scopes(system, "service", ["system/Organization.rs", "system/Location.rs"])
        tokens = {
            name: await doors.create_token(name, timedelta(hours=6))
            for name in (*ROLES, "spare", "lonely", "department", "nobody", "system")
        }
        residents = {one["id"]: one for one in await store.search_all(system, "Patient", "")}
        staff = await store.search_all(system, "Practitioner", "")
        common = {one["name"][0]["text"] for one in staff} | {one.display for one in held.values()}
    return Made(database, place.folder, passwords, tokens, held, residents, common)


@contextmanager
def running(
    postgres_url: str, made: Made, folder: Path, *, environment: Mapping[str, str] | None = None
) -> Iterator[City]:
    """Start the product on a copy of `made` and give it; its log is judged by whoever asks for it."""
    name = f"kangshu_attacks_{os.getpid()}_{folder.name.replace('-', '_')}"
    asyncio.run(execute(postgres_url, f"create database {name} template {made.database}"))
    url = beside(postgres_url, name)
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    installation = Installation(folder)
    port = _free_port()
    log_file = folder / "product.log"
    kangshu = str(Path(sys.executable).with_name("kangshu"))
    command = [kangshu, "serve", "--data-dir", str(folder), "--port", str(port), "--db", url]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
    address = f"http://127.0.0.1:{port}"
    behind: Behind | None = None
    try:
        _await_answer(address, process, log_file)
        behind = Behind(url, Place(folder, installation.views, installation.identity() or demo_identity()))
        yield City(address, url, folder, log_file, process, made, behind, environment or {})
    finally:
        if behind is not None:
            behind.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        asyncio.run(execute(postgres_url, f"drop database if exists {name} with (force)"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_answer(address: str, process: subprocess.Popen[bytes], log_file: Path) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(log_file.read_text("utf-8", "replace")[-2000:])
        try:
            if httpx.get(f"{address}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the product did not answer")
