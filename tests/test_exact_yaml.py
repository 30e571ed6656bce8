"""What is written is what every reader of YAML reads: the API server's, those of version 1.1 and of 1.2."""

from __future__ import annotations

import datetime as dt
import enum
import math
import resource
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.exact_yaml import LONGEST_KEY, InexactError, dump
from tests.readers import PYTHON_READERS, GoYaml, same
from tests.tricky import TRICKY

INT64 = 2**63


@pytest.fixture(scope="module")
def go() -> Iterator[GoYaml]:
    """Start Kubernetes' own parser."""
    with GoYaml() as process:
        yield process


def placed(text: str) -> dict[str, Any]:
    """Return a document with *text* in every place that a string can have."""
    places: dict[str, Any] = {
        "value": text,
        "items": [text, [text, [text]], {"first": text, "second": [text]}],
        "below": {"deeper": {"deepest": text}},
    }
    if len(text) <= LONGEST_KEY:
        places |= {f"{text}": "key", "keys": {text: {text: [text, {text: text}]}}}
    return places


def test_there_are_more_than_two_hundred_tricky_strings() -> None:
    assert len(TRICKY) > 400


@pytest.mark.parametrize("reader", PYTHON_READERS)
def test_tricky_strings_come_back_as_they_were(reader: str) -> None:
    read = PYTHON_READERS[reader]
    wrong = [text for text in TRICKY if not same(placed(text), read(dump(placed(text))))]
    assert wrong == []


def test_the_api_server_reads_tricky_strings_as_they_were(go: GoYaml) -> None:
    wrong = [text for text in TRICKY if not same(placed(text), go.read(dump(placed(text))), json_numbers=True)]
    assert wrong == []


def test_the_readers_of_these_tests_do_misread_what_is_not_quoted(go: GoYaml) -> None:
    """So a test that passes is one that could have failed."""
    assert go.read("mode: 0o777\n") == {"mode": 511}
    assert go.read("answer: yes\n") == {"answer": True}
    assert go.read("a: [\n") == "refused: yaml: line 1: did not find expected node content"
    assert go.read("a: 1\na: 2\n").startswith("refused: ")
    assert PYTHON_READERS["libyaml"]("time: 12:30:45\n") == {"time": 45045}
    assert PYTHON_READERS["ruamel.yaml"]("exponent: 1e3\n") == {"exponent": 1000.0}
    assert not same({"a": 1}, {"a": True})
    assert not same({"a": 1.0}, {"a": 1})
    assert not same({"a": [1, 2]}, {"a": [2, 1]})


strings = st.one_of(
    st.text(max_size=60),
    st.sampled_from(TRICKY),
    st.text(alphabet=" \n\t:#-'\"\\ayn01.,[]{}&*!|>%@`?~=<_eEox\r\u0085\u2028\ufeff\U0001f600", max_size=20),
    st.lists(st.sampled_from(TRICKY), max_size=3).map("".join),
    st.lists(st.sampled_from(TRICKY), max_size=4).map("\n".join),
)
integers = st.one_of(
    st.integers(-INT64, INT64 - 1),
    st.sampled_from([0, -1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, INT64 - 1, -INT64]),
)
floats = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), integers, floats, strings),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(strings.filter(lambda key: len(key) <= LONGEST_KEY), inner, max_size=4),
    ),
    max_leaves=12,
)
documents = st.dictionaries(strings.filter(lambda key: len(key) <= LONGEST_KEY), values, min_size=1, max_size=4)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(document=documents)
def test_any_document_comes_back_as_it_was(go: GoYaml, document: dict[str, Any]) -> None:
    text = dump(document)
    for name, read in PYTHON_READERS.items():
        assert same(document, read(text)), name
    assert same(document, go.read(text), json_numbers=True)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(texts=st.lists(strings, min_size=20, max_size=20))
def test_any_strings_come_back_from_the_api_server_and_libyaml(go: GoYaml, texts: list[str]) -> None:
    document = {"items": texts, "keys": {text: text for text in texts if len(text) <= LONGEST_KEY}}
    text = dump(document)
    assert same(document, PYTHON_READERS["libyaml"](text))
    assert same(document, go.read(text), json_numbers=True)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(numbers=st.lists(st.one_of(integers, floats), min_size=10, max_size=10))
def test_any_number_comes_back_with_every_bit(go: GoYaml, numbers: list[float]) -> None:
    text = dump({"numbers": numbers})
    for name, read in PYTHON_READERS.items():
        assert same({"numbers": numbers}, read(text)), name
    assert same({"numbers": numbers}, go.read(text), json_numbers=True)
    signs = [math.copysign(1, number) for number in PYTHON_READERS["libyaml"](text)["numbers"]]
    assert signs == [math.copysign(1, number) for number in numbers]


class Colour(enum.StrEnum):
    """A string that is more than a string."""

    RED = "red"


