"""How dates and customer expressions are read, without a socket."""

from datetime import datetime

import pytest

from generic_interface.simulator.dates import ZERO, database_date, search_date
from generic_interface.simulator.expressions import NotAnExpression, expression


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-01 00:00:00", datetime(2026, 10, 1)),
        ("2026-1-2 3:4:5", datetime(2026, 1, 2, 3, 4, 5)),
        ("2026-10-01 00:00", None),
        ("2026-10-01", None),
        ("2026-02-30 00:00:00", None),
        ("2026-10-01 24:00:00", None),
        ("2026-10-01 00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_search_reads_one_form_only(text: object, moment: datetime | None) -> None:
    assert search_date(text) == moment


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("2026-10-01 00:00:00", (2026, 10, 1, 0, 0, 0)),
        ("2026-10-31 23:59", (2026, 10, 31, 23, 59, 0)),
        ("2026-10-31", (2026, 10, 31, 0, 0, 0)),
        ("2026/10/31 1:2:3", (2026, 10, 31, 1, 2, 3)),
        ("2026-10-01T10:00:00+02:00", (2026, 10, 1, 10, 0, 0)),
        ("2026-10-01 00:00:00' OR '1'='1", (2026, 10, 1, 0, 0, 0)),
        ("2026-11-31 23:59:59", (2026, 11, 31, 23, 59, 59)),
        ("20261001103000", (2026, 10, 1, 10, 30, 0)),
        ("20261001", (2026, 10, 1, 0, 0, 0)),
        ("26-10-01 00:00:00", (2026, 10, 1, 0, 0, 0)),
        ("98-10-01", (1998, 10, 1, 0, 0, 0)),
        ("2026-10-31 24:00:00", ZERO),
        ("2026-10-32", ZERO),
        ("01.10.2026 00:00", ZERO),
        ("2026-10", ZERO),
        ("2026", ZERO),
        ("quatsch", ZERO),
        (None, ZERO),
    ],
)
def test_bookings_are_compared_as_the_database_reads_dates(text: object, stamp: tuple[int, ...]) -> None:
    assert database_date(text) == stamp


@pytest.mark.parametrize("source", ["", "(", "a||", "a&&&&b", "!", "a)", "(a", "()", "A(1)+B"])
def test_expression_that_does_not_fit_together_is_refused(source: str) -> None:
    with pytest.raises(NotAnExpression):
        expression(source)


def test_expression_joins_words_with_and_or_not() -> None:
    accepts = expression("!(10*||!*2)+*4*")

    assert [accepts(number) for number in ("0042", "1042", "0032", "4")] == [True, False, False, False]
