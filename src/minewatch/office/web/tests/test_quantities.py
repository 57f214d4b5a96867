"""Quantities in words; what is not known, or is no key of what a template shows, is nothing."""

import pytest
from django.template import engines


@pytest.mark.parametrize(
    "written",
    ["number:2", "share", "hash_rate", "kilowatts", "between:9"],
)
@pytest.mark.parametrize("row", [{}, {"value": None}])
def test_what_is_not_known_is_not_written(written: str, row: dict[str, None]) -> None:
    template = engines["django"].from_string(f"{{% load office %}}{{{{ row.value|{written} }}}}")
    assert template.render({"row": row}) == ""


def test_numbers_have_their_thousands_apart() -> None:
    template = engines["django"].from_string("{% load office %}{{ value|number:1 }} {{ value|hash_rate }}")
    assert template.render({"value": 12345.67}) == "12,345.7 12.3 kH/s"
