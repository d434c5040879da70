"""A capture survives whatever happens to the process that writes it."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.clock import parse_time
from bt_run.core.errors import ConfigError
from feeds.recording.capture_file import CaptureReader
from feeds.recording.capture_writer import CaptureWriter
from feeds.wire.stream_events import Connected, Frame, Started, StreamEvent

START = parse_time("2024-01-31T12:00")
ENDLESS = """
import sys
from pathlib import Path
from feeds.recording.capture_writer import CaptureWriter
from feeds.wire.stream_events import Frame

writer = CaptureWriter(Path(sys.argv[1]), symbols=["BTCUSDT"], streams=["a@b"], max_bytes=int(sys.argv[2]))
step, number = int(sys.argv[3]), 0
while True:
    time_ms = 1706702400000 + number * step
    writer.write(Frame(time_ms, "a@b", f'{{"number":{number},"text":"{hash(str(number)):x}"}}'))
    number += 1
    if (number * step) % 1000 < step:
        print(number - 1, flush=True)
"""


def frame(seconds: float, text: str = '{"e":"x"}') -> Frame:
    return Frame(START + round(seconds * 1000), "a@b", text)


def writer_of(folder: Path, **more: Any) -> CaptureWriter:
    return CaptureWriter(folder, **{"symbols": ["BTCUSDT"], "streams": ["btcusdt@trade"], **more})


def frames_of(folder: Path) -> list[StreamEvent]:
    return [event for event in CaptureReader(folder) if isinstance(event, Frame)]


def test_a_file_is_named_by_symbols_and_time(tmp_path: Path) -> None:
    """The name says what is inside; the first line says it exactly; the folder is made."""
    writer = writer_of(tmp_path / "captures", symbols=["BTCUSDT", "ETHUSDT"], market="futures")
    writer.write(frame(0))
    writer.close()
    (path,) = (tmp_path / "captures").iterdir()

    assert "BTCUSDT-ETHUSDT-futures-20240131T120000.jsonl.gz" == path.name
    assert [Started(START, "futures", ("btcusdt@trade",)), frame(0)] == list(CaptureReader(path))


@pytest.mark.parametrize(
    ("symbols", "name"),
    [([], "ALL"), (["A", "B", "C", "D", "E", "F"], "A-B-C-D-and-2-more"), (["../x/y"], "xy")],
)
def test_names_for_many_and_for_odd_symbols(tmp_path: Path, symbols: list[str], name: str) -> None:
    """A name neither grows without end nor leaves the folder."""
    writer = writer_of(tmp_path, symbols=symbols)
    writer.write(frame(0))
    writer.close()

    assert [f"{name}-20240131T120000.jsonl.gz"] == [path.name for path in tmp_path.iterdir()]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Two captures that begin in the same second write two files."""
    writers = [writer_of(tmp_path), writer_of(tmp_path)]
    for number, writer in enumerate(writers):
        writer.write(frame(0, str(number)))
        writer.close()

    assert ["0", "1"] == sorted(event.text for event in CaptureReader(tmp_path) if isinstance(event, Frame))


def test_a_day_and_a_size_begin_a_new_file(tmp_path: Path) -> None:
    """Events go on in the next file, in order, and each file tells its streams."""
    writer = writer_of(tmp_path, max_bytes=2_000)
    events = [frame(second, f'"{random.Random(second).randbytes(99).hex()}"') for second in range(60)]
    for event in [*events, frame(12 * 3600 - 1), frame(12 * 3600)]:
        writer.write(event)
    writer.close()
    names = sorted(path.name for path in tmp_path.iterdir())

    assert [*events, frame(12 * 3600 - 1), frame(12 * 3600)] == frames_of(tmp_path)
    assert "BTCUSDT-20240201T000000.jsonl.gz" == names[-1]
    assert 4 <= len(names) <= 8
    assert all(path.stat().st_size < 3_000 for path in tmp_path.iterdir())
    assert len(names) == sum(isinstance(event, Started) for event in CaptureReader(tmp_path))


def test_what_is_a_second_old_is_on_the_disk(tmp_path: Path) -> None:
    """Frames are flushed when one comes a second later, when asked, and when the clock was set back."""
    writer = writer_of(tmp_path)
    for seconds in (0.0, 0.5, 0.999):
        writer.write(frame(seconds))
    before = frames_of(tmp_path)
    writer.write(frame(1.0))
    after = frames_of(tmp_path)
    writer.write(frame(1.2))
    writer.flush()
    asked = frames_of(tmp_path)
    writer.write(frame(-60))
    set_back = frames_of(tmp_path)
    writer.close()

    assert [0, 4, 5, 6] == [len(before), len(after), len(asked), len(set_back)]


def test_a_capture_goes_on_after_it_was_closed(tmp_path: Path) -> None:
    """Closing twice is closing once, and the next event begins a file."""
    writer = writer_of(tmp_path)
    writer.close()
    writer.write(frame(0))
    writer.close()
    writer.close()
    writer.flush()
    closed = writer.path
    writer.write(Connected(START + 5000, "wss://x"))
    opened = writer.path
    writer.close()

    assert closed is None
    assert opened == tmp_path / "BTCUSDT-20240131T120005.jsonl.gz"


@pytest.mark.parametrize(("max_bytes", "step"), [(1 << 30, 1), (1 << 30, 40), (20_000, 7)])
def test_a_killed_process_loses_at_most_a_second(tmp_path: Path, max_bytes: int, step: int) -> None:
    """After kill -9 everything up to the last flush is read, in order and without a hole."""
    lines = random.Random(step).randrange(3, 40)
    command = [sys.executable, "-c", ENDLESS, str(tmp_path), str(max_bytes), str(step)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        flushed = [int(process.stdout.readline()) for _ in range(lines)][-1]
        process.kill()
    reader = CaptureReader(tmp_path)
    found = [event for event in reader if isinstance(event, Frame)]

    assert [f'{{"number":{number},' for number in range(len(found))] == [
        event.text.partition('"text"')[0] for event in found
    ]
    assert len(found) > flushed - 1000 // step
    assert all("is missing, as after a kill: it was read up to 2024-01-31" in text for text in reader.warnings)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The error names the folder and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/captures stopped: not a directory"):
        writer_of(tmp_path / "file" / "captures").write(frame(0))


def test_a_file_that_cannot_grow_keeps_what_was_written(tmp_path: Path) -> None:
    """The capture stops with the system's reason; the file reads up to where it could not go on."""
    writer = writer_of(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limits[1]))
    try:
        with pytest.raises(ConfigError, match="stopped: file too large"):
            for number in range(1_000):
                writer.write(frame(number, str(number)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    found = [event.text for event in CaptureReader(tmp_path) if isinstance(event, Frame)]

    assert [str(number) for number in range(len(found))] == found
    assert 10 < len(found) < 1_000
    assert writer.path is None


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="NOT TESTED: the system has no /dev/full")
def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what is wrong and that what was written is safe."""
    monkeypatch.setattr(Path, "open", lambda path, mode: open("/dev/full", mode.replace("x", "w")))  # noqa: PTH123, SIM115
    with pytest.raises(ConfigError, match="no space is left on its disk; what was written before can be read"):
        writer_of(tmp_path).write(frame(0))
