"""What a service folder adds to the ready-made roles: it widens, never narrows, and says what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from kangshu.access import Scope, Subject, admits, extended_roles, lint_additions, open_grant
from kangshu.base.faults import Invalid

READY: dict[str, Any] = {
    "groups": {"directory": ["Organization", "Location"]},
    "roles": {
        "clerk": {
            "title": {"zh": "经办人", "en": "Clerk"},
            "post": ["organisation", "district"],
            "read": {"@directory": "everything", "*": "organisation"},
            "write": {"*": "none"},
            "operations": ["register.read"],
        }
    },
}
OFFICE: dict[str, Any] = {
    "title": {"zh": "认定办", "en": "Designation office"},
    "post": ["district"],
    "read": {"@directory": "everything", "Basic": "district"},
}
CLERK = Subject("c", "", organisation="unit", organisations=frozenset({"unit"}), district="990102")
OWN, NEAR, FAR = (Scope("990102", ("unit",)), Scope("990102", ("other",)), Scope("990103", ("other",)))


def test_an_extension_widens_what_the_role_had_by_the_star() -> None:
    roles = extended_roles(
        READY,
        [
            {
                "extend": {
                    "clerk": {
                        "read": {"Basic": "district"},
                        "write": {"Basic": "organisation"},
                        "operations": ["list.read"],
                    }
                }
            }
        ],
    )
    grant = open_grant(CLERK, [roles["clerk"]])
    assert [admits(grant.may_read("Basic"), where) for where in (OWN, NEAR, FAR)] == [True, True, False]
    assert [admits(grant.may_read("Task"), where) for where in (OWN, NEAR)] == [True, False]
    assert [admits(grant.may_write("Basic"), where) for where in (OWN, NEAR)] == [True, False]
    assert grant.may("list.read")
    assert grant.may("register.read")


def test_new_roles_use_the_groups_and_several_folders_add_up() -> None:
    first = {"roles": {"office": OFFICE}, "extend": {"clerk": {"operations": ["a.b"]}}}
    second = {"extend": {"clerk": {"operations": ["c.d"], "read": {"@directory": ["district"]}}}}
    roles = extended_roles(READY, [first, second])
    assert roles["office"].read["Location"] == ("everything",)
    assert roles["clerk"].operations == ("register.read", "a.b", "c.d")
    assert roles["clerk"].read["Location"] == ("everything", "district")
    with pytest.raises(Invalid, match="office"):
        extended_roles(READY, [first, {"roles": {"office": OFFICE}}])


@pytest.mark.parametrize(
    ("addition", "where"),
    [
        ({"role": {}}, "role"),
        ({"roles": {"clerk": OFFICE}}, "roles.clerk"),
        ({"roles": {"office": {**OFFICE, "reads": {}}}}, "roles.office.reads"),
        ({"roles": {"office": {**OFFICE, "post": []}}}, "roles.office.post"),
        ({"extend": {"nobody": {"operations": []}}}, "extend.nobody"),
        ({"extend": {"clerk": {"labels": ["HIV"]}}}, "extend.clerk.labels"),
        ({"extend": {"clerk": {"read": {"Basic": "self"}}}}, "extend.clerk.post"),
        ({"extend": {"clerk": {"read": {"@none": "district"}}}}, "extend.clerk.read.@none"),
        ({"extend": {"clerk": {"write": {"Project": "district"}}}}, "extend.clerk.write.Project"),
    ],
)
def test_each_mistake_is_found_at_its_place(addition: dict[str, Any], where: str) -> None:
    types = frozenset({"Organization", "Location", "Basic", "Task"})
    assert where in {one.expression[0] for one in lint_additions(READY, addition, types)}
