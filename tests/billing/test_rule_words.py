"""Rules and agreements in words, as an account manager reads them out."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from billing.agreement_models import FROM_THE_BEGINNING, Agreement, RateRule
from billing.rule_words import days_in_words, rule_in_words, terms_in_words
from tickets.models import Agent


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "All booked time has the agreement's rate."),
        ({"billable": False, "reason": "Goodwill"}, "All booked time is not billed (Goodwill)."),
        ({"hourly_rate": Decimal("89.50")}, "All booked time costs 89.50 EUR an hour."),
        ({"queue": "Support"}, "Time in queue “Support” has the agreement's rate."),
        ({"queue": "Support::*"}, "Time in queue “Support” and those below it has the agreement's rate."),
        (
            {"service": "Hosting", "type": "Incident", "agent": Agent(name="Anna Müller")},
            "Time of service “Hosting”, of type “Incident”, booked by Anna Müller has the agreement's rate.",
        ),
        (
            {"article_number": "SUP-1", "valid_from": date(2026, 1, 1)},
            "All booked time has the agreement's rate, article SUP-1, from 2026-01-01 on.",
        ),
    ],
)
def test_rule_is_a_sentence(values: dict[str, Any], sentence: str) -> None:
    assert rule_in_words(RateRule(**{"valid_from": FROM_THE_BEGINNING} | values), "EUR") == sentence


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [
        (FROM_THE_BEGINNING, None, ""),
        (FROM_THE_BEGINNING, date(2026, 3, 31), "until 2026-03-31"),
        (date(2026, 1, 1), None, "from 2026-01-01 on"),
        (date(2026, 1, 1), date(2026, 3, 31), "from 2026-01-01 to 2026-03-31"),
    ],
)
def test_days_are_told_where_they_end(begins: date, ends: date | None, words: str) -> None:
    assert days_in_words(begins, ends) == words


def test_terms_are_a_sentence_each() -> None:
    plain = terms_in_words(Agreement())
    full = terms_in_words(
        Agreement(billed=False, counting_states=["closed"], needs_second_person=True, approves_itself=True)
    )

    assert plain == ["Billed are: tickets closed in the period.", "One order for each month."]
    assert full == [
        "This customer is not billed.",
        *plain,
        "Tickets count in these states alone: closed.",
        "Four eyes: nobody approves a draft that they started or changed.",
        "A scheduled run over complete data approves the draft.",
    ]
