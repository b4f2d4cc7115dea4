from datetime import date
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import translation

from common.months import Month
from common.templatetags.formats import hhmm, hours, minutes, money, month_label


def rendered(source: str, **context: object) -> str:
    return Template("{% load formats %}" + source).render(Context(context))


@pytest.mark.parametrize(
    ("language", "expected"),
    [("de", "1.234,5 | 20:35 | 20,58 | 1.234,50 EUR"), ("en", "1,234.5 | 20:35 | 20.58 | 1,234.50 EUR")],
)
def test_numbers_are_shown_in_the_form_of_the_language(language: str, expected: str) -> None:
    source = "{{ value|minutes }} | {{ value|hhmm }} | {{ value|hours }} | {{ value|money:'EUR' }}"

    with translation.override(language):
        assert rendered(source, value=Decimal("1234.5000")) == expected


@pytest.mark.parametrize(("language", "label"), [("de", "Oktober 2026"), ("en", "October 2026")])
@pytest.mark.parametrize("value", [Month(2026, 10), date(2026, 10, 1), date(2026, 10, 31)])
def test_month_label_is_in_words(language: str, label: str, value: Month | date) -> None:
    with translation.override(language):
        assert month_label(value) == label


@pytest.mark.parametrize(
    ("value", "shown"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("2.675", "2.68"), ("0", "0.00"), ("-0.001", "0.00")]
)
def test_money_is_rounded_and_never_cut(value: str, shown: str) -> None:
    assert money(Decimal(value)) == shown


def test_minutes_show_all_digits_that_are_stored() -> None:
    assert minutes(Decimal("20505.2105")) == "20,505.2105"
    assert minutes(Decimal("-75.0000")) == "-75"


def test_what_is_not_known_is_shown_as_nothing() -> None:
    assert (minutes(None), hhmm(None), hours(None), money(None, "EUR"), month_label(None)) == ("", "", "", "", "")
