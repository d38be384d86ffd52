"""A FHIR face on a real database, and clients of several accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest_asyncio

from kangshu.access import Grant, system_grant
from kangshu.accounts import Account, Accounts
from kangshu.api import Platform, Settings, fhir_app
from kangshu.base.faults import NotFound
from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.base.working_days import china
from kangshu.bookings import Bookings
from kangshu.cases import Cases
from kangshu.exchanges import Exchanges
from kangshu.measures import Snapshot
from kangshu.notices import Notices
from kangshu.plans import Assessments, DutyLists, Lineage, Papers, Plans, Publications, Returns, Snapshots
from kangshu.questionnaires import Questionnaires
from kangshu.registers import Attachments, Prints, Registers, Reminders
from kangshu.store import Store
from kangshu.warnings import LateTarget, Warnings

BASE = "http://test/fhir"
FHIR_JSON = "application/fhir+json"


def no_snapshot() -> Snapshot:
    """No view has been published in these tests."""
    raise NotFound("no snapshot has been published")


async def no_targets() -> tuple[LateTarget, ...]:
    """No plan has been read in these tests."""
    return ()


async def open_platform(url: str, folder: Path) -> Platform:
    """Return a platform without services on the database at `url`."""
    store = await Store.open(url)
    parameters = ParameterTable()
    cases = Cases(store, (), parameters)
    plans = Plans(store, cases, parameters, jurisdiction="990100")
    accounts = Accounts(store, parameters, "990100")
    snapshots = Snapshots(store, plans, cases, jurisdiction="990100")
    registers = Registers(store, ())
    return Platform(
        store=store,
        accounts=accounts,
        registers=registers,
        prints=Prints(store, registers, ()),
        reminders=Reminders(store, (), parameters, "990100"),
        questionnaires=Questionnaires(store, (), parameters, "990100"),
        cases=cases,
        bookings=Bookings(store, (), parameters),
        plans=plans,
        lineage=Lineage(store, plans),
        duty_lists=DutyLists(store, plans, cases, jurisdiction="990100"),
        snapshots=snapshots,
        papers=Papers(store, plans, cases, ()),
        exchanges=Exchanges(store, cases, ()),
        publications=Publications(store, parameters, jurisdiction="990100"),
        assessments=Assessments(store, cases, snapshots, parameters, jurisdiction="990100"),
        returns=Returns(store, cases, snapshots, parameters, jurisdiction="990100"),
        snapshot=no_snapshot,
        notices=Notices(store, accounts, cases, parameters, "990100", city=Text("云汐市", "Yunxi")),
        attachments=Attachments(store, parameters, "990100"),
        warnings=Warnings(store, cases, (), parameters, "990100", snapshot=no_snapshot, targets=no_targets),
        parameters=parameters,
        calendar=china(),
        settings=Settings(Text("云汐市", "Yunxi"), "990100", body_limit=2_000_000, data_dir=folder),
    )


@dataclass(frozen=True)
class Face:
    """The running face: the platform below it, and clients by account."""

    platform: Platform
    client: httpx.AsyncClient
    sign_in: Callable[[Account], Awaitable[httpx.AsyncClient]]
    system: Grant


@pytest_asyncio.fixture
async def face(database_url: str, tmp_path: Path) -> AsyncIterator[Face]:
    """Give a face with a client of the account `system`."""
    platform = await open_platform(database_url, tmp_path)
    opened: list[httpx.AsyncClient] = []

    async def client_of(name: str) -> httpx.AsyncClient:
        token = await platform.accounts.create_token(name, timedelta(hours=1))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(fhir_app(platform), raise_app_exceptions=True),
            base_url=BASE,
            headers={"Authorization": f"Bearer {token}"},
        )
        opened.append(client)
        return client

    async def sign_in(account: Account) -> httpx.AsyncClient:
        made = await platform.accounts.create_account(grant, replace(account, display=account.name))
        return await client_of(made.account.name)

    grant = system_grant("test")
    yield Face(platform, await client_of("system"), sign_in, grant)
    for one in opened:
        await one.aclose()
    await platform.store.close()
