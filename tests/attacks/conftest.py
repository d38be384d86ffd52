"""The product as it runs for a city (supervisor, two web workers, background worker), and accounts to attack it with."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from kangshu.access import Grant, Scope, admits, system_grant
from kangshu.accounts import Account
from kangshu.app.demo import demo_identity, make_demo
from kangshu.app.installation import Installation
from kangshu.app.wiring import Place, open_platform

RESIDENTS = 150
TOKEN = re.compile(r'name="_token" value="([0-9a-f]+)"')
ROLES = (
    "leader", "plan", "clerk", "civil", "statistics", "hospital", "doctor", "elder", "resident", "admin", "security",
    "audit", "doctor-b", "hospital-b", "elder-b", "clerk-b", "unit-b", "calls", "resident-b", "guardian",
)  # fmt: skip
"""Accounts of the demonstration, and a second of each kind at another post."""


@dataclass
class City:
    """Where the product answers, who can sign in, and what stands behind."""

    address: str
    database: str
    folder: Path
    log_file: Path
    process: subprocess.Popen[bytes]
    passwords: dict[str, str]
    tokens: dict[str, str]
    posts: dict[str, Account]
    grants: dict[str, Grant]
    residents: dict[str, dict[str, Any]]
    common_names: set[str]
    """Names that staff and organisations have too."""
    _secrets: dict[str, set[str]] = field(default_factory=dict)
    _browsers: dict[str, httpx.Client] = field(default_factory=dict)
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def fhir(self, name: str = "system") -> httpx.Client:
        """Return a FHIR client with the bearer token of `name`."""
        if name not in self._clients:
            headers = {
                "Authorization": f"Bearer {self.tokens[name]}",
                "Content-Type": "application/fhir+json",
            }
            self._clients[name] = httpx.Client(base_url=f"{self.address}/fhir", headers=headers, timeout=120)
        return self._clients[name]

    def browser(self, name: str) -> httpx.Client:
        """Return the browser that `name` is signed in with; redirects are not followed."""
        if name not in self._browsers:
            self._browsers[name] = self.signed_in(name)
        return self._browsers[name]

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

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.database)
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def state(self) -> tuple[int, ...]:
        """Return what changes with every write: records, replaced versions, accounts."""
        # what time alone does (notices of passed deadlines) is written by `system`, and is no answer to anybody
        row = self.sql(
            "select (select count(*) from resource r join resource_type t using (type) where t.name <> 'Communication') as r,"
            " (select count(*) from version v join resource_type t using (type)"
            "  where t.name not in ('Communication', 'Task')) as v,"
            " (select count(*) from account) as a,"
            " (select count(*) from (select account, action, outcome from audit union all"
            "  select account, action, outcome from audit_pending) w"
            "  where account <> 'system' and outcome = 'ok' and action in ('create', 'update', 'patch', 'delete')) as w"
        )[0]
        return row["r"], row["v"], row["a"], row["w"]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Hold that the data are the same afterwards."""
        before = self.state()
        yield
        assert self.state() == before, "a refused request changed the data"

    def scopes(self) -> list[Standing]:
        """Return every record that is there, with where it belongs."""
        rows = self.sql(
            "select t.name, r.id, r.district, r.organisations, r.patient from resource r"
            " join resource_type t on t.type = r.type where not r.deleted order by t.name, r.id"
        )
        return [
            Standing(
                row["name"], row["id"], Scope(row["district"], tuple(row["organisations"]), row["patient"])
            )
            for row in rows
        ]

    def seen_by(self, name: str, kind: str) -> tuple[set[str], set[str]]:
        """Return the ids of `kind` that the policy shows to `name`, and those that it does not."""
        predicate = self.grants[name].may_read(kind)
        listed = [one for one in self.scopes() if one.type == kind]
        shown = {one.id for one in listed if admits(predicate, one.scope)}
        return shown, {one.id for one in listed} - shown

    def secrets_from(self, name: str) -> set[str]:
        """Return what identifies the residents whom `name` must not see: numbers, telephones, names nobody else has."""
        if name in self._secrets:
            return self._secrets[name]
        hidden = self.seen_by(name, "Patient")[1]
        marks: dict[bool, set[str]] = {True: set(), False: set()}
        for patient in self.residents.values():
            found = {str(one["value"]) for one in (*patient["identifier"], *patient.get("telecom", ()))}
            found |= {str(one["text"]) for one in patient.get("address", ())}
            marks[patient["id"] in hidden] |= found | {patient["name"][0]["text"]}
        self._secrets[name] = marks[True] - marks[False] - self.common_names
        return self._secrets[name]

    def log(self) -> str:
        """Return all that the processes have said so far."""
        texts = [self.log_file.read_text("utf-8", "replace")]
        texts += [one.read_text("utf-8", "replace") for one in (self.folder / "logs").glob("*")]
        return "\n".join(texts)

    def memory(self) -> int:
        """Return the resident memory of all processes of the product, in MB."""
        return sum(_resident(pid) for pid in _tree(self.process.pid)) // 1024

    def workers(self) -> set[int]:
        """Return the ids of the product's processes."""
        return set(_tree(self.process.pid))


