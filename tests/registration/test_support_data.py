"""Support data are whatever a system sends; reading them never fails."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registration.event_texts import LONGEST as LONGEST_FACT
from registration.event_texts import facts_in_words
from registration.masking import masked
from registration.support_data import LONGEST, MOST, Verdict, read_support_data

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FACT = st.fixed_dictionaries({}, optional=dict.fromkeys(("Label", "Value", "Status", "DisplayPath", "Message"), JSON))


@given(JSON | st.lists(FACT | JSON, max_size=5))
def test_whatever_comes_is_read(content: Any) -> None:
    support = read_support_data(content)

    facts = [fact for group in support.groups for fact in group.facts]
    assert support.count == len(facts)
    assert all(isinstance(text, str) for fact in facts for text in (fact.label, fact.value, fact.message))
    assert all(isinstance(fact.verdict, Verdict) for fact in facts)


@pytest.mark.parametrize("content", [None, "text", 7, {"Label": "x"}, [None, 1, "x", [], {"Other": 1}]])
def test_what_is_no_list_of_facts_gives_no_row(content: Any) -> None:
    assert read_support_data(content).count == 0


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(0, 0), ("1", 1), (2, 2), ("3", 3), (4, 4), ("5", 0), (-1, 0), ("²", 0), (None, 0), (True, 0), ([3], 0), ("", 0)],
)
def test_status_is_read_with_doubt(status: Any, verdict: int) -> None:
    [group] = read_support_data([{"Label": "x", "Status": status}]).groups

    assert group.facts[0].verdict == verdict


def test_facts_are_grouped_by_path_in_their_order() -> None:
    rows = [("b", "1"), ("a", "2"), ("b", "3")]
    support = read_support_data([{"DisplayPath": path, "Label": label, "Value": None} for path, label in rows])

    assert [(group.path, [fact.label for fact in group.facts]) for group in support.groups] == [
        ("b", ["1", "3"]),
        ("a", ["2"]),
    ]


def test_label_that_is_missing_is_the_identifier_and_structures_are_written_out() -> None:
    [group] = read_support_data([{"Identifier": "Kernel::X", "Value": {"ä": [1]}}]).groups

    assert (group.facts[0].label, group.facts[0].value) == ("Kernel::X", '{"ä": [1]}')


def test_long_values_and_lists_are_cut_and_say_so() -> None:
    support = read_support_data([{"Value": "x" * (LONGEST + 1), "Status": 4}] * (MOST + 2))

    assert (support.count, support.left_out, support.problems, support.warnings) == (MOST + 2, 2, MOST + 2, 0)
    assert support.groups[0].facts[0].value == f"{'x' * LONGEST}…"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, ""),
        (None, ""),
        (["x"], ""),
        ({"fqdn": ["a", "b"], "other": 5}, "host name: a → b; other: 5"),
        ({"fqdn": [None, ""]}, "host name: nothing → nothing"),
        ({"fqdn": "x" * (LONGEST_FACT + 1)}, f"host name: {'x' * LONGEST_FACT}…"),
    ],
)
def test_facts_of_an_event_in_words(facts: Any, words: str) -> None:
    assert facts_in_words(facts) == words


@pytest.mark.parametrize(
    ("otrs_id", "shown"),
    [
        ("kunde@beispiel.test", "ku…@beispiel.test"),
        ("ab@x.test", "a…@x.test"),
        ("@x.test", "…@x.test"),
        ("kunde", "ku…"),
        ("a@b@c.test", "a@…@c.test"),
        ("", "…"),
    ],
)
def test_otrs_id_is_masked(otrs_id: str, shown: str) -> None:
    assert masked(otrs_id) == shown
