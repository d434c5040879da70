"""Times are read in every unit and spelling that the files use."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import DataError
from feeds.table.timestamps import epoch_ms, find_time_style


def fault(row: int, problem: str) -> DataError:
    return DataError(problem, line=row + 1)


@pytest.mark.parametrize(
    ("cell", "kind", "patterns"),
    [
        ("1502928000.0", "number", ()),
        ("1.65663E+12", "number", ()),
        ("2017-08-17", "iso", ()),
        ("2017-08-17 04:00", "iso", ()),
        ("2024-01-01T00:00:00.000", "iso", ()),
        ("2017-08-17T00:00:00Z", "zoned", ()),
        ("2024-12-01 00:00:59.999000+01:00", "zoned", ()),
        ("2017-08-17 04-AM", "pattern", ("%Y-%m-%d %I-%p",)),
        ("20180501 00:00", "pattern", ("%Y%m%d %H:%M",)),
        ("2021.05.05 00:00:00", "pattern", ("%Y.%m.%d %H:%M:%S",)),
        ("23/05/2017 00:00", "pattern", ("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M")),
        ("23.05.2017", "pattern", ("%d.%m.%Y",)),
    ],
)
def test_styles(cell: str, kind: str, patterns: tuple[str, ...]) -> None:
    """Each spelling is known; where day and month can be mistaken, both readings are kept."""
    style = find_time_style(cell)

    assert style is not None
    assert (kind, patterns) == (style.kind, style.patterns)


@pytest.mark.parametrize("cell", ["", "yesterday", "12:00", "2017-8", "17 Aug 2017", "Aug 17, 2017"])
def test_what_is_no_time_is_not_guessed(cell: str) -> None:
    """Other texts are no times."""
    assert find_time_style(cell) is None


@given(
    st.integers(min_value=100_000_000_000, max_value=4_102_444_800_000), st.sampled_from([1e-3, 1, 1e3, 1e6])
)
def test_units_are_told_by_size(time_ms: int, scale: float) -> None:
    """From 1973 on, seconds, ms, us and ns come out as the same ms."""
    whole = time_ms // 1000 * 1000

    assert [whole] == epoch_ms(np.array([whole * scale]), fault).tolist()


def test_parts_of_a_ms_are_cut_off_and_parts_of_a_second_kept() -> None:
    """A close time of ...999999 us stays in its millisecond; 0.789 s are 789 ms."""
    assert [1735693199999] == epoch_ms(np.array([1735693199999999.0]), fault).tolist()
    assert [1518164894789] == epoch_ms(np.array([1518164894.789]), fault).tolist()


def test_mixed_units_are_refused_unless_the_format_is_known_for_them() -> None:
    """Two units in one column name the first row of the other; CryptoDataDownload mixes them by habit."""
    values = np.array([1626652800000.0, 1502942400.0])
    with pytest.raises(DataError, match="line 2: the time 1502942400 is in seconds") as caught:
        epoch_ms(values, fault)

    assert 2 == caught.value.line
    assert [1626652800000, 1502942400000] == epoch_ms(values, fault, mixed_units=True).tolist()


def test_compact_dates() -> None:
    """Eight digits are a date, if there is such a day."""
    assert [np.datetime64("2024-02-29", "ms").astype(int)] == epoch_ms(np.array([20240229.0]), fault).tolist()
    with pytest.raises(DataError, match="20230229 is not a date"):
        epoch_ms(np.array([20240101.0, 20230229.0]), fault)


@pytest.mark.parametrize(
    ("value", "words"), [(float("nan"), "is missing"), (5.0, "5 is not a time"), (-1e9, "is not a time")]
)
def test_numbers_that_are_no_times(value: float, words: str) -> None:
    """A missing, small or negative number is refused by row."""
    with pytest.raises(DataError, match=words) as caught:
        epoch_ms(np.array([1626652800.0, value]), fault)

    assert 2 == caught.value.line
