"""Each attack finds its hole: the test passes on the product, and fails as soon as the hole stands open.

A second product runs with `holes/` in its PYTHONPATH (see `holes/sitecustomize.py`); a file names the hole that is
open. With KANGSHU_PROVE=1 (`make attacks`) what was seen is kept in `proved.json`, from which the table is made.
"""

from __future__ import annotations

import importlib
import json
import linecache
import os
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from . import (
    test_bad_requests,
    test_door,
    test_expressions,
    test_fields_and_consents,
    test_instructions,
    test_pages,
    test_records_of_strangers,
    test_same_policy,
    test_uploads,
    test_writes,
)
from .cases import CASES
from .city import City, Made, running
from .holes.planted import HOLES

FOLDER = Path(__file__).parent
PROVED = FOLDER / "proved.json"
GETS = {page.path: page for page in test_pages.GETS}
POSTS = {page.path: page for page in test_pages.POSTS}


@dataclass(frozen=True)
class Proof:
    """The test that must find a hole, and what it is called with beside the city."""

    test: Callable[..., None]
    given: dict[str, Any] = field(default_factory=dict)
    prepared: Callable[[Any], Any] | None = None
    """Gives the city as the test's own fixture does."""

    def run(self, city: City) -> None:
        if self.prepared is None:
            self.test(city, **self.given)
        else:
            with self.prepared(city) as ready:
                self.test(ready, **self.given)


def by(test: Callable[..., None], /, **given: Any) -> Proof:
    return Proof(test, given)


def stung(test: Callable[..., None], /, **given: Any) -> Proof:
    return Proof(test, given, test_records_of_strangers.stinging)


policy, pages, writes, bad, uploads, fields, door, instructions = (
    test_same_policy, test_pages, test_writes, test_bad_requests, test_uploads, test_fields_and_consents, test_door,
    test_instructions,
)  # fmt: skip
PROOFS: dict[str, Proof] = {
    "include": by(policy.test_references_do_not_carry_over, name="plan"),
    "chain": by(policy.test_a_record_of_ones_own_tells_nothing_of_a_hidden_resident, name="doctor"),
    "has": by(policy.test_chains_answer_nothing_about_hidden_residents, name="doctor"),
    "oracle": by(policy.test_what_is_hidden_looks_like_what_never_was, name="doctor", kind="Patient"),
    "id-search": by(
        policy.test_searches_and_histories_show_what_the_policy_shows, name="doctor", kind="Patient"
    ),
    "count": by(policy.test_searches_and_histories_show_what_the_policy_shows, name="plan", kind="Condition"),
    "history": by(
        policy.test_searches_and_histories_show_what_the_policy_shows, name="doctor", kind="Encounter"
    ),
    "vread": by(policy.test_what_is_hidden_looks_like_what_never_was, name="doctor", kind="Patient"),
    "moved": by(policy.test_an_old_version_is_under_the_policy_of_today),
    "cursor": by(policy.test_page_links_belong_to_one_account, pair=("doctor", "doctor-b")),
    "unknown": by(bad.test_addresses, address="/Patient?pokemon=1"),
    "everything": by(policy.test_everything_is_what_searches_find, name="elder"),
    "export": by(pages.test_lists_and_exports_show_nothing_hidden, name="clerk-b"),
    "list": by(pages.test_lists_and_exports_show_nothing_hidden, name="clerk-b"),
    "resident-page": by(pages.test_pages_show_nothing_hidden, name="doctor", page=GETS["/residents/{id}"]),
    "binary": by(writes.test_a_binary_follows_the_document_that_it_belongs_to),
    "contained": by(writes.test_papers_about_a_resident_are_not_papers_of_nobody, way="contained"),
    "named-resident": by(
        writes.test_nobody_takes_a_resident_into_care_unseen, name="doctor-b", way="encounter"
    ),
    "taken-over": by(writes.test_foreign_records_are_not_written, name="doctor-b"),
    "owned": by(writes.test_cases_change_by_their_moves_alone, name="clerk"),
    "stamps": by(writes.test_marks_of_the_server_are_its_own),
    "labels": by(fields.test_labels_are_not_the_clients, name="department"),
    "labels-read": by(fields.test_a_labelled_record_is_for_who_may_see_the_label, name="doctor"),
    "fixed": by(fields.test_a_fixed_element_stays, name="elder"),
    "empty-relation": by(fields.test_an_office_without_relations_sees_nobody),
    "no-resident": by(fields.test_a_residents_token_without_a_resident_sees_nobody),
    "refusal": by(fields.test_a_refusal_closes_at_once),
    "withdrawal": by(fields.test_a_case_that_ends_closes_at_once),
    "mask": by(
        fields.test_what_is_masked_is_in_no_answer, name="clerk", field="telephone", parameter="phone"
    ),
    "probe-search": by(
        fields.test_a_masked_value_is_not_guessed, name="clerk", field="telephone", parameter="phone"
    ),
    "probe-sort": by(
        fields.test_a_masked_field_gives_no_order, name="clerk", field="telephone", parameter="phone"
    ),
    "probe-identifier": by(fields.test_an_identifier_of_another_record_is_not_compared, name="unit-b"),
    "write-back": by(fields.test_a_masked_value_is_not_written_over),
    "session-as-token": by(writes.test_tokens),
    "stopped": by(writes.test_a_stopped_account_is_out_everywhere),
    "assertion-signature": by(door.test_forged_assertions_give_no_token, what="alg none"),
    "assertion-audience": by(door.test_forged_assertions_give_no_token, what="audience of another"),
    "assertion-key": by(door.test_forged_assertions_give_no_token, what="unknown kid"),
    "assertion-end": by(door.test_forged_assertions_give_no_token, what="ended"),
    "assertion-again": by(door.test_an_assertion_is_good_once),
    "redirects": by(door.test_calls_go_to_listed_origins_alone),
    "inner": by(door.test_calls_go_to_listed_origins_alone),
    "second-look": by(door.test_calls_go_to_listed_origins_alone),
    "prefix": by(door.test_calls_go_to_listed_origins_alone),
    "route": by(pages.test_pages_show_nothing_hidden, name="doctor", page=GETS["/admin/accounts"]),
    "file-name": by(instructions.test_a_file_is_what_it_is, what="page as picture"),
    "obeyed": by(instructions.test_orders_in_a_plan_are_text, kind="txt"),
    "csrf": by(pages.test_forms_need_their_token, page=POSTS["/notices"]),
    "cross-site": by(writes.test_writes_from_other_sites_with_the_cookie_are_refused),
    "redirect": by(pages.test_sign_in_leads_nowhere_else, wanted="//evil.example/"),
    "entities": by(uploads.test_plans, what="file from outside"),
    "entities-in-sheets": by(uploads.test_sheets, what="small entity in a sheet"),
    "archive-limits": by(uploads.test_plans, what="bomb of parts"),
    "slip": by(test_expressions.test_no_part_of_a_document_leaves_it),
    "filled": by(uploads.test_sheets, what="wide merge"),
    "depth": by(bad.test_bodies, name="deep", way="create"),
    "doubled-keys": by(bad.test_bodies, name="doubled key", way="create"),
    "gzip": by(bad.test_large_bodies),
    "values": by(bad.test_swarms_of_values, what="objects"),
    "fields": by(bad.test_swarms_of_fields),
    "regex": by(test_expressions.test_expressions_have_a_budget, what="nested repeats"),
    "steps": by(test_expressions.test_expressions_have_a_budget, what="cross product"),
    "search-size": by(bad.test_search_with_too_many_parts),
    "page-size": by(bad.test_pages_are_bounded),
    "sql-text": by(pages.test_no_parameter_is_sql, text="'"),
    "sql-sort": by(pages.test_no_parameter_is_sql, text="name,(select 1)"),
    "autoescape": stung(test_records_of_strangers.test_markup_stays_text, name="doctor"),
    "csp": by(pages.test_every_page_carries_its_guards),
    "formula": stung(test_records_of_strangers.test_exports_hold_no_formula, name="doctor"),
    "media": stung(test_records_of_strangers.test_markup_stays_text, name="doctor"),
}


