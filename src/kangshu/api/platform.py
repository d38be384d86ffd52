"""The wired product: what a page, an operation and the FHIR face are handed. `app` makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kangshu.base.parameters import ParameterTable
from kangshu.base.text import Text
from kangshu.base.working_days import Calendar

if TYPE_CHECKING:
    from kangshu.accounts import Accounts
    from kangshu.bookings import Bookings
    from kangshu.cases import Cases
    from kangshu.exchanges import Exchanges
    from kangshu.measures import Snapshot
    from kangshu.notices import Notices
    from kangshu.plans import Assessments, DutyLists, Lineage, Papers, Plans, Publications, Returns, Snapshots
    from kangshu.questionnaires import Questionnaires
    from kangshu.registers import Attachments, Prints, Registers, Reminders
    from kangshu.sdk import Service
    from kangshu.store import Store
    from kangshu.warnings import Warnings


PRODUCT: Final = Text("康枢", "Kangshu")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation says about itself.

    `jurisdiction` is the division code (GB/T 2260) of the city; `demo` puts 演示数据 on every page and export;
    `body_limit` is the greatest request body in bytes; `public_url` the address under which clients see the
    product, "" to take it from each request; `secure_cookies` is on behind HTTPS.
    """

    title: Text = PRODUCT
    jurisdiction: str = ""
    demo: bool = False
    body_limit: int = 50 * 1024 * 1024
    public_url: str = ""
    secure_cookies: bool = False
    data_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Platform:
    """The rooms of one running installation. A grant comes from `accounts`; every call takes it."""

    store: Store
    accounts: Accounts
    registers: Registers
    prints: Prints
    """Print forms of registers."""
    reminders: Reminders
    """Notices about days that stand in registers."""
    questionnaires: Questionnaires
    """Scales and forms that staff fill in for a resident."""
    cases: Cases
    bookings: Bookings
    """Places of slots: booked, changed, published."""
    plans: Plans
    lineage: Lineage
    """Plans as they stand to each other: versions, higher plans, contradictions."""
    duty_lists: DutyLists
    """责任清单 of the plans."""
    snapshots: Snapshots
    """Plans frozen at one moment (快照), not to be taken for `snapshot`, the published views of the measures."""
    assessments: Assessments
    """Assessment of units (考核评价) on frozen snapshots."""
    returns: Returns
    """Progress returns of units (进展报送): the calendar that opens them, their table, circulars."""
    papers: Papers
    """Official documents that cases give (公文)."""
    exchanges: Exchanges
    """Files of cases for other systems, and their answers."""
    publications: Publications
    """What of the frozen snapshots everybody may see."""
    snapshot: Callable[[], Snapshot]
    """Returns the published snapshot of the measures' views, as fresh as the background worker has made it."""
    notices: Notices
    """Telling people outside the product."""
    warnings: Warnings
    """Rules that warn, and what they find."""
    attachments: Attachments
    """Files that people send: their limits, their scan, their preview."""
    parameters: ParameterTable
    """Dated parameters: the one table that `accounts`, `cases` and `plans` share."""
    calendar: Calendar
    """Chinese working days."""
    services: tuple[Service, ...] = ()
    settings: Settings = field(default_factory=Settings)
