"""Every page: its address, who may open it, and the coroutine that shows it. Tests walk this table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from kangshu.web import attachments
from kangshu.web.pages import (
    account,
    accounts,
    administration,
    adoption,
    audit,
    batch,
    board,
    cases,
    client_keys,
    consents,
    door,
    finding,
    home,
    instructing,
    lookups,
    measures,
    notices,
    own_account,
    own_posts,
    parameters,
    permissions,
    plan,
    plan_document,
    plans,
    records,
    registers,
    reports,
    residents,
    review,
    setup,
    starts,
    target_acts,
    targets,
    worklist,
)
from kangshu.web.visit import Visit

Show = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One route. Any one of `operations` opens it; none asks for sign-in alone; `open` asks for nothing."""

    path: str
    show: Show
    operations: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET",)
    open: bool = False


_POST: Final = ("POST",)

PAGES: Final[tuple[Page, ...]] = (
    Page("/sign-in", door.sign_in, open=True),
    Page("/sign-in", door.enter, methods=_POST, open=True),
    Page("/sign-in/code", door.code, open=True),
    Page("/sign-in/code", door.enter_code, methods=_POST, open=True),
    Page("/sign-out", door.sign_out, methods=_POST),
    Page("/password", door.password),
    Page("/password", door.change_password, methods=_POST),
    Page("/me/account", own_account.account),
    Page("/me/tokens/end", own_account.end_others, methods=_POST),
    Page("/me/tokens/{id}/end", own_account.end_token, methods=_POST),
    Page("/me/second-factor", own_account.second_factor),
    Page("/me/second-factor", own_account.begin, methods=_POST),
    Page("/me/second-factor/confirm", own_account.confirm, methods=_POST),
    Page("/me/second-factor/codes", own_account.new_codes, methods=_POST),
    Page("/me/post", own_posts.choose, methods=_POST),
    Page("/me/deputies", own_posts.deputies),
    Page("/me/deputies", own_posts.appoint, methods=_POST),
    Page("/me/deputies/{id}/end", own_posts.end, methods=_POST),
    Page("/", home.home),
    Page("/worklist", worklist.worklist),
    Page("/worklist/batch", batch.preview),
    Page("/worklist/batch", batch.move, methods=_POST),
    Page("/notices", notices.notices),
    Page("/notices", notices.read_all, methods=_POST),
    Page("/notices/{id}", notices.read_one, methods=_POST),
    Page("/find/{kind}", finding.find),
    Page("/me/lookups", lookups.own_lookups),
    Page("/me/lookups/{id}/ask", lookups.ask),
    Page("/me/copy", consents.copy),
    Page("/me/consents", consents.consents),
    Page("/me/consents/new", consents.new),
    Page("/me/consents/new", consents.give, methods=_POST),
    Page("/me/consents/{id}", consents.consent),
    Page("/me/consents/{id}/{move}", consents.decide, methods=_POST),
    Page("/cases/start", starts.kinds),
    Page("/cases/start/{service}/{case}", starts.form),
    Page("/cases/start/{service}/{case}", starts.start, methods=_POST),
    Page("/cases/{id}", cases.case),
    Page("/cases/{id}/moves/{move}", cases.move, methods=_POST),
    Page("/cases/{id}/instruct", instructing.on_case, ("plan.instruct",)),
    Page("/cases/{id}/instruct", instructing.instruct_on_case, ("plan.instruct",), _POST),
    Page("/reports", reports.reports, ("plan.read",)),
    Page("/plans", plans.plans, ("plan.read",)),
    Page("/plans/import", plans.import_form, ("plan.import",)),
    Page("/plans/import", plans.import_plan, ("plan.import",), _POST),
    Page("/plans/{id}", plan.plan, ("plan.read",)),
    Page("/plans/{id}/document", plan_document.document, ("plan.read",)),
    Page("/plans/{id}/assign", board.assign, ("plan.assign",), _POST),
    Page("/plans/{id}/adopt", adoption.preview, ("plan.adopt",)),
    Page("/plans/{id}/adopt", adoption.adopt, ("plan.adopt",), _POST),
    Page("/plans/{id}/review", review.review, ("plan.link",)),
    Page("/plans/{id}/review/{act}", review.answer, ("plan.link",), _POST),
    Page("/plans/{id}/targets/{goal}", targets.target, ("plan.read",)),
    Page("/plans/{id}/targets/{goal}/link", targets.link, ("plan.link",), _POST),
    Page("/plans/{id}/targets/{goal}/instruct", instructing.on_target, ("plan.instruct",)),
    Page("/plans/{id}/targets/{goal}/instruct", instructing.instruct_on_target, ("plan.instruct",), _POST),
    Page(
        "/plans/{id}/targets/{goal}/reports/{report}/{verdict}", target_acts.review, ("plan.report",), _POST
    ),
    Page("/plans/{id}/targets/{goal}/{act}", target_acts.act, ("plan.read",), _POST),
    Page("/measures", measures.measures, ("measure.read",)),
    Page("/measures/{id}", measures.measure, ("measure.read",)),
    Page("/measures/{id}/export.xlsx", measures.export, ("export",)),
    Page("/measures/{id}/subjects", measures.subjects, ("measure.subjects",)),
    Page("/registers/{service}/{register}", registers.register, ("register.read",)),
    Page("/registers/{service}/{register}/export.xlsx", registers.export, ("export",)),
    Page("/registers/{service}/{register}/chosen", registers.chosen, ("export",)),
    Page("/registers/{service}/{register}/template.xlsx", registers.template, ("register.import",)),
    Page("/registers/{service}/{register}/import", registers.import_form, ("register.import",)),
    Page("/registers/{service}/{register}/import", registers.import_file, ("register.import",), _POST),
    Page("/registers/{service}/{register}/new", registers.new, ("register.write",)),
    Page("/registers/{service}/{register}/new", registers.create, ("register.write",), _POST),
    Page("/registers/{service}/{register}/{id}", records.record, ("register.read",)),
    Page("/registers/{service}/{register}/{id}/edit", registers.edit, ("register.write",)),
    Page("/registers/{service}/{register}/{id}/edit", registers.update, ("register.write",), _POST),
    Page("/residents/{id}", residents.resident),
    Page("/residents/{id}/reveal", residents.reveal, ("field.reveal",), _POST),
    Page("/files/{id}", attachments.file),
    Page("/admin/accounts", accounts.accounts, ("account.manage", "account.read")),
    Page("/admin/accounts/new", accounts.new_account, ("account.manage",)),
    Page("/admin/accounts/new", accounts.create_account, ("account.manage",), _POST),
    Page("/admin/accounts/{name}", account.account, ("account.manage", "account.read")),
    Page("/admin/accounts/{name}/roles", account.set_roles, ("role.assign",), _POST),
    Page("/admin/accounts/{name}/post", account.set_post, ("account.manage",), _POST),
    Page("/admin/accounts/{name}/tokens", account.end_tokens, ("account.manage",), _POST),
    Page("/admin/accounts/{name}/keys", client_keys.keys, ("account.manage", "account.read")),
    Page("/admin/accounts/{name}/keys", client_keys.add, ("account.manage",), _POST),
    Page("/admin/accounts/{name}/keys/remove", client_keys.remove, ("account.manage",), _POST),
    Page("/admin/accounts/{name}/scopes", client_keys.scopes, ("role.assign",), _POST),
    Page(
        "/admin/accounts/{name}/{act}",
        accounts.change_account,
        ("account.manage", "account.unlock"),
        _POST,
    ),
    Page("/me/permissions", permissions.mine),
    Page("/permissions/residents", permissions.find_resident, ("policy.resident",), _POST),
    Page("/permissions/residents/{id}", permissions.resident),
    Page("/admin/policy", permissions.policy, ("policy.read",)),
    Page("/admin/roles", accounts.roles, ("account.manage", "role.assign", "account.read")),
    Page("/admin/import", setup.overview, setup.OPERATIONS),
    Page("/admin/import/passwords.xlsx", setup.passwords, ("account.manage",), _POST),
    Page("/admin/import/{act}", setup.form, setup.OPERATIONS),
    Page("/admin/import/{act}", setup.take, setup.OPERATIONS, _POST),
    Page("/admin/import/{act}/template.xlsx", setup.template, setup.OPERATIONS),
    Page("/admin/divisions", administration.division_list, ("organisation.manage",)),
    Page("/admin/organisations", administration.organisations, ("organisation.manage",)),
    Page("/admin/parameters", parameters.parameters, ("parameter.read", "parameter.write")),
    Page("/admin/parameters/{id}", parameters.parameter, ("parameter.read", "parameter.write")),
    Page("/admin/parameters/{id}", parameters.enter_parameter, ("parameter.write",), _POST),
    Page("/admin/services", administration.services, ("system.status",)),
    Page("/admin/audit", audit.audit, ("audit.read",)),
    Page("/admin/audit/export.xlsx", audit.export, ("audit.read",)),
    Page("/admin/audit/verify", audit.verify, ("audit.read",), _POST),
)
