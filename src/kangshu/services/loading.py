"""Checked drafts → frozen services. Only here is a service's Python imported."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from kangshu.base.faults import Invalid, Issue
from kangshu.measures import read_view, with_shared
from kangshu.sdk import CheckQuery, Service
from kangshu.services.checks import check
from kangshu.services.draft import Draft, discover
from kangshu.services.families import member_checks
from kangshu.services.findings import Finding
from kangshu.services.requirements import standing


def load(*sources: str | Path, thorough: bool = True) -> tuple[Service, ...]:
    """Return every service of `sources` (see `discover`), checked and frozen, by their order and id.

    Without `thorough`, SQL is not compiled and worked examples are not computed (see `check`).

    Raises:
        Invalid: some folder has findings; its issues are all of them with file and line.
    """
    drafts = discover(*sources)
    errors = [one for one in check(drafts, thorough=thorough) if one.severity == "error"]
    if errors:
        raise Invalid(
            f"{len(errors)} findings in service folders; see `kangshu services check`. First: {errors[0]}",
            zh=f"服务声明有 {len(errors)} 处问题，请运行 kangshu services check 查看",
            issues=tuple(_issue(one) for one in errors),
        )
    kept, _ = standing(drafts)
    services = sorted((freeze(one) for one in kept), key=lambda one: (one.order, one.id))
    return with_dimensions(services)


def with_dimensions(services: Sequence[Service]) -> tuple[Service, ...]:
    """Return the services, each measure with the dimensions that are declared once and hold for its subjects."""
    views = {view.name: read_view(view.definition) for one in services for view in one.views}
    declared = [dimension for one in services for dimension in one.dimensions]
    return tuple(
        replace(one, measures=tuple(with_shared(measure, views, declared) for measure in one.measures))
        for one in services
    )


def freeze(draft: Draft) -> Service:
    """Return the service of a draft without findings; imports its `checks.py`, `demo.py` and `demo_cases.py`.

    Raises:
        Invalid: a module does not hold what its name promises.
    """
    checks = _member(draft, "checks", "CHECKS", {})
    demo = _member(draft, "demo", "demo", None)
    demo_cases = _member(draft, "demo_cases", "demo_cases", None)
    if not isinstance(checks, Mapping):
        raise Invalid(f"{draft.package}.checks must hold CHECKS = {{measure id: function}}")
    # what is left out for want of another folder has its second computation still
    checks = {name: one for name, one in checks.items() if name not in draft.left_out}
    for name in checks.keys() - {one.id for one in draft.measures}:
        raise Invalid(f"{draft.package}.checks has a check of '{name}', which is no measure of the service")
    queries: Mapping[str, CheckQuery] = member_checks(draft.measures, checks)
    read = {one.name for one in fields(Draft)} - {"roles", "users"}
    return Service(
        **{one.name: getattr(draft, one.name) for one in fields(Service) if one.name in read},
        roles=draft.roles.addition,
        users=frozenset(draft.users),
        accounts=draft.roles.accounts,
        checks=queries,
        demo=demo,
        demo_cases=demo_cases,
    )


def _member(draft: Draft, module: str, name: str, default: Any) -> Any:
    if not draft.package or not (draft.folder / f"{module}.py").is_file():
        return default
    found = importlib.import_module(f"{draft.package}.{module}")
    if not hasattr(found, name):
        raise Invalid(f"{draft.package}.{module} must hold '{name}'")
    return getattr(found, name)


def _issue(finding: Finding) -> Issue:
    return Issue("error", "invalid", finding.text, (f"{finding.file}:{finding.line}",), finding.zh)
