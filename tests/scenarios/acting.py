"""Acts out a service's scenario through the pages of a served city, as the people whom it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx

from kangshu.access import system_grant
from kangshu.accounts import Account
from kangshu.base.canonical import CASE_KIND
from kangshu.base.clock import instant, now, today
from kangshu.fhirpath import compile as compile_expression
from kangshu.sdk import ScenarioAccount, ScenarioDeclaration, ScenarioStep
from kangshu.services import steps_of
from kangshu.validate import validate
from tests.web.site import Site, token_of

SYSTEM = system_grant("scenarios")
SYSTEM_ITSELF = "system"
"""`by` of what the product does by itself."""
_NAME = re.compile(r"\$\{([^}]+)\}")
_DAY = re.compile(r"(today|now)(?:([+-]\d+))?\Z")
_REFUSED = frozenset({403, 404})


@dataclass
class People:
    """The accounts of a city's scenarios: one browser for each role and post, signed in once."""

    site: Site
    _made: dict[tuple[str, ...], httpx.Client] = field(default_factory=dict)
    _tokens: dict[int, str] = field(default_factory=dict)

    def browser(self, who: ScenarioAccount, among: Iterable[ScenarioAccount]) -> httpx.Client:
        """Return the browser of somebody, signed in. Two of `among` in the same post are two people."""
        alike = [one.id for one in among if replace(one, id="") == replace(who, id="")]
        place = (who.role, who.organisation, who.district, who.patient, who.practitioner, who.demo)
        key = (*place, str(alike.index(who.id)))
        if key not in self._made:
            name = who.demo or self._account(who, f"scenario-{len(self._made) + 1}")
            self._made[key] = self.site.visitor(name)
        return self._made[key]

    def token(self, browser: httpx.Client) -> str:
        """Return the form token of a browser."""
        if id(browser) not in self._tokens:
            self._tokens[id(browser)] = token_of(browser.get("/me").text)
        return self._tokens[id(browser)]

    def _account(self, who: ScenarioAccount, name: str) -> str:
        account = Account(
            name=name,
            display=f"{who.role} {who.organisation}".strip(),
            roles=(who.role,),
            organisation=who.organisation,
            practitioner=who.practitioner,
            patient=who.patient,
            district=who.district,
        )
        made = self.site.run(self.site.platform.accounts.create_account(SYSTEM, account))
        self.site.passwords[name] = made.password
        return name


