"""What accounts decide without a database: passwords, tokens, the ready-made roles."""

from __future__ import annotations

import re

import pytest

from kangshu.access import Nothing, Subject, lint_roles, open_grant
from kangshu.accounts import PARAMETERS, random_password, ready_roles
from kangshu.accounts.passwords import (
    check_password,
    hash_password,
    random_token,
    token_digest,
    verify_password,
)
from kangshu.base.faults import Unprocessable
from kangshu.fhir import definitions

PEOPLE = ("Patient", "Encounter", "Observation", "Condition", "EpisodeOfCare")


def test_a_password_is_kept_as_argon2id_and_verified() -> None:
    encoded = hash_password("Yunxi-2026-abcd")
    assert encoded.startswith("$argon2id$")
    assert "Yunxi" not in encoded
    assert verify_password(encoded, "Yunxi-2026-abcd")
    assert not verify_password(encoded, "yunxi-2026-abcd")
    assert not verify_password(None, "Yunxi-2026-abcd")


def test_random_passwords_meet_the_rule_and_differ() -> None:
    made = {random_password() for _ in range(200)}
    assert len(made) == 200
    for one in made:
        check_password(one, "plan", 10)


@pytest.mark.parametrize("weak", ["short1A", "alllowercase", "zhangsan-Ab1"])
def test_a_weak_password_is_refused(weak: str) -> None:
    with pytest.raises(Unprocessable):
        check_password(weak, "zhangsan", 10)


def test_a_token_is_long_and_kept_as_a_digest() -> None:
    token = random_token()
    assert len(token) >= 43
    assert len(token_digest(token)) == 32
    assert token_digest(token) != token_digest(random_token())


def test_the_ready_made_roles_have_no_findings() -> None:
    import yaml

    from kangshu.accounts import roles as room

    text = (room.files("kangshu.accounts") / "roles.yaml").read_text("utf-8")
    types = frozenset(definitions().resource_types)
    assert lint_roles(yaml.safe_load(text), types) == ()


@pytest.mark.parametrize(
    "role", ["plan-office", "commission-leader", "statistics-office", "system-administrator",
             "security-administrator", "auditor", "data-office", "data-protection-officer"]
)  # fmt: skip
def test_offices_that_count_people_read_none(role: str) -> None:
    subject = Subject(
        account="a", display="", organisation="o", organisations=frozenset({"o"}), district="990100"
    )
    grant = open_grant(subject, [ready_roles()[role]])
    assert all(grant.may_read(kind) == Nothing() for kind in PEOPLE)
    if role in ("plan-office", "commission-leader", "statistics-office"):
        assert all(grant.may_count(kind) != Nothing() for kind in PEOPLE)


def test_the_duties_of_the_three_administrators_are_apart() -> None:
    held = {one: set(ready_roles()[one].operations) for one in
            ("system-administrator", "security-administrator", "auditor")}  # fmt: skip
    for act in ("account.manage", "role.assign", "audit.read"):
        assert sum(act in acts for acts in held.values()) == 1


def test_every_figure_of_sign_in_has_its_clause() -> None:
    assert all(
        re.match("GB/T 22239-2019|HL7 SMART|《中华人民共和国民法典》", one.source) for one in PARAMETERS
    )
