"""``bt-run live`` as a user meets it."""

from __future__ import annotations

import json
import signal
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bt_run.cli.live_display import panel, state_line
from bt_run.core.errors import ConfigError
from bt_run.reports.tables import render_text
from bt_run.run.live.status import LiveSnapshot, OpenOrder, SymbolView
from feeds.live.outcomes import Phase
from feeds.live.status import LiveStatus

REPLAY = ("--venue", "practice", "--data", "btc_1d.csv", "--at", "2025-09-01", "--speed", "max")


def test_without_keys_says_how_to_get_them(bt_run: Any) -> None:
    done = bt_run("live", "--strategy", "sar")
    assert done.returncode == 2
    assert "https://testnet.binance.vision with a GitHub login" in done.stderr
    assert "BINANCE_TESTNET_API_KEY and BINANCE_TESTNET_API_SECRET" in done.stderr
    assert "--venue practice" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--venue", "mainnet"), "trades real money"),
        (("--venue", "mainnet", "--real-money"), "nobody is at the terminal"),
        (("--venue", "testnet", "--data", "btc_1d.csv"), "--data replays a file on the practice exchange"),
        (("--paper", "--signals-only"), "Give one of them"),
        (("--venue", "moon"), "There is no venue 'moon'"),
        (("--stop-loss", "3", "--trailing-stop", "3", *REPLAY), "cannot both hold one position"),
        (("--adopt-position", "much"), "is no holding"),
        ((*REPLAY, "--symbol", "BTCUSDT", "--symbol", "ETHUSDT"), "replays BTCUSDT, not 'ETHUSDT'"),
        ((*REPLAY, "--interval", "1h"), "The data of BTCUSDT has bars of 1d, and --interval says 1h"),
        ((*REPLAY, "--stake", "1BTC"), "Stake 1BTC names the base asset of BTCUSDT. Write 1"),
        ((*REPLAY, "--stake", "100EUR"), "Stake 100EUR is not in the asset that BTCUSDT is quoted in"),
        (("--duration", "soon"), "is not a duration"),
        (("--venue", "data"), "tells prices and takes no orders"),
        ((*REPLAY, "--journal", "j.sqlite", "--json", "j.sqlite"), "j.sqlite is read by this run"),
        (("--json", "bt-run.sqlite"), "bt-run.sqlite is read by this run"),
        (("--symbol", "BTCUSDT", "--symbol", "btcusdt", "--venue", "mainnet"), "each of them once"),
    ],
)
def test_refuses_before_anything_is_sent(bt_run: Any, words: tuple[str, ...], said: str) -> None:
    env = {
        "BINANCE_API_KEY": "k",
        "BINANCE_API_SECRET": "s",
        "BINANCE_TESTNET_API_KEY": "k",
        "BINANCE_TESTNET_API_SECRET": "s",
    }
    done = bt_run("live", "-s", "sar", *words, env=env)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert list(Path().glob("bt-run.sqlite*")) == []


def test_a_replay_ends_with_the_report_of_a_backtest(bt_run: Any, work: Path) -> None:
    files = ("--json", "o.json", "--trades", "t.csv", "--equity", "e.csv", "--plot", "p.png")
    done = bt_run("live", "-s", "sar", *REPLAY, "--fee-asset", "quote", *files)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("sar on BTCUSDT 1d\n2025-09-01 to 2025-11-02 UTC · 63 bars · live engine\n")
    assert "Ended: the data has ended." in done.stdout
    assert "\nsynthetic data, practice exchange\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "2025-09-19T00:00:00Z BTCUSDT: signal long entry" in done.stderr
    assert "BTCUSDT: bought 0.12401 at 76,604.99" in done.stderr
    live = json.loads((work / "o.json").read_text())
    assert live["schema"] == "bt-run/backtest/1"
    assert live["settings"]["engine"] == "live"
    assert len(live["trades"]) == 2
    assert (work / "t.csv").read_text().count("\n") == 3
    assert (work / "e.csv").read_text().count("\n") == 64
    assert (work / "p.png").stat().st_size > 20_000
    assert not list(work.glob("*.sqlite"))  # the exchange is gone, and so is the journal