@dataclass
class Stage:
    """One scenario being acted out. `cases` are the ids of its cases by name."""

    people: People
    scenario: ScenarioDeclaration
    cases: dict[str, str] = field(default_factory=dict)

    @property
    def site(self) -> Site:
        """The served city."""
        return self.people.site

    def act(self) -> None:
        """Act the whole scenario out. Raises AssertionError at the first step that goes otherwise."""
        for resource in self.scenario.given:
            self.site.run(self.site.platform.store.update(SYSTEM, self.filled(resource)))
        for number, step in enumerate(steps_of(self.scenario), 1):
            try:
                self._step(step)
            except AssertionError as refusal:
                raise AssertionError(f"step {number} ({step.verb} {step.what}): {refusal}") from refusal
        for name in self.cases:
            self._is_valid(self.task(name))

    def _is_valid(self, task: Mapping[str, Any]) -> None:
        """Hold a case, and the records it has made, against R4: effects write what the product itself would refuse."""
        made = [str(one.get("valueReference", {}).get("reference", "")) for one in task.get("output", ())]
        kept = [one.partition("/")[::2] for one in dict.fromkeys(made) if one.count("/") == 1]
        records = [self.site.run(self.site.platform.store.read(SYSTEM, *one)).resource for one in kept]
        for record in (task, *records):
            wrong = [one for one in validate(record) if one.severity in ("error", "fatal")]
            assert not wrong, f"{record['resourceType']}: {wrong[:2]}"

    def _step(self, step: ScenarioStep) -> None:
        if step.verb in ("start", "move"):
            self._attempts(step)
        elif step.verb == "signal":
            self._signal(step)
        elif step.verb == "record":
            self.site.run(self.site.platform.store.update(SYSTEM, self.filled(step.values)))
        elif step.verb == "pass":
            self._pass(step)
        elif step.verb == "child":
            self.cases[step.name] = self._child(step)
        elif step.verb == "made":
            assert step.what in self._moves(step.of), f"not among {self._moves(step.of)}"
        else:
            task = self.task(step.of)
            found = compile_expression(step.what).evaluate(task)
            assert found == [True], f"{found} of {task}"
        for name, move in step.makes:
            assert move in self._moves(name), f"{name} has not made {move}: {self._moves(name)}"
        if step.state:
            stands = self._state(step.name or step.of)
            assert stands == step.state, f"it stands at {stands}"

    def _attempts(self, step: ScenarioStep) -> None:
        by = {one.id: one for one in self.scenario.accounts}
        before = self._stands(step)
        for who in step.refused:
            answer = self._send(by[who], step)
            unseen = step.verb == "start" and answer.status_code == 422
            assert answer.status_code in _REFUSED or unseen, f"{who} was answered {answer.status_code}"
            assert self._stands(step) == before, f"{who} was refused and yet left a trace"
        if step.by == SYSTEM_ITSELF:
            self._by_itself(step)
            return
        answer = self._send(by[step.by], step)
        if step.fault:
            assert answer.status_code == 422, f"answered {answer.status_code}"
            shown = _said(answer.text)
            assert _invalid(answer.text, step.fault) or step.fault in shown, (
                f"'{step.fault}' is not shown as wrong: {shown}"
            )
            assert self._stands(step) == before, "a refused form left a trace"
            return
        assert answer.status_code == 303, f"{step.by} was answered {answer.status_code}: {_said(answer.text)}"
        if step.verb == "start":
            self.cases[step.name] = answer.headers["location"].partition("?")[0].rpartition("/")[2]

    def _by_itself(self, step: ScenarioStep) -> None:
        """Do what the product itself does, such as opening the returns of a period."""
        engine, values = self.site.platform.cases, self.filled(step.values)
        if step.verb == "move":
            self.site.run(engine.move(SYSTEM, self.cases[step.of], step.what, values))
            return
        stored = self.site.run(
            engine.start(
                SYSTEM,
                f"{self.scenario.service}/{step.what}",
                values,
                subject=self.filled(step.subject) or None,
                receiver=step.receiver.removeprefix("Organization/") or None,
                focus=f"Task/{self.cases[step.of]}" if step.of else None,
            )
        )
        self.cases[step.name] = stored.id

    def _send(self, who: ScenarioAccount, step: ScenarioStep) -> httpx.Response:
        browser = self._browser(who)
        values = self.filled(step.values)
        files = {name: _file(one) for name, one in values.items() if _is_file(one)}
        plain = {name: one for name, one in values.items() if name not in files}
        form = {**sent(plain), "_token": self.people.token(browser)}
        if step.verb == "move":
            return browser.post(
                f"/cases/{self.cases[step.of]}/moves/{step.what}", data=form, files=files or None
            )
        form |= {"_subject": self.filled(step.subject)} if step.subject else {}
        form |= {"_receiver": self.filled(step.receiver)} if step.receiver else {}
        form |= {"_about": f"Task/{self.cases[step.of]}"} if step.of else {}
        return browser.post(
            f"/cases/start/{self.scenario.service}/{step.what}", data=form, files=files or None
        )

    def _browser(self, who: ScenarioAccount) -> httpx.Client:
        """Return the browser of an account; its practitioner may be whom a case has drawn (`${sheet.owner}`)."""
        filled = replace(who, practitioner=self.filled(who.practitioner))
        return self.people.browser(filled, self.scenario.accounts if filled == who else (filled,))

    def _signal(self, step: ScenarioStep) -> None:
        """Send an event as an outside system does; nobody in `refused` may."""
        by = {one.id: one for one in self.scenario.accounts}
        address = f"/fhir/$signal?code={self.scenario.service}/{step.what}"
        event = json.dumps(self.filled(step.values), default=float)
        head = {"content-type": "application/json"}
        for who in step.refused:
            refused = self._browser(by[who]).post(address, content=event, headers=head)
            assert refused.status_code in _REFUSED, f"{who} was answered {refused.status_code}"
        answer = self._browser(by[step.by]).post(address, content=event, headers=head)
        assert answer.status_code in (200, 201), f"{step.by} was answered {answer.status_code}: {answer.text}"
        said = {one["name"]: one.get("valueString", "") for one in answer.json()["parameter"]}
        if said.get("case"):
            self.cases[step.name] = said["case"]

    def _pass(self, step: ScenarioStep) -> None:
        if step.what == "deadline":
            task = self.task(step.of)
            assert task.get("restriction", {}).get("period", {}).get("end"), "the case has no deadline"
            task["restriction"]["period"]["end"] = instant(now() - timedelta(minutes=1))
            self.site.run(self.site.platform.store.update(SYSTEM, task))
        self.site.run(self.site.platform.bookings.heed())
        self.site.run(self.site.platform.cases.tick())
        self.site.run(self.site.platform.cases.tick_minutes())

    def _child(self, step: ScenarioStep) -> str:
        """Return the id of the newest case of the kind that the case `of` has opened."""
        code = step.what if "/" in step.what else f"{self.scenario.service}/{step.what}"
        parent = f"Task/{self.cases[step.of]}"
        outputs = [
            one.get("valueReference", {}).get("reference") for one in self.task(step.of).get("output", ())
        ]
        found = [
            one
            for one in self._all(f"code={CASE_KIND}|{code}&_sort=-_lastUpdated")
            if one["id"] not in self.cases.values()
            and (
                parent in {(one.get("focus") or {}).get("reference"), *_references(one.get("partOf", ()))}
                or f"Task/{one['id']}" in outputs
            )
            and step.organisation in ("", one.get("owner", {}).get("reference", "").rpartition("/")[2])
        ]
        assert found, f"{parent} has opened no {code}"
        return str(found[0]["id"])

    def task(self, name: str) -> dict[str, Any]:
        """Return the Task of a case as it now stands."""
        return self.site.run(self.site.platform.store.read(SYSTEM, "Task", self.cases[name])).resource

    def _state(self, name: str) -> str:
        return str(self.task(name)["businessStatus"]["coding"][0]["code"])

    def _moves(self, name: str) -> list[str]:
        history = self.site.run(self.site.platform.cases.history(SYSTEM, self.cases[name]))
        return [event.move for event in history]

    def _stands(self, step: ScenarioStep) -> object:
        """Return what a refused attempt must leave as it was."""
        if step.verb == "move":
            return self.task(step.of)["meta"]["versionId"]
        return len(self._all(f"code={CASE_KIND}|{self.scenario.service}/{step.what}"))

    def _code(self, case: str) -> str:
        """Return the one-time code of a case, from the page of whoever is shown it."""
        for who in self.scenario.accounts:
            page = self._browser(who).get(f"/cases/{self.cases[case]}").text
            if found := re.search(r'id="code".*?figure-value[^>]*>(\d{6})<', page, re.DOTALL):
                return found[1]
        raise AssertionError(f"nobody is shown a code of {case}")

    def _all(self, criteria: str) -> list[dict[str, Any]]:
        return list(self.site.run(self.site.platform.store.search_all(SYSTEM, "Task", criteria)))

    def filled(self, value: Any) -> Any:
        """Return `value` with ${…} in its place: a case, what a case keeps (`main.appointment`), its owner's id (`main.owner`), today±n, now±n."""
        if isinstance(value, Mapping):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.filled(item) for item in value]
        return _NAME.sub(lambda match: self._named(match[1]), value) if isinstance(value, str) else value

    def _named(self, name: str) -> str:
        if day := _DAY.match(name):
            ahead = int(day[2] or 0)
            if day[1] == "today":
                return (today() + timedelta(days=ahead)).isoformat()
            return instant(now() + timedelta(minutes=ahead))
        case, _, kept = name.partition(".")
        if not kept:
            return f"Task/{self.cases[case]}"
        if kept == "code":
            return self._code(case)
        if kept == "owner":
            return str(self.task(case)["owner"]["reference"]).rpartition("/")[2]
        for one in self.task(case).get("output", ()):
            if one["type"].get("text") == kept or kept in _codes(one["type"]):
                return str(one["valueReference"]["reference"])
        raise AssertionError(f"the case {case} keeps no {kept}")


