"""A service folder as read, before it is checked: declarations, where each is written, and what did not read."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from kangshu.sdk import (
    AwaitedMeasure,
    BookingDeclaration,
    CalculationDeclaration,
    CaseDeclaration,
    CityRecords,
    DeskDeclaration,
    DimensionDeclaration,
    DocumentDeclaration,
    EntranceEntry,
    ExchangeDeclaration,
    ExtractDeclaration,
    HomeSection,
    Lack,
    ListDeclaration,
    MeasureDeclaration,
    ParameterDeclaration,
    Processing,
    QualityRule,
    QuestionnaireDeclaration,
    RegisterDeclaration,
    RosterDeclaration,
    ScenarioDeclaration,
    SignalDeclaration,
    Text,
    ViewDeclaration,
    WarningRule,
)
from kangshu.services.awaited import read_awaited
from kangshu.services.bookings import read_booking, resolved
from kangshu.services.calculations import read_calculation
from kangshu.services.city_records import read_city_records
from kangshu.services.declared import read_case, read_register
from kangshu.services.entrance import read_entrance
from kangshu.services.entry import Entry
from kangshu.services.exchanges import read_exchange
from kangshu.services.extracts import read_extract
from kangshu.services.families import read_measures
from kangshu.services.findings import Finding
from kangshu.services.home import read_section
from kangshu.services.lists import read_list
from kangshu.services.live import read_desk, read_roster, read_signal
from kangshu.services.measured import read_dimension, read_parameter, read_view
from kangshu.services.papers import read_document
from kangshu.services.places import Places
from kangshu.services.processing import read_processing
from kangshu.services.quality import read_rule, with_quality
from kangshu.services.questionnaires import read_questionnaire
from kangshu.services.roles import FolderRoles, read_roles
from kangshu.services.scenarios import read_scenario
from kangshu.services.tree import Block, plain, read_tree
from kangshu.services.warnings import read_warning

MANIFEST = "service.yaml"
_Made = TypeVar("_Made")


@dataclass(slots=True)
class Draft:
    """One service folder as read. `package` is its import name, "" when it cannot be imported."""

    folder: Path
    package: str
    id: str
    title: Text
    help: Text
    systems: tuple[str, ...]
    menu: Text
    order: int
    registers: tuple[RegisterDeclaration, ...] = ()
    cases: tuple[CaseDeclaration, ...] = ()
    parameters: tuple[ParameterDeclaration, ...] = ()
    views: tuple[ViewDeclaration, ...] = ()
    city: tuple[CityRecords, ...] = ()
    measures: tuple[MeasureDeclaration, ...] = ()
    quality: tuple[QualityRule, ...] = ()
    awaited: tuple[AwaitedMeasure, ...] = ()
    extracts: tuple[ExtractDeclaration, ...] = ()
    documents: tuple[DocumentDeclaration, ...] = ()
    calculations: tuple[CalculationDeclaration, ...] = ()
    exchanges: tuple[ExchangeDeclaration, ...] = ()
    bookings: tuple[BookingDeclaration, ...] = ()
    lists: tuple[ListDeclaration, ...] = ()
    warnings: tuple[WarningRule, ...] = ()
    dimensions: tuple[DimensionDeclaration, ...] = ()
    questionnaires: tuple[QuestionnaireDeclaration, ...] = ()
    scenarios: tuple[ScenarioDeclaration, ...] = ()
    signals: tuple[SignalDeclaration, ...] = ()
    desks: tuple[DeskDeclaration, ...] = ()
    rosters: tuple[RosterDeclaration, ...] = ()
    home: tuple[HomeSection, ...] = ()
    entrance: tuple[EntranceEntry, ...] = ()
    users: tuple[str, ...] = ()
    lacks: tuple[Lack, ...] | None = None
    rules: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    """Ids of the services whose views its measures, lists and extracts read; see `requirements`."""
    left_out: frozenset[str] = frozenset()
    """Ids of what is left out because such a service is not there."""
    processing: Processing | None = None
    roles: FolderRoles = field(default_factory=FolderRoles)
    places: Places = field(default_factory=Places)
    findings: list[Finding] = field(default_factory=list)


def discover(*sources: str | Path) -> tuple[Draft, ...]:
    """Return a draft of every service folder in `sources`, by folder name.

    A source is a package name (`kangshu_services`) or a folder that holds service folders. A package that is not
    installed gives none: the platform works without services.
    """
    found: list[Draft] = []
    for source in sources:
        for folder, package in _roots(source):
            for one in sorted(folder.iterdir()):
                if (one / MANIFEST).is_file():
                    found.append(read_folder(one, f"{package}.{one.name}" if package else ""))
    with_quality(found)
    return tuple(found)


def _lacks(manifest: Entry) -> tuple[Lack, ...] | None:
    if not manifest.has("lacks"):
        manifest.raw("lacks")
        return None
    found = []
    for one in manifest.entries("lacks"):
        found.append(Lack(one.string("system", required=True), one.own_text()))
        one.close()
    return tuple(found)


def read_folder(folder: Path, package: str = "") -> Draft:
    """Return the draft of one service folder; what does not read is among its findings."""
    findings: list[Finding] = []
    places = Places()
    manifest = Entry(read_tree(folder / MANIFEST, findings), folder / MANIFEST, 1, findings)
    draft = Draft(
        folder=folder,
        package=package,
        id=manifest.string("id", required=True),
        title=manifest.text("title"),
        help=manifest.text("help"),
        systems=manifest.strings("systems", required=True),
        menu=manifest.text("menu"),
        order=manifest.integer("order", 100),
        places=places,
        findings=findings,
    )
    places.note(draft, manifest)
    draft.home = tuple(read_section(one, draft.id, places) for one in manifest.entries("home"))
    draft.entrance = tuple(read_entrance(one, draft.id, places) for one in manifest.entries("entrance"))
    draft.rules = manifest.strings("rules")
    draft.users = manifest.strings("users")
    draft.lacks = _lacks(manifest)
    draft.requires = manifest.strings("requires")
    draft.processing = read_processing(manifest, places)
    manifest.close()
    if draft.id != folder.name:
        line = manifest.line_of("id")
        manifest.find(
            line, f"the id is the folder's name: '{folder.name}'", f"id 应与文件夹同名：“{folder.name}”"
        )
    draft.registers = tuple(_each(draft, "registers", read_register))
    draft.cases = tuple(_each(draft, "cases", read_case))
    draft.measures = tuple(one for read in _each(draft, "measures", read_measures) for one in read)
    draft.quality = tuple(_each(draft, "quality", read_rule))
    draft.awaited = tuple(_awaited(draft))
    draft.city = tuple(_each(draft, "city", read_city_records))
    draft.extracts = tuple(_each(draft, "extracts", read_extract))
    draft.documents = tuple(_each(draft, "documents", read_document))
    draft.calculations = tuple(_each(draft, "calculations", read_calculation))
    draft.exchanges = tuple(_each(draft, "exchanges", read_exchange))
    draft.bookings = resolved(tuple(_each(draft, "bookings", read_booking)))
    draft.dimensions = tuple(_each(draft, "dimensions", read_dimension))
    draft.lists = tuple(_each(draft, "lists", read_list))
    draft.warnings = tuple(_each(draft, "warnings", read_warning))
    draft.questionnaires = tuple(_each(draft, "questionnaires", read_questionnaire))
    draft.scenarios = tuple(_each(draft, "scenarios", read_scenario))
    draft.signals = tuple(_each(draft, "signals", read_signal))
    draft.desks = tuple(_each(draft, "desks", read_desk))
    draft.rosters = tuple(_each(draft, "rosters", read_roster))
    draft.parameters = tuple(_parameters(draft))
    draft.views = tuple(_views(draft))
    draft.roles = read_roles(folder, findings)
    return draft


def _roots(source: str | Path) -> Iterator[tuple[Path, str]]:
    if isinstance(source, Path):
        yield source, ""
        return
    try:
        found = importlib.util.find_spec(source)
    except ModuleNotFoundError:
        return
    for place in (found.submodule_search_locations or ()) if found else ():
        yield Path(place), source


def _each(draft: Draft, kind: str, read: Callable[[Entry, str, Places], _Made]) -> Iterator[_Made]:
    """Yield what `read` makes of every YAML file in the folder `kind`; a file is named after the id it declares."""
    for file in sorted((draft.folder / kind).glob("*.yaml")):
        tree = read_tree(file, draft.findings)
        if tree is None:
            continue
        entry = Entry(tree, file, 1, draft.findings)
        name = entry.string("id")
        if name and name != file.stem:
            entry.find(
                entry.line_of("id"),
                f"the id is the file's name: '{file.stem}'",
                f"id 应与文件同名：“{file.stem}”",
            )
        yield read(entry, draft.id, draft.places)


def _awaited(draft: Draft) -> Iterator[AwaitedMeasure]:
    for file in sorted((draft.folder / "awaited").glob("*.yaml")):
        tree = read_tree(file, draft.findings)
        if tree is None:
            continue
        entry = Entry(tree, file, 1, draft.findings)
        for one in entry.entries("measures"):
            yield read_awaited(one, draft.id, draft.places)
        entry.close()


def _parameters(draft: Draft) -> Iterator[ParameterDeclaration]:
    for file in sorted((draft.folder / "rules").glob("*.yaml")):
        tree = read_tree(file, draft.findings)
        if tree is None:
            continue
        entry = Entry(tree, file, 1, draft.findings)
        for one in entry.entries("parameters"):
            yield read_parameter(one, draft.id, draft.places)
        entry.close()


def _views(draft: Draft) -> Iterator[ViewDeclaration]:
    # JSON is read by the YAML reader too, which keeps the lines
    for file in sorted((*(draft.folder / "views").glob("*.json"), *(draft.folder / "views").glob("*.yaml"))):
        tree = read_tree(file, draft.findings)
        if not isinstance(tree, Block):
            draft.findings.append(
                Finding(file, 1, "a ViewDefinition is expected here", "此处应为 ViewDefinition")
            )
            continue
        yield read_view(plain(tree), file, draft.id, Entry(tree, file, 1, draft.findings), draft.places)
