"""What auditors ask besides rows: whether the chain holds, and what is worth a look."""

from __future__ import annotations

from dataclasses import dataclass

from kangshu.access import Grant
from kangshu.api.platform import Platform
from kangshu.api.telling import tell
from kangshu.base.text import Text
from kangshu.store import AnchorPlaces, ChainReport


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """A check of the audit. `line` is the newest anchor, to be printed or kept elsewhere; "" where there is none."""

    report: ChainReport
    bad_anchors: tuple[tuple[str, Text], ...]
    line: str

    @property
    def holds(self) -> bool:
        """Whether chain and anchors hold."""
        return self.report.holds and not self.bad_anchors


async def check_audit(platform: Platform, grant: Grant) -> AuditCheck:
    """Return the check of the whole audit against the anchors of every place. Raises Forbidden without `audit.read`."""
    grant.require("audit.read")
    await tell(platform, grant, "audit-check")
    folder = platform.settings.data_dir
    if folder is None:
        return AuditCheck(await platform.store.check_audit(), (), "")
    places = AnchorPlaces(folder)
    read = places.read()
    report = await platform.store.check_audit(read.anchors)
    return AuditCheck(report, tuple((path.name, why) for path, why in read.bad), places.newest())
