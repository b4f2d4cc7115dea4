import json

import pytest
from django.core.management.base import CommandError

from common.commandline import json_text, read_month
from common.months import Month


def test_month_is_read() -> None:
    assert read_month("2026-10") == Month(2026, 10)


def test_text_that_is_no_month_is_wrong_use() -> None:
    with pytest.raises(CommandError, match="“10/2026” is not a month") as caught:
        read_month("10/2026")

    assert caught.value.returncode == 2


def test_document_keeps_its_letters() -> None:
    text = json_text({"customer": "Königsbau AG"})

    assert text == '{\n  "customer": "Königsbau AG"\n}'
    assert json.loads(text) == {"customer": "Königsbau AG"}
