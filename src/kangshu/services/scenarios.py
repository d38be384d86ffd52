"""The YAML of a service's scenarios → their declarations."""

from __future__ import annotations

from kangshu.sdk import SCENARIO_VERBS, ScenarioAccount, ScenarioDeclaration, ScenarioStep, ScenarioVerb
from kangshu.services.entry import Entry
from kangshu.services.places import Places

_ACTED = frozenset({"start", "move", "signal"})


def read_scenario(entry: Entry, service: str, places: Places) -> ScenarioDeclaration:
    """Return the scenario that `entry` declares; what is wrong goes to the entry's findings."""
    scenario = ScenarioDeclaration(
        id=entry.string("id", required=True),
        service=service,
        title=entry.text("title"),
        accounts=entry.each("accounts", _account),
        steps=tuple(_step(one, places) for one in entry.entries("steps")),
        given=tuple(entry.raw("given") or ()),
    )
    places.note(scenario, entry)
    entry.close()
    return scenario


def _account(entry: Entry) -> ScenarioAccount:
    account = ScenarioAccount(
        id=entry.string("id", required=True),
        role=entry.string("role"),
        organisation=entry.string("organisation"),
        district=entry.string("district"),
        patient=entry.string("patient").removeprefix("Patient/"),
        practitioner=entry.string("practitioner").removeprefix("Practitioner/"),
        demo=entry.string("demo"),
    )
    if bool(account.role) == bool(account.demo):
        entry.find(
            entry.line, "an account has either a role or a demo account", "账号须有 role 或 demo 其中之一"
        )
    entry.close()
    return account


def _step(entry: Entry, places: Places) -> ScenarioStep:
    verbs = [one for one in SCENARIO_VERBS if entry.has(one)]
    if len(verbs) != 1:
        text = f"a step has one verb of {', '.join(SCENARIO_VERBS)}"
        entry.find(entry.line, text, f"步骤须有且仅有一个动词：{'、'.join(SCENARIO_VERBS)}")
    verb: ScenarioVerb = verbs[0] if verbs else "expect"
    values = entry.raw("values") or {}
    if not isinstance(values, dict):
        entry.find(entry.line_of("values"), "'values' is a mapping", "“values”应为键值映射")
        values = {}
    step = ScenarioStep(
        verb=verb,
        what=entry.string(verb, required=True),
        of=entry.string("of"),
        name=entry.string("as"),
        by=entry.string("by", required=verb in _ACTED),
        subject=entry.string("subject"),
        receiver=entry.string("receiver"),
        organisation=entry.string("organisation"),
        values=values,
        state=entry.string("state"),
        refused=entry.strings("refused"),
        fault=entry.string("fault"),
        makes=entry.each("makes", _made),
    )
    places.note(step, entry)
    entry.close()
    return step


def _made(entry: Entry) -> tuple[str, str]:
    made = (entry.string("of", required=True), entry.string("move", required=True))
    entry.close()
    return made
