"""Protected fields leave the store masked, by whatever way; they are no oracle; writing back loses nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kangshu.access import (
    AnyOf,
    DistrictUnder,
    Everything,
    Grant,
    InCare,
    Nothing,
    OrganisationIn,
    PatientIn,
    Predicate,
    admits,
    system_grant,
)
from kangshu.base.canonical import DISTRICT, RESIDENT_ID
from kangshu.base.faults import Conflict, Fault, Forbidden, Invalid, NotFound, Unprocessable
from kangshu.base.text import Text
from kangshu.sdk import Resource
from kangshu.search import parse_criteria, parse_query
from kangshu.store import Store, UniqueRule

SYSTEM = system_grant("test")
FIELDS = ("identity-number", "telephone", "address")


def number(order: int) -> str:
    """Return an identity number of the test, plainly unlike any other text."""
    return f"99010219500101{order:03d}X"


def phone(order: int) -> str:
    """Return a telephone number of the test."""
    return f"1380013{order:04d}"


def street(order: int) -> str:
    """Return an address of the test."""
    return f"康枢市东湖区云台路{order:03d}弄{order}号{order}室"


def patient(order: int) -> Resource:
    """Return a resident with everything that is protected, in every place where it can stand."""
    return {
        "resourceType": "Patient",
        "id": f"p{order}",
        "text": {"status": "generated", "div": f"<div xmlns='x'>{number(order)} {phone(order)} {street(order)}</div>"},
        "extension": [{"url": DISTRICT, "valueCode": f"99010{order % 3}"}],
        "identifier": [
            {"system": RESIDENT_ID, "value": number(order)},
            {"system": "urn:mrn", "value": f"MRN-9900{order:05d}"},
        ],
        "name": [{"text": f"居民{order}"}],
        "telecom": [
            {"system": "phone", "value": phone(order), "use": "home", "extension": [{"url": "urn:e", "valueString": phone(order)}]},
            {"system": "phone", "value": f"1590015{order + 40:04d}", "use": "work"},
        ],
        "address": [
            {
                "text": street(order), "line": [street(order)[6:]], "city": "康枢市",
                "_line": [{"extension": [{"url": "urn:s", "valueString": street(order)}]}],
            }
        ],
        "contact": [
            {
                "name": {"text": "家属"}, "telecom": [{"value": phone(order + 500)}],
                "address": {"text": street(order + 500)},
            }
        ],
        "managingOrganization": {"reference": f"Organization/h{order % 3}"},
    }  # fmt: skip


def records() -> list[Resource]:
    """Return residents, and records that carry residents' numbers within them."""
    found: list[Resource] = []
    for order in range(1, 7):
        about = {
            "reference": f"Patient/p{order}",
            "identifier": {"system": RESIDENT_ID, "value": number(order)},
        }
        found += [
            patient(order),
            {"resourceType": "RelatedPerson", "id": f"r{order}", "patient": {"reference": f"Patient/p{order}"},
             "identifier": [{"system": RESIDENT_ID, "value": number(order + 100)}], "telecom": [{"value": phone(order + 100)}]},
            {"resourceType": "Observation", "id": f"o{order}", "status": "final", "code": {"text": "x"}, "subject": about},
            {"resourceType": "Basic", "id": f"b{order}", "code": {"text": "x"}, "subject": about,
             "identifier": [{"system": RESIDENT_ID, "value": number(order)}],
             "text": {"status": "generated", "div": f"<div xmlns='x'>{number(order)}</div>"},
             "contained": [{**patient(order), "id": "inner"}]},
        ]  # fmt: skip
    return found


async def filled(url: str) -> Store:
    """Return a store that holds the records."""
    store = await Store.open(url, pool=3)
    await store.bulk_load(SYSTEM, records())
    return store


def secrets(order: int) -> dict[str, tuple[str, ...]]:
    """Return what must not show of one resident, by field."""
    return {
        "identity-number": (number(order), number(order + 100), f"MRN-9900{order:05d}"),
        "telephone": (phone(order), f"1590015{order + 40:04d}", phone(order + 100), phone(order + 500)),
        "address": (street(order), street(order)[6:], street(order + 500)),
    }  # fmt: skip


