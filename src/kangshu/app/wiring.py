"""The one place that wires: picks the database, finds the services, hands each room what it needs."""

from __future__ import annotations

import importlib.metadata
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kangshu import accounts, measures, notices, plans, registers, warnings
from kangshu.access import Role
from kangshu.accounts import Accounts
from kangshu.api import ENTERED, Platform, Settings
from kangshu.app.configuration import read_configuration
from kangshu.app.installation import Identity
from kangshu.app.late_targets import LateTargets
from kangshu.base.canonical import DEMO_TAG
from kangshu.base.parameters import Bounds, ParameterTable, ParameterVersion
from kangshu.base.text import Text
from kangshu.base.working_days import china
from kangshu.bookings import Bookings
from kangshu.cases import PARAMETERS as CASE_PARAMETERS
from kangshu.cases import Cases
from kangshu.exchanges import Exchanges
from kangshu.measures import Snapshot, Views
from kangshu.notices import Notices
from kangshu.plans import Assessments, DutyLists, Lineage, Papers, Plans, Publications, Returns, Snapshots
from kangshu.questionnaires import Questionnaires
from kangshu.registers import Attachments, Prints, Registers, Reminders
from kangshu.sdk import MeasureDeclaration, ParameterDeclaration, Service
from kangshu.services import load
from kangshu.store import AUDIT_PARAMETERS, Store
from kangshu.warnings import Warnings

SERVICES = "kangshu_services"
"""The package whose folders are services; others join by the entry point group `kangshu.services`."""
VIEWS_KEY = "measures.views-key"
"""The setting of the database that holds the key of what views keep one-way."""
_DEMO = {"system": DEMO_TAG, "code": "demo", "display": "演示数据"}


@cache
def city_services() -> tuple[Service, ...]:
    """Return every service that is installed, checked and frozen. Raises Invalid when a folder has findings.

    What only an engine can find is looked for once, when an installation starts (`check_services`).
    """
    return load(*service_packages(), thorough=False)


def check_services() -> None:
    """Raise Invalid when a folder of an installed service has findings, those of an engine included."""
    load(*service_packages())


@cache
def city_roles() -> Mapping[str, Role]:
    """Return the ready-made roles with what the installed services add to them, by id."""
    return accounts.ready_roles(one.roles for one in city_services() if one.roles)


def service_packages() -> tuple[str, ...]:
    """Return the names of the packages whose folders are services."""
    others = (one.value for one in importlib.metadata.entry_points(group="kangshu.services"))
    return (SERVICES, *others)


def all_measures(services: Iterable[Service]) -> tuple[MeasureDeclaration, ...]:
    """Return every declared measure in the services' order."""
    return tuple(measure for service in services for measure in service.measures)


def all_views(services: Iterable[Service], key: str = "") -> Views:
    """Return every declared view, compiled; `key` is the installation's for what they keep one-way."""
    return Views((view for service in services for view in service.views), key=key)


async def keyed_views(platform: Platform) -> Views:
    """Return every view with the installation's key, which is drawn once and stands in its database alone."""
    key = await platform.store.get_setting(VIEWS_KEY)
    if key is None:
        key = secrets.token_hex(32)
        await platform.store.put_setting(VIEWS_KEY, key)
    return all_views(platform.services, key)


