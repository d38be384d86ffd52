"""JSON in and out: lexemes kept, hostile texts refused."""

from __future__ import annotations

import copy
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kangshu.base.faults import Malformed
from kangshu.fhir import DEPTH_LIMIT, decode, parse, parse_value, render

LEXEMES = (
    "1.10",
    "1e2",
    "1E+2",
    "0.00000001",
    "-1.5E-7",
    "100",
    "0.0",
    "12345678901234567890",
    "3.14159265358979323846",
)


@pytest.mark.parametrize("lexeme", LEXEMES)
def test_number_lexemes_survive(lexeme: str) -> None:
    text = f'{{"resourceType":"Observation","valueQuantity":{{"value":{lexeme}}}}}'.encode()
    assert render(parse(text)) == text
    assert render(decode(render(copy.deepcopy(parse(text))))) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_decimals_come_back_exactly(number: Decimal) -> None:
    text = f'{{"resourceType":"Basic","n":{number:f}}}'.encode()
    assert render(parse(text)) == text


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**40), 2**40)
        | st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text(max_size=5, alphabet='ab:\\"'), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_any_json_round_trips(value: object) -> None:
    text = json.dumps({"resourceType": "Basic", "x": value})
    assert parse(text) == json.loads(text)
    assert parse(render(parse(text))) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b'{"resourceType":"Patient","id":"a","id":"b"}', "twice"),
        (b'{"resourceType":"Patient","id":"a","i\\u0064":"b"}', "twice"),
        (b'{"resourceType":"Patient","name":[{"family":"x","family" \n:"y"}]}', "twice"),
        (b'{"resourceType":"Patient","n":NaN}', "JSON"),
        (b'{"resourceType":"Patient","n":-Infinity}', "JSON"),
        (b'{"resourceType":"Patient","n":1e400}', "exponent"),
        (b'{"resourceType":"Patient","n":1e99999999999}', "number"),
        (b'{"resourceType":"Patient","n":1' + b"0" * 5000 + b"}", "number|JSON"),
        (b'{"resourceType":"Patient","n":"\xff"}', "UTF-8"),
        (b'{"resourceType":"Patient","n":"\\ud800"}', "JSON"),
        (b'{"resourceType":"Patient","n":"\\u0000"}', "U+0000"),
        (b'{"resourceType":"Patient",}', "JSON"),
        (b'{"resourceType":"Patient"', "JSON"),
        (b"[1]", "object"),
        (b"{}", "resourceType"),
        (b'{"resourceType":7}', "resourceType"),
        (b"", "JSON"),
        (b"[" * 100_000, "levels"),
        (b'{"a":' * (DEPTH_LIMIT + 1) + b"1" + b"}" * (DEPTH_LIMIT + 1), "levels"),
    ],
)
def test_hostile_texts_are_refused(text: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words.replace("+", r"\+")) as caught:
        parse(text)
    assert caught.value.zh
    assert caught.value.zh != caught.value.text


def test_what_merely_looks_like_a_doubled_key_is_read() -> None:
    text = r'{"resourceType":"Basic","a":"x\":","b":"\":\":"}'
    assert parse(text)["a"] == 'x":'


def test_byte_order_mark_and_arrays() -> None:
    assert parse(b'\xef\xbb\xbf{"resourceType":"Patient"}') == {"resourceType": "Patient"}
    assert parse_value(b"[1, 2]") == [1, 2]