@dataclass(frozen=True, slots=True)
class Standing:
    """One record and where it belongs."""

    type: str
    id: str
    scope: Scope


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


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) if found else 0


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@dataclass
class _People:
    passwords: dict[str, str]
    tokens: dict[str, str]
    posts: dict[str, Account]
    grants: dict[str, Grant]
    residents: dict[str, dict[str, Any]]
    common_names: set[str]


async def _people(url: str, place: Place) -> _People:
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
        ]
        passwords = {}
        for one in more:
            made = await doors.create_account(system, one)
            held[one.name] = one
            passwords[one.name] = made.password
        tokens = {name: await doors.create_token(name, timedelta(hours=6)) for name in (*ROLES, "system")}
        grants = {name: await doors.open_grant(name) for name in ROLES}
        residents = {one["id"]: one for one in await store.search_all(system, "Patient", "")}
        staff = await store.search_all(system, "Practitioner", "")
        common = {one["name"][0]["text"] for one in staff} | {one.display for one in held.values()}
    return _People(passwords, tokens, held, grants, residents, common)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def city(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The product, running."""
    name = f"kangshu_attacks_{os.getpid()}"
    asyncio.run(_execute(postgres_url, f"create database {name}"))
    url = postgres_url.rsplit("/", 1)[0] + f"/{name}"
    folder = tmp_path_factory.mktemp("attacks")
    installation = Installation(folder)
    identity = installation.found(demo_identity())
    asyncio.run(make_demo(installation, url, residents=RESIDENTS, years=2, progress=lambda *_: None))
    kept = json.loads((folder / "secrets" / "demo-accounts.json").read_text("utf-8"))
    passwords = {one["name"]: one["password"] for one in kept}
    place = Place(folder, installation.views, identity)
    people = asyncio.run(_people(url, place))
    port = _free_port()
    log_file = folder / "product.log"
    command = [
        str(Path(sys.executable).with_name("kangshu")),
        "serve",
        "--data-dir",
        str(folder),
        "--port",
        str(port),
    ]
    command += ["--db", url]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _await_answer(address, process, log_file)
        yield City(
            address, url, folder, log_file, process, passwords | people.passwords, people.tokens, people.posts,
            people.grants, people.residents, people.common_names,
        )  # fmt: skip
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        asyncio.run(_execute(postgres_url, f"drop database if exists {name} with (force)"))


def _await_answer(address: str, process: subprocess.Popen[bytes], log_file: Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(log_file.read_text("utf-8", "replace")[-2000:])
        try:
            if httpx.get(f"{address}/health", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError("the product did not answer")
