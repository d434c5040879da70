"""Machine code reads the floats that Python reads, or leaves the lines to Arrow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feeds.table.plain_lines import POWERS, compiled_parser, parse_lines, rows_at_most

PLACES = np.array([0, -1, 1])
PLAIN = st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True)


def parse(text: str, *, delimiter: str = ",", parser=parse_lines) -> list[list[float]] | None:
    """Parse lines of three cells, of which the second is not wanted; None where they are left to Arrow."""
    found = np.frombuffer(bytearray(text.encode()), dtype=np.uint8)
    out = np.empty((2, rows_at_most(len(found), PLACES) + 1))
    with np.errstate(over="ignore"):  # as in machine code
        rows = parser(found, ord(delimiter), PLACES, POWERS, out)
    return None if rows < 0 else out[:, :rows].tolist()


@pytest.fixture(scope="module")
def machine_code():
    """Give the compiled parser."""
    return compiled_parser()


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(PLAIN, st.sampled_from(["", "x", "-1.5", "é"]), PLAIN), min_size=1, max_size=8))
@example(rows=[("9007199254740992", "", "9007199.254740992"), ("0.00000000000000001", "", "000.10")])
def test_plain_numbers_are_the_floats_that_python_reads(rows, machine_code):
    """To the last bit, by the plain function and by its machine code; unwanted cells may hold anything."""
    text = "".join(",".join(row) + "\n" for row in rows)
    expected = [[float(row[cell]) for row in rows] for cell in (0, 2)]

    assert expected == parse(text)
    assert expected == parse(text, parser=machine_code)


@pytest.mark.parametrize(
    "line",
    [
        "1,,-2", "1,,+2", "1,,", ",,2", "1,,1e5", "1,,nan", "1,,2.", "1,,.5", "1,, 2", "1,,2 ", '1,,"2"',
        '1,"a",2', "1,,2,3", "1,2", "", "1,,2\r\r", "1;;2", "1,,1.2.3", "9007199254740993,,1",
        "1234567890123456789,,1", "1,,0.0000000000000000001", "1,,99999999999999999999999999",
    ],
)  # fmt: skip
def test_lines_that_are_not_plain_are_left_to_arrow(line, machine_code):
    """Signs, exponents, empty and quoted cells, spaces, other counts of cells, more digits than are exact."""
    text = f"1,,2\n{line}\n3,,4\n"

    assert parse(text) is None
    assert parse(text, parser=machine_code) is None


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_delimiters_and_line_ends(delimiter, machine_code):
    """Any delimiter, and the line ends of Windows too."""
    text = "1.5,,2\r\n3,x,4.25\n".replace(",", delimiter)

    assert [[1.5, 3.0], [2.0, 4.25]] == parse(text, delimiter=delimiter, parser=machine_code)


def test_there_is_room_for_the_shortest_lines(machine_code):
    """The most lines that a text can hold fit."""
    text = "1,,2\n" * 100

    assert 100 == rows_at_most(len(text), PLACES)
    assert [[1.0] * 100, [2.0] * 100] == parse(text, parser=machine_code)
