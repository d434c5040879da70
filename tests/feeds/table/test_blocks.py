"""Machine code and Arrow read the same from a file, block by block."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.core.market import BAR_COLUMNS
from feeds import read_bars
from feeds.table import blocks

HEAD = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,trades,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)


def lines(count: int) -> list[str]:
    """Give bars as Binance writes them, with prices that no float holds exactly."""
    start = 1_704_067_200_000
    return [
        f"{start + 60_000 * n},1.10000000,{2 + n / 7:.8f},0.{n % 9 + 1}0000000,1.2,{n}.5,"
        f"{start + 60_000 * n + 59_999},{n * 123456.12345678:.8f},{n},{n / 4:.2f},{n * 12345.678:.8f},0\n"
        for n in range(count)
    ]


def read_both(path, monkeypatch):
    """Read a file by Arrow alone, then with machine code, in blocks of 4 KiB; give both results."""
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 4096)
    found = []
    for limit in (1 << 60, 0):
        monkeypatch.setattr(blocks, "_least_bytes", lambda limit=limit: limit)
        found.append(read_bars(path))
    return found


def count_by_arrow(monkeypatch) -> list[int]:
    """Write down the size of every block that Arrow parses."""
    sizes: list[int] = []
    by_arrow = blocks._parse_by_arrow

    def counted(block, *rest):
        sizes.append(len(block))
        return by_arrow(block, *rest)

    monkeypatch.setattr(blocks, "_parse_by_arrow", counted)
    return sizes


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "".join(lines(500)),
        "".join(lines(500)),
        HEAD + "".join(lines(500)).rstrip(),
        (HEAD + "".join(lines(500))).replace("\n", "\r\n"),
        (HEAD + "".join(lines(500))).replace(",", ";"),
        HEAD + "".join(lines(500)).replace(",77.5,", ",,").replace(",300.5,", ",3.005e2,"),
        HEAD + "\n\n".join(lines(500)),
    ],
    ids=["plain", "no header", "no last line end", "crlf", "semicolon", "some cells not plain", "empty lines"],
)
def test_both_read_the_same(tmp_path, monkeypatch, text):
    """Every column is equal to the last bit."""
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(text, newline="")
    arrow, mixed = read_both(path, monkeypatch)

    assert 500 == len(mixed.bars)
    for name in BAR_COLUMNS:
        assert np.array_equal(getattr(arrow.bars, name), getattr(mixed.bars, name), equal_nan=True), name
    assert arrow.warnings == mixed.warnings


def test_machine_code_parses_all_but_the_block_with_the_header(tmp_path, monkeypatch):
    """And all but those that hold what it does not know."""
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(HEAD + "".join(lines(500)).replace(",300.5,", ",3.005e2,"))
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(blocks, "_least_bytes", lambda: 0)
    sizes = count_by_arrow(monkeypatch)
    read_bars(path)

    assert 2 == len(sizes) < path.stat().st_size // 4096


def test_a_packed_file_is_read_in_the_same_way(tmp_path, monkeypatch):
    """Its length is that of what it holds."""
    path = tmp_path / "BTCUSDT-1m.csv.gz"
    path.write_bytes(gzip.compress((HEAD + "".join(lines(300))).encode()))
    arrow, mixed = read_both(path, monkeypatch)

    assert arrow.bars.quote_volume.tolist() == mixed.bars.quote_volume.tolist()


def test_a_fault_is_told_as_by_arrow(tmp_path, monkeypatch):
    """A bad cell far inside is named by its line and column."""
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(HEAD + "".join(lines(500)).replace(",300.5,", ",many,"))
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 4096)
    monkeypatch.setattr(blocks, "_least_bytes", lambda: 0)

    with pytest.raises(DataError, match="'many' is not a number") as caught:
        read_bars(path)
    assert (302, "volume") == (caught.value.line, caught.value.column)


def test_a_line_longer_than_a_block_is_read(tmp_path, monkeypatch):
    """The memory for a block grows with the longest line."""
    path = tmp_path / "BTCUSDT-1m.csv"
    rows = [line[:-2] + "0" * (3000 if n % 100 == 50 else 1) + "\n" for n, line in enumerate(lines(300))]
    path.write_text(HEAD + "".join(rows))
    monkeypatch.setattr(blocks, "_BLOCK_BYTES", 512)
    monkeypatch.setattr(blocks, "_least_bytes", lambda: 0)

    assert [n + 0.5 for n in range(300)] == read_bars(path).bars.volume.tolist()


def test_without_a_place_for_machine_code_arrow_reads_all(tmp_path, monkeypatch):
    """Compiling anew for every file would take longer than Arrow does."""
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text(HEAD + "".join(lines(300)))
    monkeypatch.setattr(blocks, "_least_bytes", lambda: 0)
    monkeypatch.setattr(blocks, "compiled_parser", lambda: None)
    sizes = count_by_arrow(monkeypatch)
    read_bars(path)

    assert path.stat().st_size == sum(sizes)


def test_numba_is_started_for_longer_files_than_those_for_which_it_is_there_anyway(monkeypatch):
    """Its start costs time and memory."""
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    without = blocks._least_bytes()
    monkeypatch.setitem(sys.modules, "numba", sys)

    assert blocks._least_bytes() < without
