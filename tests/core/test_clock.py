"""Times as users write them."""

from __future__ import annotations

import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import ConfigError

DAY = 86_400_000
NEW_YEAR_2020 = 1_577_836_800_000


@pytest.mark.parametrize(
    "text",
    ["2020-01-01", "20200101", "2020-01", "2020-01-01T00:00", "2020-01-01T00:00:00Z", "2020-01-01T01:00+01:00"],
)
def test_one_moment_has_many_spellings(text: str):
    """Without a zone a time is UTC; with one it is converted."""
    assert parse_time(text) == NEW_YEAR_2020


def test_an_end_date_includes_its_day_and_an_end_month_its_month():
    """The last millisecond counts; a time of day is taken as it is."""
    assert parse_time("2020-01-01", end=True) == NEW_YEAR_2020 + DAY - 1
    assert parse_time("2019-12", end=True) == NEW_YEAR_2020 - 1
    assert parse_time("2020-01-01T00:00", end=True) == NEW_YEAR_2020


@pytest.mark.parametrize("text", ["", "2020", "yesterday", "2020-13-01", "2020-02-30", "01/02/2020"])
def test_what_is_no_time_is_refused_with_an_example(text: str):
    """The message shows how to write one."""
    with pytest.raises(ConfigError, match="Write"):
        parse_time(text)