class SnapshotOpener:
    """Opens the published snapshot once per publication; calling it returns the newest of the database `source`."""

    def __init__(
        self, folder: Path, source: str, threshold: Callable[[], int], secrecy: Callable[[], measures.Secrecy]
    ) -> None:
        self._folder = folder
        self._source = source
        self._threshold = threshold
        self._secrecy = secrecy
        self._lock = threading.Lock()
        self._kept: tuple[int, Snapshot] | None = None

    def __call__(self) -> Snapshot:
        """Return the newest published snapshot. Raises NotFound before the first."""
        manifest = self._folder / "manifest.json"
        stamp = manifest.stat().st_mtime_ns if manifest.exists() else 0
        with self._lock:
            if self._kept is None or self._kept[0] != stamp:
                opened = Snapshot.open(
                    self._folder, self._source, threshold=self._threshold, secrecy=self._secrecy
                )
                self._kept = (stamp, opened)
            return self._kept[1]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an installation keeps what is not in the database, what it is, and how it is seen from outside."""

    folder: Path
    views: Path
    identity: Identity
    public_url: str = ""


@asynccontextmanager
async def open_platform(url: str, place: Place, *, pool: int = 8) -> AsyncIterator[Platform]:
    """Give the wired rooms on the database at `url`. Raises Unavailable when it does not answer."""
    services = city_services()
    store = await Store.open(url, pool=pool)
    try:
        yield await _wired(store, services, place)
    finally:
        await store.close()


async def _wired(store: Store, services: tuple[Service, ...], place: Place) -> Platform:
    table = ParameterTable(_declared(services), await _entered(store))
    for one in (each for service in services for each in service.parameters if each.at_least or each.at_most):
        table.bound(one.id, Bounds(one.at_least, one.at_most))
    jurisdiction = place.identity.jurisdiction
    configuration = read_configuration(place.folder)
    calendar = china()

    def least_shown() -> int:
        return int(measures.figure(table, measures.SMALL_CELL, jurisdiction))

    def secrecy() -> measures.Secrecy:
        least = int(measures.figure(table, measures.LEAST_UNITS, jurisdiction))
        return measures.Secrecy(least, float(measures.figure(table, measures.DOMINANCE, jurisdiction)))

    opener: Callable[[], Snapshot] = SnapshotOpener(place.views, store.identity, least_shown, secrecy)
    outlets = dict(plans.OUTLETS)
    cases = Cases(
        store,
        (case for service in services for case in service.cases),
        table,
        calendar=calendar,
        jurisdiction=jurisdiction,
        outlets=outlets,
        signals=(one for service in services for one in service.signals),
        desks=(one for service in services for one in service.desks),
        rosters=(one for service in services for one in service.rosters),
        calculations=(one for service in services for one in service.calculations),
    )
    bookings = Bookings(
        store,
        (one for service in services for one in service.bookings),
        table,
        calendar=calendar,
        jurisdiction=jurisdiction,
        outbound=configuration.outbound,
        cases=cases.heed,
    )
    cases.book_with(bookings)
    city_plans = Plans(
        store,
        cases,
        table,
        measures=all_measures(services),
        values=plans.snapshot_values(opener, table, jurisdiction),
        past=plans.PastValues(opener, table, jurisdiction),
        systems=[system for service in services for system in service.systems],
        jurisdiction=jurisdiction,
    )
    registers = Registers(store, (one for service in services for one in service.registers))
    papers = Papers(store, city_plans, cases, (one for service in services for one in service.documents))
    outlets.update(papers.outlets())
    doors = Accounts(
        store,
        table,
        jurisdiction,
        roles=city_roles(),
        secrets=place.folder / "secrets",
        outbound=configuration.outbound,
        providers=configuration.providers,
    )
    frozen = Snapshots(store, city_plans, cases, jurisdiction=jurisdiction)
    city = Text(place.identity.city_zh or "康枢", place.identity.city_en or "Kangshu")
    return Platform(
        store=store,
        accounts=doors,
        registers=registers,
        reminders=Reminders(store, registers.declarations, table, jurisdiction),
        prints=Prints(store, registers, (one for service in services for one in service.documents)),
        questionnaires=Questionnaires(
            store, (one for service in services for one in service.questionnaires), table, jurisdiction
        ),
        cases=cases,
        bookings=bookings,
        plans=city_plans,
        lineage=Lineage(store, city_plans),
        duty_lists=DutyLists(store, city_plans, cases, jurisdiction=jurisdiction),
        snapshots=frozen,
        papers=papers,
        exchanges=Exchanges(store, cases, (one for service in services for one in service.exchanges)),
        publications=Publications(store, table, jurisdiction=jurisdiction),
        assessments=Assessments(store, cases, frozen, table, jurisdiction=jurisdiction),
        returns=Returns(store, cases, frozen, table, jurisdiction=jurisdiction, calendar=calendar),
        snapshot=opener,
        notices=Notices(
            store,
            doors,
            cases,
            table,
            jurisdiction,
            city=city,
            channels=configuration.channels,
            link=place.public_url,
        ),
        warnings=Warnings(
            store,
            cases,
            services,
            table,
            jurisdiction,
            snapshot=opener,
            targets=LateTargets(city_plans),
            tags=(_DEMO,) if place.identity.demo else (),
        ),
        attachments=Attachments(store, table, jurisdiction, configuration.scanner),
        parameters=table,
        calendar=calendar,
        services=services,
        settings=Settings(
            title=city,
            jurisdiction=jurisdiction,
            demo=place.identity.demo,
            data_dir=place.folder,
            public_url=place.public_url,
            secure_cookies=place.public_url.startswith("https:"),
        ),
    )


def _declared(services: tuple[Service, ...]) -> Iterator[ParameterDeclaration]:
    yield from accounts.PARAMETERS
    yield from accounts.EMERGENCY_PARAMETERS
    yield from measures.PARAMETERS
    yield from AUDIT_PARAMETERS
    yield from plans.PARAMETERS
    yield from notices.PARAMETERS
    yield from warnings.PARAMETERS
    yield from registers.PARAMETERS
    yield from CASE_PARAMETERS
    for service in services:
        yield from service.parameters


async def _entered(store: Store) -> list[ParameterVersion]:
    return [ParameterVersion.from_data(one) for one in await store.get_setting(ENTERED) or []]
