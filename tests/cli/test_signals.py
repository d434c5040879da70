"""``bt-run signals`` as a user meets it: on a practice exchange, where nothing needs a key."""

from __future__ import annotations

import json
import os
import pty
import signal
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.interval import Interval
from bt_run.run.signals.reader import reader_for
from feeds.csv_file import read_bars
from strategies.loader import load_strategy

REPLAY = ("--venue", "practice", "--data", "btc_1d.csv", "--at", "2025-08-01", "--speed", "max")


def _documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_replay_tells_the_signals_of_a_backtest(bt_run: Any, root: Path, work: Path) -> None:
    """Every signal on the bars after the history, once, with the price of its bar; as JSON lines."""
    done = bt_run("signals", "-s", "combined", "--invest", "250", "--json", "--chart", "c.html", *REPLAY)
    assert done.returncode == 0, done.stderr
    told = _documents(done.stdout)
    live = [one for one in told if one["event"] == "signal" and not one["is_history"]]
    bars = read_bars(root / "data" / "btc_1d.csv").bars
    loaded = load_strategy("combined")
    reader = reader_for(loaded, symbol="BTCUSDT", interval=Interval.parse("1d"), place=Path("x"))
    first = next(one["bars"] for one in told if one["event"] == "opened")
    expected = [
        (one.kind, float(bars.close[one.position]))
        for one in reader.read(bars).decisions
        if one.position >= first
    ]

    assert expected == [(one["kind"], one["price"]) for one in live]
    assert len(expected) >= 10
    assert told[0]["schema"] == "bt-run/signals/1"
    assert told[0]["note"] == "synthetic data"
    assert told[-1]["event"] == "summary"
    assert told[-1]["pairs"][0]["signals"] == len(live)
    assert "long entry" in (work / "c.html").read_text(encoding="utf-8")
    assert {"ended", "potential"} < {one["event"] for one in told}


@pytest.mark.slow
def test_lines_are_readable_in_80_columns(bt_run: Any) -> None:
    """Time, side, price, size, indicators, the past, and what a signal was worth."""
    done = bt_run("signals", "--invest", "250", *REPLAY)
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "bars of history (synthetic data), combined is ready." in done.stdout
    assert "2025-08-21 00:00:00  BTCUSDT 1d  LONG ENTRY at 108,748.91  combined" in done.stdout
    assert "size 0.00229 BTC, cost 249.04 USDT + fee 0.25, break-even 108,966.63" in done.stdout
    assert "before: 125 cases, median" in done.stdout
    assert "08-22 00:00  BTCUSDT -2.73% (-6.80 USDT) at 105,781.38" in done.stdout
    assert "after 2 bars, -32.84 USDT after fees" in done.stdout
    assert "Ended: the data has ended." in done.stdout


@pytest.mark.slow
def test_several_pairs_and_a_hand_written_strategy(bt_run: Any, work: Path) -> None:
    """Each pair has a desk of its own; any Backtrader class is followed by its orders."""
    (work / "mine.py").write_text(
        "import backtrader as bt\n"
        "class Mine(bt.Strategy):\n"
        "    def __init__(self):\n"
        "        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=5), bt.ind.SMA(period=20))\n"
        "    def next(self):\n"
        "        if not self.position and self.cross > 0:\n"
        "            self.buy()\n"
        "        elif self.position and self.cross < 0:\n"
        "            self.close()\n"
    )
    data = ("--data", "BTCUSDT=btc_1d.csv", "--data", "ETHUSDT=btc_1d.csv", "--at", "2025-09-15")
    more = ("--history", "300", "--speed", "max", "--invest", "100", "--quiet")
    done = bt_run("signals", "-s", "./mine.py:Mine", *data, *more)
    assert done.returncode == 0, done.stderr
    assert "BTCUSDT 1d  LONG ENTRY at" in done.stdout
    assert "ETHUSDT 1d  LONG ENTRY at" in done.stdout
    assert "SimpleMovingAverage" in done.stdout or "SMA" in done.stdout
    assert "ETHUSDT 1d, Mine:" in done.stdout


@pytest.mark.slow
def test_order_flow_listens_to_trades_and_liquidations(bt_run: Any) -> None:
    """On futures, from the second bar on; and it says what the history did not tell."""
    done = bt_run(
        "signals", "-s", "order_flow:window=20", "--allow-short", "--invest", "250", "--json", *REPLAY
    )
    assert done.returncode == 0, done.stderr
    told = _documents(done.stdout)
    live = [one for one in told if one["event"] == "signal" and not one["is_history"]]
    known = [one for one in live if one["indicators"]["Liquidations: longs"] is not None]

    assert "futures" == told[0]["market"]
    assert "order_flow uses taker buy volume alone" in done.stderr
    assert "at most one liquidation a second" in done.stderr
    assert len(known) >= 20
    assert len(live) - len(known) <= 2
    assert sum(one["indicators"]["Liquidations: longs"] for one in known) > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a pair to watch, such as --symbol BTCUSDT."),
        (("--symbol", "BTCUSDT"), "such as --invest 250"),
        (("--symbol", "BTCUSDT", "--invest", "much"), "is no amount above 0"),
        (("--symbol", "BTCUSDT", "--invest", "5", "-s", "rsy"), "Did you mean 'rsi'?"),
        (("--invest", "5", "--venue", "testnet", "--data", "btc_1d.csv"), "Drop one."),
        (("--invest", "3", "--chart", "c.png", *REPLAY), "Let its name end in .html"),
        (("--invest", "3", *REPLAY), "3 USDT is below the minimum of BTCUSDT"),
        (
            ("--invest", "50", "--symbol", "BTCUDST", *REPLAY[:2], "--data", "BTCUSDT=btc_1d.csv"),
            "practice has no spot pair BTCUDST. Did you mean BTCUSDT?",
        ),
    ],
)
def test_refuses_with_what_to_do(bt_run: Any, words: tuple[str, ...], said: str) -> None:
    """Pairs that do not exist, amounts that are too small, and what is missing."""
    done = bt_run("signals", *words)
    assert done.returncode in (2, 4), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_asks_for_pair_and_amount_at_a_terminal(bt_run_started: Any) -> None:
    """Where neither is given and a person is there; what else is wrong is said afterwards."""
    ours, theirs = pty.openpty()
    asked = bt_run_started("signals", "-s", "rsy", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b"ethusdt\nten\n25\n")
    said = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        said += more
    asked.wait(60)
    os.close(ours)
    text = said.decode()

    assert "Pair [BTCUSDT]:" in text
    assert "'ten' is no amount above 0" in text
    assert "There is no strategy 'rsy'" in text
    assert asked.returncode == 2, text


@pytest.mark.slow
def test_ctrl_c_prints_a_summary(bt_run_started: Any) -> None:
    """And leaves no process behind."""
    desk = bt_run_started("signals", *REPLAY[:4], "--speed", "1", "--invest", "250")
    assert desk.stdout is not None
    line = desk.stdout.readline()
    desk.send_signal(signal.SIGINT)
    out, rest = desk.communicate(timeout=20)
    assert "bars of history" in line
    assert desk.returncode == 130, rest
    assert "Ended: Ctrl-C." in out
    assert "BTCUSDT 1d, combined: 0 signals" in out
    assert "Traceback" not in rest
