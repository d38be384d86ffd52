"""Public suites run as data. A case in a ledger must fail; one that passes makes the run fail, so ledgers only shrink."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SUITES = HERE.parents[2] / "shared" / "suites"


def ledger(suite: str) -> dict[str, str]:
    """Return case id to reason. kind: ours (todo), upstream (the suite errs), never (with the spec's section)."""
    rows = tomllib.loads((HERE / "ledger" / f"{suite}.toml").read_text("utf-8")).get("case", [])
    return {row["id"]: f"{row['kind']}: {row['why']}" for row in rows}


class Suite:
    """One suite: its folder and its ledger."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folder = SUITES / name
        self.known = ledger(name)

    def settle(self, ids: list[str], failed: dict[str, str]) -> None:
        """Compare what failed with the ledger, strictly in both directions."""
        print(f"{self.name}: {len(ids) - len(failed)} of {len(ids)} pass, {len(self.known)} in the ledger")
        absent = sorted(self.known.keys() - set(ids))
        healed = sorted(self.known.keys() - failed.keys() - set(absent))
        fresh = {id_: why for id_, why in failed.items() if id_ not in self.known}
        assert not absent, f"the ledger names cases that are not there: {absent}"
        assert not healed, f"these pass now, take them out of the ledger: {healed}"
        assert not fresh, "\n".join(f"{id_}: {why}" for id_, why in fresh.items())


@pytest.fixture
def suite(request: pytest.FixtureRequest) -> Suite:
    """The suite that the module names in SUITE; skips where the shared folder is absent."""
    found = Suite(request.module.SUITE)
    if not found.folder.is_dir():
        pytest.skip(f"the public suite {found.name} is not in ../shared/suites")
    return found