def reader(clear: dict[str, Predicate], read: Predicate | None = None) -> Grant:
    """Return a grant that reads and writes where `read` says and sees fields where `clear` says."""
    seen = {"*": read or Everything()}
    return Grant(account="nurse", display="", read=seen, write=seen, clear=clear)


async def everything_shown(store: Store, grant: Grant) -> dict[str, str]:
    """Return all that the store gives to `grant`, as text by way."""
    found: dict[str, Any] = {}
    residents = (await store.search(grant, parse_criteria("Patient", "_count=100"))).entries
    for one in residents:
        found[f"read {one.id}"] = (await store.read(grant, "Patient", one.id)).body
        found[f"vread {one.id}"] = (await store.vread(grant, "Patient", one.id, 1)).body
        found[f"history {one.id}"] = [v.body for v in (await store.history(grant, "Patient", one.id)).entries]
    for type in ("Patient", "RelatedPerson", "Observation", "Basic"):
        page = await store.search(grant, parse_criteria(type, "_count=100"))
        found[f"search {type}"] = [(one.body, one.resource) for one in page.entries]
        found[f"history {type}"] = [one.resource for one in (await store.history(grant, type)).entries]
    ways = (
        "Observation?_include=Observation:subject",
        "Patient?_revinclude=Basic:subject&_revinclude=RelatedPerson:patient",
    )
    for way in ways:
        type, _, criteria = way.partition("?")
        page = await store.search(grant, parse_criteria(type, criteria + "&_count=100"))
        found[way] = [one.body for one in (*page.entries, *page.included)]
    found["feed"] = [change.resource for change in await store.feed(grant, 0)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
        {"request": {"method": "GET", "url": url}} for url in ("Patient?_count=50", "Patient/p1", "Basic/b2", "Patient/p3/_history/1")
    ]}  # fmt: skip
    found["batch"] = await store.bundle(grant, bundle)

    async def inside(transaction: Any) -> list[Any]:
        return [await transaction.search_all("Patient", ""), await transaction.search_all("Basic", "")]

    found["transaction"] = await store.run(grant, inside)
    return {way: repr(value) if not isinstance(value, str) else value for way, value in found.items()}


