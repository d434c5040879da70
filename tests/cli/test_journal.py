"""``bt-run journal``: lists, stories, exports."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.clock import parse_time
from bt_run.journal.journal import Journal
from bt_run.journal.records import (
    BarRecord,
    ConnectionRecord,
    EquityRecord,
    FillRecord,
    OrderEvent,
    OrderRecord,
    SignalRecord,
    SymbolRecord,
)

START = parse_time("2026-11-20T09:00")
MINUTE = 60_000
D = Decimal


def write_trip(journal: Journal, run: int, number: int, *, buy: str, sell: str | None) -> None:
    """Write an entry at a minute of the run, and its exit half an hour later where it has one."""
    time = START + number * MINUTE
    sides = [("BUY", buy, time, "entry")] + ([("SELL", sell, time + 30 * MINUTE, "exit")] if sell else [])
    for side, price, at, purpose in sides:
        name = f"btr-{run}-{number}-{side.lower()}"
        order = OrderRecord(
            run, name, "BTCUSDT", side, "MARKET", D("0.00150000"), at, at, "SENT", purpose=purpose
        )
        journal.write_order(order, OrderEvent("Submitted", at, {"bar": "2026-11-20T09:00:00Z"}))
        fill = FillRecord(
            run, "BTCUSDT", at, name, side, D("0.0015"), D(price), D("0.09"), "USDT", at + 120, is_maker=False
        )
        done = OrderRecord(
            run, name, "BTCUSDT", side, "MARKET", D("0.00150000"), at, at + 120, "FILLED", purpose=purpose,
            exchange_id=5000 + number,
        )  # fmt: skip
        journal.write_fill(fill, done, OrderEvent("Fill", at + 120, {"price": D(price)}))


@pytest.fixture
def path(work: Path) -> Path:
    """Write a journal of two runs under the name that the commands look for."""
    place = work / "bt-run.sqlite"
    with Journal(place) as journal:
        run = journal.begin_run(
            venue="testnet",
            symbol="BTCUSDT",
            interval="1m",
            strategy="rsi(period=10)",
            started_ms=START,
            params={"period": 10},
            settings={
                "stake": "100USDT",
                "secret": "hush",
                "cash": None,
                "limits": {"max_order": None, "max_orders_per_minute": "20", "stale_after_s": "60"},
            },
            version="0.1.0",
        ).run
        journal.write_symbol(SymbolRecord(run, "BTCUSDT", "BTC", "USDT", lot_step=D("0.00001")))
        bar = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.5) | {"quote_volume": float("nan")}
        bar |= dict.fromkeys(("trades", "taker_buy_volume", "taker_buy_quote_volume"), 0.1)
        times = [START, START + MINUTE]
        journal.write_bars(
            [BarRecord(run, "BTCUSDT", "1m", at, **bar, source="live", tradable=True) for at in times]
        )
        journal.write_signal(SignalRecord(run, "BTCUSDT", START, ("long_entry",), {"rsi": 29.5}))
        journal.write_equity(EquityRecord(run, "BTCUSDT", START, D(1000), D(0), D(60000), D(1000)))
        journal.write_connection(ConnectionRecord(run, START, "market", "connected"))
        journal.write_state(run, "paused", value=False)
        write_trip(journal, run, 1, buy="60000.10", sell="60500.20")
        journal.end_run(run, ended_ms=START + 7_500_000, outcome="stopped")
        second = journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="macd", started_ms=START + 10_000_000,
            resumes=run,
        )  # fmt: skip
        write_trip(journal, second.run, 200, buy="61000", sell=None)
        stop = OrderRecord(
            second.run, "btr-stop", "BTCUSDT", "SELL", "STOP_LOSS_LIMIT", D("0.0015"), START + 13_000_000,
            START + 13_000_000, "UNKNOWN", price=D("58000.5"), stop_price=D(58100), reason="timed out",
        )  # fmt: skip
        journal.write_order(stop, OrderEvent("TimedOut", START + 13_000_456))
    return place


@pytest.mark.usefixtures("path")
class TestLists:
    def test_runs_fit_a_terminal_and_say_how_they_ended(self, bt_run: Any):
        lines = bt_run("journal", "runs").stdout.splitlines()

        assert max(map(len, lines[:-1])) <= 80
        words = "1 2026-11-20 09:00:00 2h 5m testnet BTCUSDT 1m rsi(period=10) stopped"
        assert words == " ".join(lines[1].split())
        assert lines[2].split()[-2:] == ["not", "ended"]
        assert lines[3].startswith("2 runs in ")

    def test_orders_fit_a_terminal(self, bt_run: Any):
        text = bt_run("journal", "orders").stdout

        assert max(map(len, text.splitlines())) <= 80
        assert "4 orders" == text.splitlines()[-1]
        assert "2026-11-20 09:01:00   1 BTCUSDT BUY  MARKET" in text
        assert all(word in text for word in ("0.0015", "58,000.5", "58,100", "UNKNOWN"))

    @pytest.mark.parametrize(
        ("words", "wanted"),
        [
            (["--run", "1"], 2),
            (["--run", "last"], 2),
            (["--open"], 1),
            (["--symbol", "btcusdt"], 4),
            (["--symbol", "ETHUSDT"], 0),
            (["--since", "2026-11-20T09:31"], 3),
            (["--until", "2026-11-20T09:31"], 2),
            (["--until", "2026-11-19"], 0),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_orders_are_filtered(self, bt_run: Any, words: list[str], wanted: int):
        assert wanted == len(json.loads(bt_run("journal", "orders", "--format", "json", *words).stdout))

    def test_trades_are_counted_from_fills(self, bt_run: Any):
        lines = bt_run("journal", "trades").stdout.splitlines()

        assert max(map(len, lines)) <= 80
        first = "2026-11-20 09:01 30m 0s 0.0015 60,000.1 60,500.2 0.18 0.5702"
        assert first.replace("30m 0s", "30m") == " ".join(lines[1].split())
        assert ["open", "0.0015", "61,000"] == lines[2].split()[2:5]
        assert "BTCUSDT: 1 trade, profit 0.57015 USDT; 1 open" == lines[3]

    def test_trades_of_several_symbols_name_them_and_nothing_wraps(self, bt_run: Any, path: Path):
        """Also where amounts are long."""
        with Journal(path) as journal:
            run = journal.begin_run(
                venue="testnet", symbol="ETHUSDT", interval="1m", strategy="sar", started_ms=START
            )
            for number, (side, price) in enumerate((("BUY", "102801.62"), ("SELL", "95801.61"))):
                at = START + (number + 1) * 90_000_000
                order = OrderRecord(
                    run.run, f"btr-eth-{number}", "ETHUSDT", side, "MARKET", D("0.16139844"), at, at, "FILLED"
                )
                journal.write_order(order, OrderEvent("Intent", at))
                journal.write_fill(
                    FillRecord(
                        run.run, "ETHUSDT", at, order.client_id, side, D("0.16139844"), D(price), D("8.5"),
                        "USDT", at,
                    )
                )  # fmt: skip
        lines = bt_run("journal", "trades").stdout.splitlines()

        assert max(map(len, lines)) <= 80
        assert len(lines) == 5
        assert "2026-11-21 10:00 1d 1h ETHUSDT 0.16139844 102,801.62 95,801.61 17 -1,146.79" == " ".join(
            lines[3].split()
        )
        assert lines[4].startswith("2 trades, profit ")

    def test_trades_of_a_run_and_a_time(self, bt_run: Any):
        def found(*words: str) -> list[Any]:
            return json.loads(bt_run("journal", "trades", "--format", "json", *words).stdout)

        assert ["0.57015"] == [trip["profit"] for trip in found("--run", "1")]
        assert [None] == [trip["profit"] for trip in found("--run", "2")]
        assert [] == found("--since", "2026-11-21")
        assert 1 == len(found("--until", "2026-11-20T10:00"))

    def test_csv_is_read_back_to_the_last_digit(self, bt_run: Any, work: Path):
        said = bt_run("journal", "orders", "--output", "orders.csv").stdout
        rows = list(csv.DictReader(io.StringIO((work / "orders.csv").read_text(encoding="utf-8"))))

        assert "Wrote orders.csv\n" == said
        assert ["0.00150000", "0.00150000", "0.00150000", "0.0015"] == [row["quantity"] for row in rows]
        assert ("2026-11-20T09:01:00Z", "") == (rows[0]["created"], rows[0]["price"])

    def test_a_table_goes_into_a_file_too(self, bt_run: Any, work: Path):
        bt_run("journal", "runs", "--output", "runs.txt")

        assert bt_run("journal", "runs").stdout == (work / "runs.txt").read_text(encoding="utf-8")


@pytest.mark.usefixtures("path")
class TestShow:
    def test_a_run_with_the_story_of_its_orders(self, bt_run: Any):
        text = bt_run("journal", "show", "1").stdout

        assert text.startswith(
            "Run 1: rsi(period=10) on BTCUSDT 1m, testnet\n"
            "2026-11-20 09:00:00 to 2026-11-20 11:05:00 UTC, stopped\n"
        )
        assert "  stake                100USDT\n" in text
        assert "  cash                 -\n" in text
        assert f"  limits               max_orders_per_minute 20\n{' ' * 23}stale_after_s 60\n" in text
        assert "hush" not in text
        assert "  orders       2 (2 FILLED)\n" in text
        assert "  bars         2 (2 live)\n" in text
        assert "  trades       1 trade, profit 0.57015 USDT\n" in text
        assert (
            "2026-11-20 09:01:00 BUY 0.0015 BTCUSDT MARKET, entry, FILLED\n"
            "  id btr-1-1-buy, exchange 5001\n"
            "  09:01:00.000 Submitted bar=2026-11-20T09:00:00Z\n"
            "  09:01:00.120 Fill price=60000.10\n"
        ) in text

    def test_a_run_that_has_not_ended_says_so(self, bt_run: Any):
        text = bt_run("journal", "show", "LAST").stdout

        assert "not ended: it is running, or it was killed" in text
        assert "It goes on from run 1." in text
        assert "at 58,000.5 stop 58,100, UNKNOWN (timed out)" in text

    def test_as_json_for_programs(self, bt_run: Any):
        found = json.loads(bt_run("journal", "show", "1", "--format", "json").stdout)

        assert "***" == found["run"]["settings"]["secret"]
        assert {"paused": False} == found["state"]
        assert ["Submitted", "Fill"] == [line["kind"] for line in found["orders"][0]["story"]]
        assert "2026-11-20T09:01:00.120Z" == found["orders"][0]["story"][1]["time"]


@pytest.mark.usefixtures("path")
class TestExport:
    def test_everything_as_one_document(self, bt_run: Any, work: Path):
        bt_run("journal", "export", "--output", "all.json")
        found = json.loads((work / "all.json").read_text(encoding="utf-8"))

        assert "bt-run/journal/1" == found.pop("schema")
        assert {
            "runs": 2, "symbols": 1, "orders": 4, "events": 7, "fills": 3, "signals": 1, "equity": 1,
            "balances": 0, "bars": 2, "connections": 1,
        } == {kind: len(rows) for kind, rows in found.items()}  # fmt: skip
        assert (1.5, None) == (found["bars"][0]["close"], found["bars"][0]["quote_volume"])
        assert {"run": 1, "client_id": "btr-1-1-buy", "sequence": 1}.items() <= found["events"][0].items()

    def test_one_kind_as_csv(self, bt_run: Any):
        ran = bt_run("journal", "export", "signals", "--run", "1", "--format", "csv")

        assert (
            "run,symbol,open_time,decisions,values\n"
            '1,BTCUSDT,2026-11-20T09:00:00Z,"[""long_entry""]","{""rsi"": 29.5}"\n'
        ) == ran.stdout
        assert ["run"] == bt_run("journal", "export", "balances", "--format", "csv").stdout.split(",")[:1]

    def test_csv_of_everything_is_refused(self, bt_run: Any):
        ran = bt_run("journal", "export", "--output", "all.csv")

        assert 2 == ran.returncode
        assert "CSV holds one kind of rows. Name it: runs, symbols" in ran.stderr


OVER_ITSELF = [
    [*words, "--output", "bt-run.sqlite"]
    for words in (["runs"], ["orders"], ["trades"], ["show", "1"], ["export"])
] + [["export", "fills", "--journal", "sqlite:///bt-run.sqlite", "--output", "./bt-run.sqlite"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["runs", "--journal", "none.sqlite"], "There is no journal"),
        (["show", "7"], "has no run 7. It has runs 1 to 2"),
        (["show", "first"], "'first' is not a run. Write its number, or last."),
        (["orders", "--run", "7"], "has no run 7"),
        (["orders", "--since", "yesterday"], "is not a date or time"),
        (["runs", "--journal", "nonsense://me:hush@host/x"], "The journal's URL is not understood"),
        (["order"], "Did you mean 'orders'?"),
        (["runs", "--output", "none/x.csv"], "does not exist"),
        *((words, "is read by this run. Write the result to another file") for words in OVER_ITSELF),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_gets_a_sentence_and_exit_code_2(bt_run: Any, path: Path, words: list[str], said: str):
    ran = bt_run("journal", *words)

    assert 2 == ran.returncode
    assert said in " ".join(ran.stderr.split())
    assert "hush" not in ran.stderr
    assert path.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize("symbol", ["btcusdt", "BTC/USDT", "btc-usdt"])
def test_a_symbol_may_be_written_as_elsewhere(bt_run: Any, path: Path, symbol: str):
    """As bt-run live takes it."""
    assert bt_run("journal", "orders", "--symbol", symbol).stdout.endswith("4 orders\n")


def test_a_file_that_is_no_journal_has_an_exit_code_of_its_own(bt_run: Any, work: Path):
    """Nothing that a user typed wrong: the file is damaged, or something else."""
    (work / "bt-run.sqlite").write_bytes(b"not a database at all, and long enough to have a header" * 50)
    ran = bt_run("journal", "runs")

    assert (6, "") == (ran.returncode, ran.stdout)
    assert "is not a database. It is not a journal, or damaged." in ran.stderr


def test_the_environment_names_the_journal(bt_run: Any, path: Path):
    """BT_RUN_JOURNAL; an option wins."""
    moved = path.rename(path.with_name("elsewhere.sqlite"))
    env = {"BT_RUN_JOURNAL": str(moved)}

    assert "2 runs" in bt_run("journal", "runs", env=env).stdout
    assert 2 == bt_run("journal", "runs", "--journal", "bt-run.sqlite", env=env).returncode


def test_reading_works_while_a_bot_writes(bt_run: Any, path: Path):
    """And the command leaves the bot's lock alone."""
    with Journal(path) as journal:
        journal.begin_run(venue="testnet", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=START)

        assert "3 runs" in bt_run("journal", "runs").stdout
        assert "sar" in bt_run("journal", "show", "last").stdout
