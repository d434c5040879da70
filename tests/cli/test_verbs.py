"""``bt-run pause``, ``resume``, ``stop``, ``panic``: with a bot, with one that hangs, without any."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from exchange_market import make_bars
from exchange_practice import KEY, served_practice

from bt_run.core.interval import Interval
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.trading import Trading
from bt_run.run import verbs
from bt_run.run.safety_limits import SafetyFacts

BOT = Path(__file__).with_name("answering_bot.py")
D = Decimal
T0 = 1_789_000_000_000
KEYS = {"BT_RUN_PRACTICE_API_KEY": KEY.api_key, "BT_RUN_PRACTICE_API_SECRET": KEY.secret}


@pytest.fixture
def path(work: Path) -> Path:
    return work / "bt-run.sqlite"


@contextmanager
def running(path: Path, how: str, mode: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(BOT), str(path), how, mode], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "ready\n" == process.stdout.readline()
            yield process
        finally:
            process.kill()


@pytest.fixture
def bot(path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give what starts a bot that answers, or hangs."""
    with ExitStack() as stack:
        yield lambda how="answers", mode="live": stack.enter_context(running(path, how, mode))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wait for the bot be short."""
    monkeypatch.setattr(verbs, "Patience", lambda: PATIENCE)


PATIENCE = verbs.Patience(taken_s=0.3, answered_s=5.0, ended_s=5.0)


def write_run(path: Path, *, venue: str = "practice", mode: str = "live", **settings: object) -> None:
    """Leave a run that was killed."""
    with Journal(path) as journal:
        journal.begin_run(
            venue=venue,
            symbol="BTCUSDT",
            interval="1m",
            strategy="sar",
            started_ms=T0,
            mode=mode,
            settings=settings,
        )


def facts(path: Path) -> SafetyFacts:
    with JournalReader(path) as reader:
        return SafetyFacts.of(reader.state(reader.runs()[-1].run))


def test_a_running_bot_is_told_and_its_answers_are_printed(bt_run, bot):
    """To all its runs, or that of one symbol; stop waits until it has ended."""
    process = bot()
    heard = bt_run("pause")
    one = bt_run("resume", "--symbol", "ethusdt")
    other = bt_run("pause", "--symbol", "XRPUSDT")
    ended = bt_run("stop")

    assert (0, "BTCUSDT: heard pause.\nETHUSDT: heard pause.\n", "") == (
        heard.returncode,
        heard.stdout,
        heard.stderr,
    )
    assert "ETHUSDT: heard resume.\n" == one.stdout
    assert (2, True) == (
        other.returncode,
        "does not trade XRPUSDT. It trades BTCUSDT, ETHUSDT." in other.stderr,
    )
    assert (0, "BTCUSDT: heard stop.\nETHUSDT: heard stop.\n") == (ended.returncode, ended.stdout)
    assert 0 == process.wait(5)


def test_a_bot_that_hangs_is_told_of(bt_run, bot, impatient):
    process = bot("hangs")
    for verb in ("pause", "panic"):
        said = bt_run(verb)
        assert (7, "") == (said.returncode, said.stdout)
        assert f"Process {process.pid} on " in said.stderr
        assert "did not take the command" in said.stderr
        assert "bt-run panic --kill" in said.stderr

    assert process.poll() is None


def test_panic_kills_a_bot_that_hangs_and_goes_on_without_it(bt_run, bot, impatient, path: Path):
    process = bot("hangs")
    said = bt_run("panic", "--kill")

    assert (0, "The journal has no open order and nothing held at practice.\n") == (
        said.returncode,
        said.stdout,
    )
    assert f"Process {process.pid} on" in said.stderr
    assert "was killed." in said.stderr
    assert -9 == process.wait(5)
    assert "since bt-run panic" == facts(path).paused


def test_a_bot_that_dies_of_it(bt_run, bot):
    """Nobody waits for a dead one."""
    bot("dies")
    said = bt_run("panic")

    assert (7, True) == (said.returncode, "has ended without an answer to 'panic'" in said.stderr)
    assert "no open order and nothing held" in bt_run("panic").stdout


def test_panic_of_a_bot_that_answers(bt_run, bot):
    bot()
    said = bt_run("panic")

    assert (0, "BTCUSDT: heard panic.\nETHUSDT: heard panic.\n") == (said.returncode, said.stdout)


def test_a_paper_bot_can_be_told_to_panic_while_it_lives(bt_run, bot):
    process = bot(mode="paper")
    said = bt_run("panic")
    process.wait(5)
    dead = bt_run("panic")

    assert (0, 2) == (said.returncode, dead.returncode)
    assert "has traded, so nothing of ours is at an exchange" in dead.stderr


def test_without_a_bot_the_next_start_is_told(bt_run, path: Path):
    write_run(path)
    said = bt_run("pause")

    assert (0, "No bot runs. The next start begins paused:\n  sar on BTCUSDT, practice\n") == (
        said.returncode,
        said.stdout,
    )
    assert "by bt-run pause" == facts(path).paused
    assert "with entries allowed" in bt_run("resume").stdout
    assert "" == facts(path).paused
    assert "no run that a start would go on from" in bt_run("pause", "--symbol", "ETHUSDT").stdout
    assert (0, True) == ((stopped := bt_run("stop")).returncode, "No bot runs" in stopped.stdout)


@pytest.mark.parametrize("verb", ["pause", "resume", "stop", "panic"])
def test_without_a_journal(bt_run, path: Path, verb: str):
    """A sentence, and none is made."""
    said = bt_run(verb)

    assert (2, True) == (said.returncode, "There is no journal" in said.stderr)
    assert not path.exists()


def test_panic_on_mainnet_wants_a_typed_symbol_or_yes(bt_run, path: Path):
    write_run(path, venue="mainnet")
    assert "no open order and nothing held at mainnet" in bt_run("panic").stdout
    refused = bt_run("panic", "--symbol", "BTCUSDT")
    assert (2, True) == (refused.returncode, "sells BTCUSDT at market on mainnet" in refused.stderr)
    keyless = bt_run("panic", "--symbol", "BTCUSDT", "--yes")

    assert (2, True) == (keyless.returncode, "There is no API key for the venue 'mainnet'" in keyless.stderr)


def write_holding(path: Path, exchange: Exchange) -> None:
    """Leave 0.5 BTC that a killed bot bought on the exchange by hand of its journal."""
    with Journal(path) as journal:
        name = "btr-bcd-00000001"
        journal.write_order(
            OrderRecord(1, name, "BTCUSDT", "BUY", "MARKET", D("0.5"), T0, T0, "FILLED"),
            OrderEvent("Intent", T0),
        )
        journal.write_fill(FillRecord(1, "BTCUSDT", 1, name, "BUY", D("0.5"), D(100), D(0), "USDT", T0))


def test_panic_after_a_replay_says_that_its_exchange_is_gone(bt_run, path: Path):
    """No key would help: the practice exchange of a replay ends with its run."""
    write_run(path, replay="btc_1d.csv")
    said = bt_run("panic")

    assert 2 == said.returncode
    assert "run 1 replayed btc_1d.csv on an exchange of its own that ended with it" in said.stderr
    write_run(path, venue="testnet")
    assert "nothing held at testnet" in bt_run("panic").stdout


def test_panic_sells_what_a_dead_bot_held(bt_run, path: Path):
    """Over real sockets; the user's own coins stay."""
    bars = make_bars(Interval.parse("1m"), 1_767_268_800_000, 120)
    market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(), at=60, seed=3)
    exchange = Exchange({"BTCUSDT": market}, Trading({"BTC": D(7), "USDT": D(1000), "BNB": D(0)}))
    write_run(path)
    write_holding(path, exchange)
    with served_practice(exchange) as url:
        said = bt_run("panic", env=KEYS | {"BT_RUN_REST_URL": url})
        again = bt_run("panic", env=KEYS | {"BT_RUN_REST_URL": url})

    assert 0 == said.returncode, said
    assert "BTCUSDT: no orders cancelled.\nBTCUSDT: sold 0.5 BTC for " in said.stdout
    assert "no open order and nothing held" in again.stdout
    with JournalReader(path) as reader:
        assert ["panic: closed"] == [run.outcome for run in reader.runs()]
    gone = bt_run("panic", "--symbol", "BTCUSDT", env=KEYS | {"BT_RUN_REST_URL": url})
    assert 5 == gone.returncode
