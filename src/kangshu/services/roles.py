"""What a folder says of roles: `roles.yaml`, the tests of them in `roles_tests.yaml`, `demo_accounts.yaml`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from kangshu.accounts import ready_roles, role_findings
from kangshu.fhir import definitions
from kangshu.sdk import AccountDeclaration
from kangshu.services.entry import Entry
from kangshu.services.findings import Finding
from kangshu.services.tree import Block, Rows, plain, read_tree

ROLES: Final = "roles.yaml"
TESTS: Final = "roles_tests.yaml"
ACCOUNTS: Final = "demo_accounts.yaml"
_ID = re.compile(r"[a-z][a-z0-9-]{1,40}\Z")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}\Z")
_TABLES: Final = ("organisations", "residents", "posts", "roles", "extend")


@dataclass(frozen=True, slots=True)
class FolderRoles:
    """What one folder adds to the roles (`addition`), its tests (`tests`) and its accounts of the demo city.

    Both mappings are in the words of accounts/roles.yaml and accounts/roles_tests.yaml, with `extend` for
    ready-made roles.
    """

    addition: Mapping[str, Any] = field(default_factory=dict)
    tests: Mapping[str, Any] = field(default_factory=dict)
    accounts: tuple[AccountDeclaration, ...] = ()

    @property
    def own(self) -> Collection[str]:
        """Return the ids of the roles that the folder brings."""
        return frozenset(_mapping(self.addition.get("roles")))

    @property
    def homes(self) -> frozenset[str]:
        """Return the first screens of the roles that the folder brings."""
        return frozenset(str(one.get("home", "")) for one in _mapping(self.addition.get("roles")).values())


def read_roles(folder: Path, findings: list[Finding]) -> FolderRoles:
    """Return what the folder says of roles; what is wrong with it is added to `findings` at its file and line."""
    addition = _tree(folder / ROLES, findings)
    tests = _tree(folder / TESTS, findings)
    for issue in role_findings(plain(addition), _types()):
        where = issue.expression[0]
        findings.append(Finding(folder / ROLES, _line(addition, where), issue.text, f"角色定义有误：{where}"))
    findings.extend(_untested(folder, addition, tests))
    accounts = tuple(_accounts(folder / ACCOUNTS, findings))
    known = ready_roles().keys() | _mapping(addition.get("roles")).keys()
    for one in accounts:
        for role in one.roles:
            if role not in known:
                text = f"account '{one.name}': there is no ready-made role '{role}', and none of this folder"
                findings.append(Finding(folder / ACCOUNTS, 1, text, f"账号“{one.name}”：没有角色“{role}”"))
    return FolderRoles(plain(addition), plain(tests), accounts)


@cache
def _types() -> frozenset[str]:
    return frozenset(definitions().resource_types)


def _tree(file: Path, findings: list[Finding]) -> Block:
    if not file.is_file():
        return Block(1)
    tree = read_tree(file, findings)
    if isinstance(tree, Block):
        return tree
    findings.append(Finding(file, 1, "a mapping is expected here", "此处应为键值映射"))
    return Block(1)


def _untested(folder: Path, addition: Block, tests: Block) -> Iterator[Finding]:
    """Yield what the tests lack: each role of the folder, and each that it extends, is tried with yes and with no."""
    file = folder / TESTS
    for key in tests:
        if key not in _TABLES:
            yield Finding(file, tests.lines[key], f"unknown key '{key}'", f"未知的键“{key}”")
    for part in ("roles", "extend"):
        said, tried = _mapping(addition.get(part)), _mapping(tests.get(part))
        for id_ in said:
            line = _line(addition, f"{part}.{id_}")
            if part == "roles" and not _ID.match(id_):
                text = f"role id '{id_}' is not lower case with hyphens"
                yield Finding(folder / ROLES, line, text, f"角色标识“{id_}”应为小写字母、数字、连字符")
            answers = set(_answers(tried.get(id_)))
            if answers != {True, False}:
                text = f"'{part}.{id_}' needs tests in {TESTS}: what it allows and what it refuses"
                yield Finding(folder / ROLES, line, text, f"角色“{id_}”须在 {TESTS} 中有允许与拒绝的测试")
        for id_ in tried.keys() - said.keys():
            text = f"tests of '{id_}', which {ROLES} does not name under '{part}'"
            yield Finding(file, _line(tests, f"{part}.{id_}"), text, f"{ROLES} 的 {part} 中没有角色“{id_}”")


def _answers(body: Any) -> Iterator[bool]:
    """Yield what each test of a role expects: [action, what, where?, whether, why]."""
    for test in _mapping(body).get("tests") or ():
        if isinstance(test, list) and len(test) in (4, 5) and isinstance(test[-2], bool):
            yield test[-2]


def _accounts(file: Path, findings: list[Finding]) -> Iterator[AccountDeclaration]:
    if not file.is_file():
        return
    tree = read_tree(file, findings)
    if not isinstance(tree, Rows):
        findings.append(Finding(file, 1, "a list of accounts is expected here", "此处应为账号列表"))
        return
    for item, line in zip(tree, tree.lines, strict=True):
        entry = Entry(item, file, line, findings)
        account = AccountDeclaration(
            name=entry.string("name", required=True),
            display=entry.string("display", required=True),
            roles=entry.strings("roles", required=True),
            organisation=entry.string("organisation"),
            kind=cast("Any", entry.string("kind")),
            practitioner=entry.string("practitioner"),
            patient=entry.string("patient"),
            district=entry.string("district"),
        )
        entry.close()
        if not _NAME.match(account.name):
            entry.find(
                line, f"'{account.name}' is no name of an account", f"“{account.name}”不是有效的账号名"
            )
        yield account


def _line(tree: Block, where: str) -> int:
    """Return the line of the deepest part of `where` (dotted keys) that is written."""
    here: Any = tree
    line = 1
    for name in where.split("."):
        if not isinstance(here, Block) or name not in here:
            break
        line, here = here.lines[name], here[name]
    return line


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
