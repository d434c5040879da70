"""``bt-run data import-wscat`` as a user types it."""

from __future__ import annotations

TRADES = "".join(
    f'< {{"e":"trade","E":{1706702400000 + 1000 * n},"s":"BTCUSDT","t":{n},"p":"{100 + n % 7}","q":"1",'
    f'"T":{1706702400000 + 1000 * n},"m":true}}\n'
    for n in range(1, 302)
)


def test_a_recording_becomes_a_capture_that_can_be_backtested(bt_run, work):
    """Without --out it lies beside the recording; the next command reads it."""
    (work / "dataset.txt").write_text("Connected (press CTRL+C to quit)\n" + TRADES + "< {half")
    ran = bt_run("data", "import-wscat", "dataset.txt")
    tested = bt_run("backtest", "-s", "rsi:period=5", "-d", "dataset.jsonl.gz", "-i", "10s", "-q")

    assert [
        "Read 301 frames of btcusdt@trade, 2024-01-31 12:00:01 to 2024-01-31 12:05:01 UTC",
        "Wrote dataset.jsonl.gz",
    ] == ran.stdout.splitlines()
    assert "Note: the last line was cut short and left out\n" == ran.stderr
    assert (0, 0, "") == (ran.returncode, tested.returncode, tested.stderr)


def test_the_capture_keeps_the_name_of_the_recording(bt_run, work):
    """dataset.jsonl becomes dataset.jsonl.gz."""
    (work / "dataset.jsonl").write_text(TRADES)
    ran = bt_run("data", "import-wscat", "dataset.jsonl")

    assert "Wrote dataset.jsonl.gz" == ran.stdout.splitlines()[-1]


def test_a_recording_becomes_bars(bt_run, work):
    """The line says how many of what."""
    (work / "dataset.txt").write_text(TRADES)
    ran = bt_run("data", "import-wscat", "dataset.txt", "--out", "btc.csv", "-i", "1m")

    assert "Wrote btc.csv: 4 bars of BTCUSDT 1m" == ran.stdout.splitlines()[-1]
    assert 5 == len((work / "btc.csv").read_text().splitlines())


def test_errors_are_sentences(bt_run, work):
    """A wrong line is named, a wrong ending too, and nothing is written."""
    (work / "dataset.txt").write_text(f"a,b\n{TRADES}")
    line = bt_run("data", "import-wscat", "dataset.txt")
    ending = bt_run("data", "import-wscat", "dataset.txt", "--out", "x.xlsx")

    assert line.stderr.startswith("Error: dataset.txt, line 1: This is not a line of a wscat recording")
    assert "x.xlsx does not tell the form of the file" in ending.stderr
    assert ([3, 2], ["dataset.txt"]) == (
        [line.returncode, ending.returncode], [path.name for path in work.iterdir()]
    )  # fmt: skip