def _is_file(value: Any) -> bool:
    """Return whether a value is a file to attach: `{file: 协议.txt}`."""
    return isinstance(value, Mapping) and set(value) == {"file"}


def _file(value: Mapping[str, Any]) -> tuple[str, bytes, str]:
    return str(value["file"]), "演练材料".encode(), "text/plain"


def sent(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return the values as a form sends them: rows of tables by number, several choices with commas."""
    form: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            for number, row in enumerate(value):
                form[f"{prefix}{name}.{number}"] = "1"
                form |= sent(row, f"{prefix}{name}.{number}.")
        elif isinstance(value, bool):
            form[f"{prefix}{name}"] = "true" if value else "false"
        elif isinstance(value, list):
            form[f"{prefix}{name}"] = ", ".join(str(one) for one in value)
        else:
            form[f"{prefix}{name}"] = str(value)
    return form


def _references(values: Iterable[Mapping[str, Any]]) -> set[str]:
    return {str(one.get("reference", "")) for one in values}


def _codes(concept: Mapping[str, Any]) -> set[str]:
    return {str(one.get("code", "")) for one in concept.get("coding", ())}


def _invalid(page: str, name: str) -> bool:
    """Return whether the page shows the field as wrong."""
    tags = re.findall(rf'<[^>]*name="{re.escape(name)}"[^>]*>', page)
    at_a_box = re.search(rf'class="error" id="hint-[^"]*-{re.escape(name)}"', page)
    return any('aria-invalid="true"' in one for one in tags) or at_a_box is not None


def _said(page: str) -> str:
    """Return what a refused page tells, for the message of a failed test."""
    told = re.findall(r'role="alert"[^>]*>(.*?)</div>\s*</div>|class="error"[^>]*>(.*?)<', page, re.DOTALL)
    text = " | ".join(re.sub(r"<[^>]+>|\s+", " ", one or other) for one, other in told)
    return text[:600] or page[:300]