def test_what_is_held_is_said_though_a_file_cannot_be_written(
    bt_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the end of a long run must not hide how it ended."""

    def full(path: Path, result: object) -> None:
        raise ConfigError(f"{path} was not written: no space is left on its disk.")

    monkeypatch.setattr("bt_run.reports.export.write_trades_csv", full)
    done = bt_run("live", "-s", "sar", *REPLAY, "--trades", "t.csv")

    assert done.returncode == 2
    assert "Error: t.csv was not written: no space is left on its disk." in done.stderr
    assert done.stdout.splitlines()[-1].startswith("Still held: 0.")


def test_the_result_alone_goes_to_stdout(bt_run: Any) -> None:
    done = bt_run("live", "-s", "sar", *REPLAY, "--paper", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["settings"]["engine"] == "paper"


def test_two_symbols_and_signals_only(bt_run: Any) -> None:
    done = bt_run("live", "-s", "sar", *REPLAY, "--data", "ETHUSDT=btc_1d.csv", "--signals-only")
    assert done.returncode == 0, done.stderr
    assert "ETHUSDT: signal long entry" in done.stderr
    refusals = [line for line in done.stderr.splitlines() if "BTCUSDT: buy" in line]
    entries = [line for line in done.stderr.splitlines() if "BTCUSDT: signal long entry" in line]
    assert refusals[0].endswith("market is not sent: signals only, nothing is sent")
    assert len(refusals) == len(entries) == 3  # not at every bar of the signal
    assert "bought" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "remarks"), [("--signals-only", 1), ("--paper", 0)])
def test_order_flow_says_what_it_has_to_do_without(bt_run: Any, mode: str, remarks: int) -> None:
    """Signals alone listen to liquidations after the history; a run that trades has taker buy volume."""
    done = bt_run("live", "-s", "order_flow:window=20", *REPLAY, mode)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("order_flow uses taker buy volume alone") == 1 - remarks
    assert done.stderr.count("order_flow knows liquidations of") == remarks
    assert "BTCUSDT: signal long entry" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_order(bt_run_started: Any, number: signal.Signals, code: int) -> None:
    bot = bt_run_started("live", "-s", "sar", "--data", "btc_1d.csv", "--speed", "100000")
    assert bot.stderr is not None
    said = ""
    while "BTCUSDT: live" not in said:
        line = bot.stderr.readline()
        assert line, said
        said += line
    (exchange,) = _children(bot.pid)
    began = time.monotonic()
    bot.send_signal(number)
    out, rest = bot.communicate(timeout=20)
    assert time.monotonic() - began < 10  # it promises five of a machine that has time
    assert bot.returncode == code, rest
    assert f"Ended: {'Ctrl-C' if number == signal.SIGINT else 'SIGTERM'}." in out
    assert "Traceback" not in rest
    assert not Path(f"/proc/{exchange}").exists()  # it died with the run


BUSY = """\
import backtrader as bt

class Mine(bt.Strategy):
    def next(self):
        if self.data.datetime.date(0).isoformat() >= "2025-09-05":
            print("busy now", flush=True)
            while True:
                pass
"""


@pytest.mark.slow
def test_a_strategy_that_never_returns_does_not_outlive_sigterm(
    bt_run: Any, bt_run_started: Any, work: Path
) -> None:
    """The process ends in time, as if killed, and so does its exchange; the journal is whole."""
    (work / "busy.py").write_text(BUSY)
    words = ("live", "-s", "busy.py", *REPLAY, "--journal", "j.sqlite", "--history", "0")
    bot = bt_run_started(*words)
    assert bot.stdout is not None
    assert "busy now" in bot.stdout.readline()
    (exchange,) = _children(bot.pid)
    began = time.monotonic()
    bot.send_signal(signal.SIGTERM)
    _, said = bot.communicate(timeout=30)
    assert time.monotonic() - began < 10  # it promises five of a machine that has time
    assert bot.returncode == 143
    assert "did not end within 4.7 s of SIGTERM" in said
    assert "The same command goes on from here" in said
    until = time.monotonic() + 20
    while Path(f"/proc/{exchange}").exists():
        assert time.monotonic() < until
    listed = bt_run("journal", "runs", "--journal", "j.sqlite")
    assert listed.returncode == 0, listed.stderr


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def make_snapshot(**changes: Any) -> LiveSnapshot:
    feed = LiveStatus(
        venue="testnet", symbol="BTCUSDT", interval="1m", phase=Phase.LIVE, connected=True, now_ms=1_000,
        last_event_ms=900, lag_ms=85, last_price=63_241.1, bar_open_ms=0, bar_left_s=41.0, delivered=5_200,
        reconnects=2, repaired=0, holes=0, corrections=0, unreadable=0, trouble="",
    )  # fmt: skip
    view = SymbolView(
        "BTCUSDT", "BTC", Decimal("0.0015"), Decimal("63000"), Decimal("63241.1"), Decimal("0.36"),
        Decimal("11.95"), feed, (60_000, "long entry at 63,010"),
    )  # fmt: skip
    order = OpenOrder(
        "BTCUSDT", "SELL", "STOP_LOSS", "stop_loss", Decimal("0.0015"), None, Decimal("61110"), None, "OPEN"
    )
    given: dict[str, Any] = {
        "strategy": "sar(acceleration=0.03)", "venue": "testnet", "mode": "live", "started_ms": 0,
        "now_ms": 8_040_000, "symbols": (view,), "quote_asset": "USDT", "cash": Decimal("9917.45"),
        "equity": Decimal("10012.31"), "start_equity": Decimal("10000"), "orders": (order,),
        "words": ((60_000, "BTCUSDT: signal long entry"), (61_000, "BTCUSDT: bought 0.0015 at 63,000")),
        "halts": (), "account_up": True, "trouble": "", "bars": 212, "fills": 14, **changes,
    }  # fmt: skip
    return LiveSnapshot(**given)


def test_the_panel_fits_a_terminal() -> None:
    text = render_text(panel(make_snapshot(), now_ms=8_040_000 + 1_000))
    assert max(map(len, text.splitlines())) <= 80
    for words in (
        "sar(acceleration=0.03) on testnet · up 2h 14m", "63,241.10", "bar closes in 0:40",
        "live, 85 ms behind",
        "2 reconnects", "0.0015 BTC at 63,000.00", "+0.36 USDT", "+11.95 USDT", "10,012.31 USDT (+0.12%)",
        "Signal     01-01 00:01:00 long entry at 63,010",
        "212 bars, 14 fills", "BTCUSDT sell stop-loss 0.0015 at 61,110.00", "bought 0.0015 at 63,000",
    ):  # fmt: skip
        assert words in text


def test_long_words_give_way_and_the_columns_stay() -> None:
    told = make_snapshot()
    said = replace(told, words=((told.now_ms, "bought " + 20 * "at 3,757.56 "), (told.now_ms, "short")))
    *_, first, second = render_text(panel(said, now_ms=told.now_ms)).splitlines()
    assert first.index(":") == second.index(":")
    assert len(second.rstrip()) == 80
    assert second.rstrip().endswith("…")


def test_the_panel_says_what_is_wrong() -> None:
    told = make_snapshot(
        halts=("Entries are paused: by bt-run pause.",), account_up=False, symbols=(), mode="paper",
        trouble="The account's stream: no route",
    )  # fmt: skip
    text = render_text(panel(told, now_ms=told.now_ms))
    assert "on paper" in text
    assert "No entries Entries are paused" in text
    assert "Account    The account's stream: no route" in text


def test_a_line_says_how_it_stands() -> None:
    assert state_line(make_snapshot()) == (
        "equity 10,012.31 USDT | BTCUSDT 63,241.10, held 0.0015, live | 1 open order"
    )