def decoded(text: str) -> str:
    """Return a representation of bytes and texts with its Chinese legible."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1", "replace").decode("utf-8", "replace")  # fmt: skip


CLEAR: st.SearchStrategy[Predicate] = st.one_of(
    st.just(Everything()),
    st.just(Nothing()),
    st.sampled_from(("99", "990100", "990101")).map(DistrictUnder),
    st.frozensets(st.sampled_from(("h0", "h1", "h2"))).map(OrganisationIn),
    st.frozensets(st.sampled_from(("p1", "p2", "p3")), max_size=2).map(PatientIn),
    st.frozensets(st.sampled_from(("h0", "h1")), min_size=1).map(
        lambda ids: InCare(ids, frozenset({"managed"}), "TREAT")
    ),
    st.just(AnyOf((OrganisationIn(frozenset({"h0"})), PatientIn(frozenset({"p1"}))))),
)


def clear_for(predicate: Predicate, order: int) -> bool:
    """Return whether `predicate` admits resident `order`, by what the test knows of it."""
    if isinstance(predicate, InCare):
        return f"h{order % 3}" in predicate.organisations
    if isinstance(predicate, AnyOf):
        return any(clear_for(part, order) for part in predicate.parts)
    if isinstance(predicate, DistrictUnder):
        return f"99010{order % 3}".startswith(predicate.prefix)
    if isinstance(predicate, OrganisationIn):
        return f"h{order % 3}" in predicate.ids
    if isinstance(predicate, PatientIn):
        return f"p{order}" in predicate.ids
    return isinstance(predicate, Everything)


def test_no_masked_value_shows_by_any_way(database_url: str) -> None:
    """What is hidden shows nowhere; what is clear shows where the record itself is read."""
    with asyncio.Runner() as runner:
        store = runner.run(filled(database_url))

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.fixed_dictionaries(dict.fromkeys(FIELDS, CLEAR)))
        def check(clear: dict[str, Predicate]) -> None:
            shown = runner.run(everything_shown(store, reader(clear)))
            texts = {way: decoded(text) for way, text in shown.items()}
            for order, field in itertools.product(range(1, 7), FIELDS):
                # RelatedPerson and the others belong to the resident, not to the institution: scopes differ
                own = [way for way in texts if way.endswith(f" p{order}")]
                for secret in secrets(order)[field]:
                    if clear_for(clear[field], order):
                        continue
                    for way in own:
                        assert secret not in texts[way], (way, field)
                    if isinstance(clear[field], Nothing):
                        for way, text in texts.items():
                            assert secret not in text, (way, field)
                if clear_for(clear[field], order):
                    assert secrets(order)[field][0] in texts[f"read p{order}"]

        check()
        runner.run(store.close())


PROBES: tuple[Callable[[int], tuple[str, str]], ...] = (
    lambda order: ("Patient", f"identifier={RESIDENT_ID}|{number(order)}"),
    lambda order: ("Patient", f"identifier={number(order)}"),
    lambda order: ("Patient", f"identifier:not={number(order)}"),
    lambda order: ("Patient", f"phone={phone(order)}"),
    lambda order: ("Patient", f"telecom={phone(order)}"),
    lambda order: ("Patient", f"address={street(order)[:8]}"),
    lambda order: ("Patient", f"address:contains={street(order)[8:14]}"),
    lambda order: ("Patient", f"address:exact={street(order)}"),
    lambda order: ("Patient", "phone:missing=false"),
    lambda order: ("Patient", f"_has:Observation:subject:subject:Patient.identifier={number(order)}"),
    lambda order: ("Patient", f"_has:RelatedPerson:patient:identifier={number(order + 100)}"),
    lambda order: ("Observation", f"subject:Patient.identifier={number(order)}"),
    lambda order: ("Observation", f"subject:Patient.phone={phone(order)}"),
    lambda order: ("Observation", f"patient.address={street(order)[:8]}"),
    lambda order: ("Observation", f"subject:identifier={RESIDENT_ID}|{number(order)}"),
    lambda order: ("Basic", f"identifier={number(order)}"),
    lambda order: ("RelatedPerson", f"identifier={number(order + 100)}"),
    lambda order: ("RelatedPerson", f"patient.phone={phone(order)}"),
)


@pytest.mark.parametrize("probe", range(len(PROBES)))
async def test_a_search_for_a_masked_value_answers_as_for_nobody(database_url: str, probe: int) -> None:
    store = await filled(database_url)
    for clear in ({}, {"*": PatientIn(frozenset({"p1"}))}, {"*": OrganisationIn(frozenset({"h1"}))}):
        grant = reader(clear)
        for order in range(1, 7):
            type, criteria = PROBES[probe](order)
            found = await store.search(grant, parse_criteria(type, criteria + "&_total=accurate&_count=2"))
            allowed = [one for one in found.entries if _clear_record(clear, type, one.id, one.scope)]
            assert [one.id for one in allowed] == [one.id for one in found.entries]
            none = await store.count(grant, parse_criteria(type, criteria))
            assert found.total == none
            if not clear:
                assert (found.total, found.entries, found.next) == (0, [], None)
    # and it is a search: whoever sees all finds
    type, criteria = PROBES[probe](2)
    assert await store.count(reader({"*": Everything()}), parse_criteria(type, criteria)) > 0
    await store.close()


def _clear_record(clear: dict[str, Predicate], type: str, id: str, scope: Any) -> bool:
    predicate = clear.get("*", Nothing())
    if type == "Patient":
        return admits(predicate, scope)
    # by a chain: the resident whose field is compared is the one that must be clear
    return admits(predicate, scope) or clear_for(predicate, int(id[1:]))


async def test_no_order_and_no_conditional_write_tells_a_masked_value(database_url: str) -> None:
    store = await filled(database_url)
    nurse = reader({"*": OrganisationIn(frozenset({"h1"}))})
    for key in ("identifier", "phone", "-telecom", "address", "address-city", "name,phone"):
        with pytest.raises(Forbidden) as refused:
            await store.search(nurse, parse_criteria("Patient", f"_sort={key}"))
        assert "受保护" in refused.value.zh
    assert await store.search_all(reader({"*": Everything()}), "Patient", "_sort=phone")
    within = reader(
        {"*": AnyOf((OrganisationIn(frozenset({"h1"})), Nothing()))}, OrganisationIn(frozenset({"h1"}))
    )
    assert len(await store.search_all(within, "Patient", "_sort=phone")) == 2
    assert await store.search_all(nurse, "Patient", "_sort=name")
    hidden, nobody = f"identifier={number(3)}", f"identifier={number(77)}"
    assert await store.delete_matching(nurse, "Patient", hidden) is await store.delete_matching(
        nurse, "Patient", nobody
    )
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "y"},
        "subject": {"reference": f"Patient?{hidden}"},
    }
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"resource": body, "request": {"method": "POST", "url": "Observation"}}]}  # fmt: skip
    with pytest.raises(Fault) as one:
        await store.bundle(nurse, bundle)
    body["subject"] = {"reference": f"Patient?{nobody}"}
    with pytest.raises(Fault) as other:
        await store.bundle(nurse, bundle)
    assert (type(one.value), one.value.text, one.value.zh) == (
        type(other.value),
        other.value.text,
        other.value.zh,
    )
    await store.close()


async def test_what_is_read_masked_goes_back_whole(database_url: str) -> None:
    store = await filled(database_url)
    nurse = reader({})
    for type, id in (("Patient", "p1"), ("RelatedPerson", "r1"), ("Observation", "o1"), ("Basic", "b1")):
        before = (await store.read(SYSTEM, type, id)).resource
        seen = (await store.read(nurse, type, id)).resource
        assert seen != before
        written = await store.update(nurse, seen)
        after = (await store.read(SYSTEM, type, id)).resource
        assert {**after, "meta": None} == {**before, "meta": None}
        assert json.loads(written.stored.body)["meta"]["versionId"] == "2"
        assert {**written.stored.resource, "meta": None} == {**seen, "meta": None}
    seen = (await store.read(nurse, "Patient", "p2")).resource
    changed = {**seen, "gender": "female", "telecom": [{**one, "rank": 1} for one in seen["telecom"][::-1]]}
    await store.update(nurse, changed)
    after = (await store.read(SYSTEM, "Patient", "p2")).resource
    assert [one["value"] for one in after["telecom"]] == [one["value"] for one in patient(2)["telecom"]][::-1]
    assert (after["gender"], after["telecom"][0]["rank"], after["text"]) == ("female", 1, patient(2)["text"])
    await store.patch(nurse, "Patient", "p3", [{"op": "add", "path": "/birthDate", "value": "1950-01-01"}])
    after = (await store.read(SYSTEM, "Patient", "p3")).resource
    assert {**after, "meta": None} == {**patient(3), "meta": None, "birthDate": "1950-01-01"}
    entry = {
        "resource": (await store.read(nurse, "Patient", "p4")).resource,
        "request": {"method": "PUT", "url": "Patient/p4"},
    }
    await store.bundle(nurse, {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    after = (await store.read(SYSTEM, "Patient", "p4")).resource
    assert {**after, "meta": None} == {**patient(4), "meta": None}
    await store.close()


def _at(resource: Resource, path: tuple[str | int, ...], value: Any) -> Resource:
    result: Resource = json.loads(json.dumps(resource))
    node: Any = result
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    elif path[-1] == "+":
        node.append(value)
    else:
        node[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        (("identifier", 0, "value"), number(1), "身份证件号"),
        (("identifier", 0, "value"), number(2), "身份证件号"),
        (("identifier", 0, "value"), "990102************", None),
        (("identifier", 0), None, "身份证件号"),
        (("identifier",), None, "身份证件号"),
        (("identifier", "+"), {"system": "urn:x", "value": "990102************"}, "身份证件号"),
        (("telecom", 0, "value"), phone(1), "联系电话"),
        (("telecom", 0, "value"), "138****0002", "联系电话"),
        (("telecom", 0, "extension"), [{"url": "urn:e", "valueString": "x"}], "联系电话"),
        (("telecom", "+"), {"system": "phone", "value": "12345678"}, "联系电话"),
        (("telecom",), None, "联系电话"),
        (("address", 0, "line"), ["别处"], "住址"),
        (("address", 0, "_line"), [{"id": "a"}], "住址"),
        (("contact", 0, "telecom", 0, "value"), phone(501), "联系电话"),
        (("contact",), None, "联系电话"),
        (
            ("extension", "+"),
            {"url": "urn:z", "valueIdentifier": {"system": RESIDENT_ID, "value": number(1)}},
            "身份证件号",
        ),
    ],
)
async def test_a_masked_value_is_not_changed(
    database_url: str, path: Any, value: Any, word: str | None
) -> None:
    store = await filled(database_url)
    nurse = reader({})
    seen = (await store.read(nurse, "Patient", "p1")).resource
    if word is None:
        assert seen["identifier"][0]["value"] == value
    else:
        with pytest.raises(Forbidden) as refused:
            await store.update(nurse, _at(seen, path, value))
        assert word in refused.value.zh
        assert not any(
            secret in refused.value.zh + refused.value.text for all_ in secrets(1).values() for secret in all_
        )
    stands = (await store.read(SYSTEM, "Patient", "p1")).resource
    assert {**stands, "meta": None} == {**patient(1), "meta": None}
    await store.close()


async def test_a_patch_neither_tests_nor_copies_a_masked_value(database_url: str) -> None:
    store = await filled(database_url)
    nurse = reader({})
    copied = [{"op": "copy", "from": "/identifier/0/value", "path": "/name/0/text"}]
    written = await store.patch(nurse, "Patient", "p1", copied)
    assert written.stored.resource["name"][0]["text"] == "990102************"
    for guess in (number(1), number(2)):
        with pytest.raises(Fault) as refused:
            await store.patch(
                nurse, "Patient", "p1", [{"op": "test", "path": "/identifier/0/value", "value": guess}]
            )
        assert guess not in refused.value.text
    with pytest.raises(Fault):
        await store.patch(
            nurse, "Patient", "p1", [{"op": "move", "from": "/telecom/0/value", "path": "/name/0/text"}]
        )
    await store.close()


async def test_two_that_look_the_same_are_told_apart_by_place_or_refused(database_url: str) -> None:
    async with await Store.open(database_url, pool=2) as store:
        twins = [{"system": "phone", "value": "13800010001"}, {"system": "phone", "value": "13899990001"}]
        await store.update(SYSTEM, {"resourceType": "Patient", "id": "p1", "telecom": twins})
        nurse = reader({})
        seen = (await store.read(nurse, "Patient", "p1")).resource
        assert seen["telecom"][0] == seen["telecom"][1]
        await store.update(nurse, {**seen, "gender": "male"})
        assert (await store.read(SYSTEM, "Patient", "p1")).resource["telecom"] == twins
        for moved in ([{**seen["telecom"][0], "use": "work"}, seen["telecom"][1]], seen["telecom"][:1]):
            with pytest.raises((Unprocessable, Forbidden)):
                await store.update(nurse, {**seen, "telecom": moved})
        assert (await store.read(SYSTEM, "Patient", "p1")).resource["telecom"] == twins
        partly = reader({"telephone": PatientIn(frozenset({"p1"}))})
        one = [{"system": "phone", "value": "138****0001"}]
        with pytest.raises(Unprocessable) as refused:
            await store.update(partly, {**seen, "telecom": one})
        assert "联系电话" in refused.value.zh
        with pytest.raises(Unprocessable):
            await store.update(partly, {**seen, "telecom": [{"system": "phone", "value": "139****0001"}]})
        with pytest.raises(Unprocessable):
            await store.create(nurse, {"resourceType": "Patient", "telecom": one})
        await store.update(partly, {**seen, "telecom": [{"system": "phone", "value": "13700000000"}]})
        assert (await store.read(SYSTEM, "Patient", "p1")).resource["telecom"][0]["value"] == "13700000000"


async def test_an_unseen_record_that_has_the_value_is_not_told_of(database_url: str) -> None:
    store = await filled(database_url)
    path = f"identifier.where(system = '{RESIDENT_ID}').value"
    store.register_unique(
        [UniqueRule("people", "Patient", (path,), Text("“身份证号”与已有记录重复", "same number"))]
    )
    await store.update(SYSTEM, patient(3))
    with pytest.raises(Conflict) as refused:
        await store.create(reader({}), {**patient(3), "id": "other", "name": [{"text": "他人"}]})
    assert "身份证号" not in refused.value.zh
    with pytest.raises(Conflict) as told:
        await store.create(SYSTEM, {**patient(3), "id": "other"})
    assert "身份证号" in told.value.zh
    await store.close()


async def test_fixed_fields_stand(database_url: str) -> None:
    store = await filled(database_url)
    fixed = {
        "Patient": frozenset({"managingOrganization", "extension(district)"}),
        "*": frozenset({"subject"}),
    }
    clerk = replace(reader({"*": Everything()}), fixed=fixed)
    seen = (await store.read(clerk, "Patient", "p1")).resource
    await store.update(
        clerk,
        {**seen, "gender": "female", "extension": [*seen["extension"], {"url": "urn:n", "valueCode": "x"}]},
    )
    for changed in (
        {"managingOrganization": {"reference": "Organization/h2"}},
        {"managingOrganization": None},
        {"extension": [{"url": DISTRICT, "valueCode": "98"}]},
        {"extension": []},
    ):
        body = {name: value for name, value in {**seen, **changed}.items() if value is not None}
        with pytest.raises(Forbidden) as refused:
            await store.update(clerk, body)
        assert "Patient." in refused.value.zh
    with pytest.raises(Forbidden):
        await store.patch(
            clerk,
            "Observation",
            "o1",
            [{"op": "replace", "path": "/subject", "value": {"reference": "Patient/p2"}}],
        )
    made = await store.create(clerk, {**patient(9), "managingOrganization": {"reference": "Organization/h2"}})
    assert made.stored.resource["managingOrganization"] == {"reference": "Organization/h2"}
    await store.close()


async def test_a_field_is_revealed_for_a_reason_that_is_kept(database_url: str) -> None:
    store = await filled(database_url)
    nurse = reader({}, OrganisationIn(frozenset({"h1"})))
    with pytest.raises(Forbidden):
        await store.reveal(nurse, "Patient", "p1", "telephone", "回访")
    nurse = replace(nurse, operations=frozenset({"field.reveal"}))
    assert await store.reveal(nurse, "Patient", "p1", "identity-number", "办理出院结算") == (
        number(1),
        "MRN-990000001",
    )
    assert phone(1) in await store.reveal(nurse, "Patient", "p1", "telephone", "回访")
    with pytest.raises(NotFound):
        await store.reveal(nurse, "Patient", "p2", "telephone", "回访")
    for field, reason in (("telephone", " "), ("telephone", "x" * 201), ("name", "回访")):
        with pytest.raises(Invalid):
            await store.reveal(nurse, "Patient", "p1", field, reason)
    rows = [row for _, row in await store.audit_rows(SYSTEM) if row.action == "reveal"]
    told = [(row.id, row.detail, row.reason) for row in rows if row.outcome == "ok"]
    assert told == [("p1", "telephone", "回访"), ("p1", "identity-number", "办理出院结算")]
    assert sum(row.outcome != "ok" for row in rows) == 5
    await store.close()


async def test_a_counter_finds_whom_it_does_not_see_by_number_and_name(database_url: str) -> None:
    store = await filled(database_url)
    counter = replace(reader({}, OrganisationIn(frozenset({"h1"}))), operations=frozenset({"resident.find"}))
    found = await store.find_resident(counter, number(1), "居民1")
    assert found is not None
    assert found.id == "p1"
    assert number(1) not in str(found.resource)
    assert await store.find_resident(counter, number(1), "居民2") is None
    assert await store.find_resident(counter, number(2), "居民2") is None
    assert await store.find_resident(counter, f"{number(1)},{number(4)}", "居民1") is None
    with pytest.raises(Forbidden):
        await store.find_resident(reader({}), number(1), "居民1")
    await store.close()


async def test_a_clear_grant_reads_the_bytes_as_they_are(database_url: str) -> None:
    store = await filled(database_url)
    stored = await store.read(reader({"*": Everything()}), "Patient", "p1")
    assert stored.body == (await store.read(SYSTEM, "Patient", "p1")).body
    assert (await store.search(SYSTEM, parse_query("Patient", []))).entries[0].body == stored.body
    await store.close()