REFUSED = {
    "not a number": (math.nan, "JSON, which the API server speaks, has no such number"),
    "infinity": (math.inf, "JSON, which the API server speaks, has no such number"),
    "minus infinity": (-math.inf, "JSON, which the API server speaks, has no such number"),
    "2**63": (INT64, "the number does not fit into the 64 bits that Kubernetes has for it"),
    "-2**63-1": (-INT64 - 1, "the number does not fit into the 64 bits that Kubernetes has for it"),
    "half of a pair": ("a\ud800", "half of a surrogate pair is no character"),
    "the other half": ("\udfff\n", "half of a surrogate pair is no character"),
} | {
    type(value).__name__: (
        value,
        f"a manifest holds dicts, lists, strings, numbers, booleans and None, not {type(value).__name__}",
    )
    for value in (
        (1,), {1}, frozenset({1}), b"a", bytearray(b"a"), dt.date(2026, 1, 2), Decimal(1), 1j, object(), Colour.RED,
        dt.timedelta(1), range(3), OrderedDict(a=1), Ellipsis, len, iter([]),
    )
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_exact_is_refused_with_its_path(what: str) -> None:
    value, because = REFUSED[what]
    with pytest.raises(InexactError) as refusal:
        dump({"kind": "Job", "spec": {"containers": [{"name": "a"}, {"name": "b", "env": [{"value": value}]}]}})
    assert str(refusal.value) == f"spec.containers[1].env[0].value: {because}"
    assert refusal.value.path == ("spec", "containers", 1, "env", 0, "value")
    assert refusal.value.because == because


@pytest.mark.parametrize("key", [None, 1, True, 1.5, ("a",), b"a", Colour.RED])
def test_a_key_that_is_no_string_is_refused_at_its_mapping(key: object) -> None:
    dump({"red": 1})
    with pytest.raises(InexactError) as refusal:
        dump({"spec": [{"labels": {key: "a"}}]})
    assert str(refusal.value) == "spec[0].labels: a key is a string"


def test_other_keys_are_refused_with_their_reason() -> None:
    with pytest.raises(InexactError, match=r"^metadata: a key has at most 512 characters here$"):
        dump({"metadata": {"x" * 513: "a"}})
    with pytest.raises(InexactError, match=r"^metadata: half of a surrogate pair is no character$"):
        dump({"metadata": {"\ud800": "a"}})


def test_what_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = [endless]
    with pytest.raises(InexactError, match=r"^the object is nested too deeply$"):
        dump(endless)


def test_a_path_with_unusual_keys_can_be_read() -> None:
    with pytest.raises(InexactError, match=r"^metadata\.annotations\['a\.b/c d'\]\[0\]: "):
        dump({"metadata": {"annotations": {"a.b/c d": [math.nan]}}})


def test_the_text_is_what_a_person_would_write() -> None:
    document = {
        "apiVersion": "batch/v1",
        "metadata": {"name": "a-1", "annotations": {"yes": "1e3", "a/b": ""}},
        "spec": {"args": ["--a", "b c", "{}"], "empty": [], "nothing": {}, "script": "a\nb\n", "open": None},
        "lists": [[1, [2, "x"]], [{"a": 1, "b": [True]}]],
        "numbers": [1, -1, 1.5, 1e21, 1e-7, -0.0],
    }
    assert dump(document) == (
        'apiVersion: batch/v1\nmetadata:\n  name: a-1\n  annotations:\n    "yes": "1e3"\n    a/b: ""\n'
        'spec:\n  args:\n  - "--a"\n  - b c\n  - "{}"\n  empty: []\n  nothing: {}\n  script: |\n    a\n    b\n  open: null\n'
        "lists:\n- - 1\n  - - 2\n    - x\n- - a: 1\n    b:\n    - true\n"
        "numbers:\n- 1\n- -1\n- 1.5\n- 1.0e+21\n- 1.0e-07\n- -0.0\n"
    )


PATTERNS = (
    "a",
    "a ",
    "a b",
    "a:",
    ": ",
    "a: ",
    " ",
    "\n",
    "a\n",
    " \n",
    "\\",
    '"',
    "\u2028",
    "é",
    "- ",
    "a\t",
    "a-",
    ".",
    "a:a ",
)
ENDS = ("", "!")
SIZE = 300_000
LIMIT = 60
"""Seconds of processor time; it takes two or three."""


def test_emitting_stays_linear_on_long_strings() -> None:
    """The square of 300,000 is 90,000,000,000: steps of that order end at the limit on processor time."""
    program = (
        "from modelyard.exact_yaml import dump\n"
        f"for pattern in {PATTERNS!r}:\n"
        f"    for end in {ENDS!r}:\n"
        f"        text = pattern * ({SIZE} // len(pattern)) + end\n"
        "        written = dump({'value': text, 'items': [text]})\n"
        "        assert len(written) < 20 * len(text), (pattern, end)\n"
    )
    done = subprocess.run(  # the program above
        [sys.executable, "-c", program],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),  # no threads here
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
