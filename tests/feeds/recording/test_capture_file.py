"""Captures are read as far as they go, and damage is named by file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.core.errors import DataError
from feeds.recording.capture_file import CaptureReader, find_capture_files, is_capture
from feeds.recording.capture_line import write_line
from feeds.wire.stream_events import Connected, Frame, Started, StreamEvent

EVENTS: list[StreamEvent] = [
    Started(1_000, "spot", ("a@b",)),
    Connected(1_001, "wss://x"),
    *(Frame(2_000 + number, "a@b", f'{{"number":{number}}}') for number in range(200)),
]
PLAIN = "".join(write_line(event) + "\n" for event in EVENTS).encode()


def write(folder: Path, data: bytes, name: str = "a.jsonl.gz") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
@pytest.mark.parametrize(
    "data",
    [PLAIN, PLAIN.rstrip(), gzip.compress(PLAIN), gzip.compress(PLAIN[:5000]) + gzip.compress(PLAIN[5000:])],
    ids=["plain", "no last line end", "gzip", "two gzip members"],
)
def test_a_file_is_read_whole(tmp_path: Path, data: bytes, name: str) -> None:
    """Packed, plain and joined by cat: the bytes decide, not the name."""
    reader = CaptureReader(write(tmp_path, data, name))

    assert EVENTS == list(reader)
    assert [] == reader.warnings
    assert (tmp_path / name, len(EVENTS)) == reader.place


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(len(PLAIN.partition(b"\n")[0]), len(PLAIN) - 2))
def test_a_file_cut_anywhere_is_read_up_to_there(tmp_path: Path, cut: int) -> None:
    """What comes out is a beginning of what went in: every whole line, and nothing of the torn one."""
    reader = CaptureReader(write(tmp_path, PLAIN[:cut]))
    found = list(reader)
    lines = [line for line in PLAIN[:cut].split(b"\n") if line.endswith(b"}")]

    assert EVENTS[: len(lines)] == found or EVENTS[: len(lines) - 1] == found
    assert bool(reader.warnings) == (PLAIN[cut - 1 : cut + 1] not in (b"}\n", b"\n{"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(2, len(gzip.compress(PLAIN)) - 1))
def test_a_packed_file_cut_anywhere_is_read_up_to_there(tmp_path: Path, cut: int) -> None:
    """A torn gzip file gives a beginning of what went in, and always a warning."""
    reader = CaptureReader(write(tmp_path, gzip.compress(PLAIN)[:cut]))
    found = list(reader)

    assert EVENTS[: len(found)] == found
    assert 1 == len(reader.warnings)


def test_a_folder_is_read_in_order_of_time(tmp_path: Path) -> None:
    """The first event of each file decides, not its name; other files are left out."""
    write(tmp_path, PLAIN, "b.jsonl.gz")
    write(tmp_path, b"", "c.jsonl.gz")
    write(tmp_path, b"open_time", "d.csv")
    later = Connected(9_000, "wss://later")
    write(tmp_path, gzip.compress(write_line(later).encode()), "a.jsonl.gz")

    assert ["c.jsonl.gz", "b.jsonl.gz", "a.jsonl.gz"] == [path.name for path in find_capture_files(tmp_path)]
    assert [*EVENTS, later] == list(CaptureReader(tmp_path))


def test_a_torn_file_between_others_does_not_stop_the_reading(tmp_path: Path) -> None:
    """A process that was killed and started again leaves one torn file and goes on in the next."""
    write(tmp_path, gzip.compress(PLAIN)[:-20], "a.jsonl.gz")
    write(tmp_path, gzip.compress(write_line(Connected(9_000, "wss://x")).encode()), "b.jsonl.gz")
    reader = CaptureReader(tmp_path)

    assert Connected(9_000, "wss://x") == list(reader)[-1]
    assert 1 == len(reader.warnings)
    assert reader.warnings[0].startswith(
        "the end of a.jsonl.gz is missing, as after a kill: it was read up to 1970"
    )


def test_damage_in_the_middle_is_named_by_line(tmp_path: Path) -> None:
    """Junk is never skipped in silence."""
    lines = PLAIN.splitlines(keepends=True)
    lines[7] = b"junk\n"
    with pytest.raises(DataError, match=r"a.jsonl.gz, line 8: This is not a line of a capture"):
        list(CaptureReader(write(tmp_path, b"".join(lines))))
    lines[7] = b"\xff\xfe\n"
    with pytest.raises(DataError, match=r"a.jsonl.gz, line 8: This is not a line of a capture"):
        list(CaptureReader(write(tmp_path, b"".join(lines))))


def test_damaged_gzip_is_named(tmp_path: Path) -> None:
    """Bytes that changed on the disk are found by gzip's own check sum at the latest."""
    packed = bytearray(gzip.compress(PLAIN))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(DataError, match=r"a\.jsonl\.gz"):
        list(CaptureReader(write(tmp_path, bytes(packed))))


def test_what_is_no_capture_is_refused_at_once(tmp_path: Path) -> None:
    """Raw frames lead to the import; folders without captures and missing files are named."""
    raw = write(tmp_path, b'{"e":"kline"}\n', "raw.jsonl")
    with pytest.raises(DataError, match=r"raw.jsonl, line 1: .*bt-run data import-wscat"):
        CaptureReader(raw)
    with pytest.raises(DataError, match="There is no such file"):
        CaptureReader(tmp_path / "missing.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="The folder holds no capture"):
        CaptureReader(tmp_path / "empty")


def test_captures_are_told_by_name(tmp_path: Path) -> None:
    """A folder is a capture if one is inside; hidden temporary files do not count."""
    write(tmp_path, b"", ".a.jsonl.gz")
    before = is_capture(tmp_path)
    write(tmp_path, b"", "a.jsonl")

    assert [False, True] == [before, is_capture(tmp_path)]
    assert [True, True, False] == [is_capture(Path(name)) for name in ("a.jsonl.gz", "b.jsonl", "c.csv.gz")]