@pytest.fixture(scope="module")
def holed(postgres_url: str, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The product with every hole planted and none open."""
    folder = tmp_path_factory.mktemp("holed")
    control = folder / "hole"
    paths = [str(FOLDER / "holes"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {"PYTHONPATH": os.pathsep.join(paths), "KANGSHU_HOLE": str(control)}
    with running(postgres_url, made, folder, environment=environment) as city:
        city.hole = control
        assert "nothing at" not in city.log(), city.log()
        yield city


def keep(name: str, seen: dict[str, str]) -> None:
    """Keep what was seen of a hole in `proved.json`, when that is asked for."""
    if os.environ.get("KANGSHU_PROVE") != "1":
        return
    before = json.loads(PROVED.read_text("utf-8")) if PROVED.exists() else {}
    whole = {one: what for one, what in (before | {name: seen}).items() if one in HOLES}
    PROVED.write_text(json.dumps(dict(sorted(whole.items())), ensure_ascii=False, indent=1) + "\n", "utf-8")


@pytest.mark.parametrize("name", PROOFS)
def test_the_attack_finds_the_hole(holed: City, name: str) -> None:
    """Closed: the test passes. Open: it fails, by an assertion of its own."""
    assert holed.hole is not None
    proof = PROOFS[name]
    proof.run(holed)
    with holed.undone():
        holed.hole.write_text(name)
        try:
            with pytest.raises(AssertionError) as caught:
                proof.run(holed)
        finally:
            holed.hole.unlink()
    keep(
        name,
        {
            "test": f"{Path(proof.test.__code__.co_filename).name}::{proof.test.__name__}",
            "given": "-".join(str(getattr(one, "path", one)) for one in proof.given.values()),
            "catch": _said(caught.value),
        },
    )


def _said(error: BaseException) -> str:
    """Return the line of the suite that failed: its text holds nobody's data."""
    frames = [one for one in traceback.extract_tb(error.__traceback__) if str(FOLDER) in one.filename]
    last = [one for one in frames if not one.filename.endswith("test_proofs.py")][-1]
    return (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()


def test_every_place_of_a_hole_is_there() -> None:
    """Code that moves takes its holes along: seen here before any product is started."""
    missing = []
    for hole in HOLES.values():
        for place in hole.places:
            module, _, path = place.partition(":")
            found: Any = importlib.import_module(module)
            for name in path.split("."):
                found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
            if found is None:
                missing.append(f"{hole.name}: {place}")
    assert not missing


def test_every_hole_and_every_attack_is_proved() -> None:
    """No hole without its proof, no attack without its hole."""
    assert HOLES.keys() == PROOFS.keys()
    assert {number for one in HOLES.values() for number in one.attacks} == CASES.keys()
