"""``bt-run alerts``: rules, targets, the log, a test message."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback import Loopback

from bt_run.cli.main import run

HIDDEN = "hunter22"


@pytest.fixture
def webhook() -> Iterator[Loopback]:
    """Serve something that takes any POST."""
    with Loopback().serving() as server:
        yield server


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Give what runs a command in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("BT_RUN_ALERT_URLS", "BT_RUN_TELEGRAM_TOKEN", "BT_RUN_JOURNAL"):
        monkeypatch.delenv(name, raising=False)

    def run_it(*words: str, **environ: str) -> tuple[int, str, str]:
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            code = run(["alerts", *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run_it


def test_rules_are_added_listed_switched_and_removed(call: Callable[..., tuple[int, str, str]]):
    """By their number."""
    code, out, _ = call("add", "rsi(14) < 30", "--symbol", "btc/usdt", "--interval", "5m", "--cooldown", "1h")
    assert (0, "Rule 1: BTCUSDT 5m: rsi(14) < 30\n") == (code, out)
    call("add", "close > sma(20) on 1h", "--symbol", "ETHUSDT")
    call("disable", "2")
    _, listed, _ = call("list")
    assert "  1  on   BTCUSDT 5m: rsi(14) < 30, every 3600 s at most" in listed
    assert "  2  off  ETHUSDT 1h: close > sma(20) on 1h" in listed
    assert 0 == call("enable", "2")[0]
    assert "Removed: Rule 1" in call("remove", "1")[1]
    assert (2, True) == (call("remove", "1")[0], "no alert rule 1" in call("remove", "1")[2])


def test_a_rule_that_cannot_be_read_is_shown_with_its_place(call: Callable[..., tuple[int, str, str]]):
    """And nothing is kept, not even a journal."""
    code, out, err = call("add", "rsj(14) < 30", "--symbol", "BTCUSDT")

    assert (2, "") == (code, out)
    assert "There is no function 'rsj'. Did you mean 'rsi'?\n  rsj(14) < 30\n  ^\n" in err
    assert "Rules      none" in call("list")[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("close > 1 on 5m", "--symbol", "BTCUSDT", "-i", "1h"), "The rule says 'on 5m'"),
        (("close > 1", "--symbol", "?"), "'?' is no symbol"),
        (("close > 1", "--symbol", "BTCUSDT", "--cooldown", "soon"), "'soon' is not a time"),
        (("close > 1", "--symbol", "BTCUSDT", "-i", "5q"), "'5q' is not an interval"),
    ],
)
def test_a_wrong_option_is_named(call: Callable[..., tuple[int, str, str]], words: tuple[str, ...], said: str):
    """With exit code 2."""
    code, _, err = call("add", *words)

    assert 2 == code
    assert said in err


def test_the_settings_are_listed_without_secrets(call: Callable[..., tuple[int, str, str]]):
    """From the file and from .env."""
    Path("bt-run.toml").write_text(
        '[alerts]\nurls = ["json://ann:hunter22@127.0.0.1:9/x"]\nevents = ["signal", "error"]\n'
        'quiet = "22:00-07:00"\ntime-zone = "Europe/Berlin"\n'
    )
    Path(".env").write_text("BT_RUN_ALERT_URLS=discord://1234567/hunter22token\n")
    code, out, _ = call("list")

    assert 0 == code
    assert HIDDEN not in out
    assert "Targets    json://127.0.0.1:9/*** #" in out
    assert "           discord://*** #" in out
    assert "Messages   signal, error" in out
    assert "Quiet      22:00-07:00 Europe/Berlin" in out


def test_a_mistyped_setting_is_found_by_every_command(call: Callable[..., tuple[int, str, str]]):
    """As mistyped options are."""
    Path("bt-run.toml").write_text("[alerts]\nurl = []\n")
    code, _, err = call("list")

    assert 2 == code
    assert "[alerts] has no setting 'url'. Did you mean 'urls'?" in err


def test_a_test_message_goes_to_each_target(call: Callable[..., tuple[int, str, str]], webhook: Loopback):
    """With a chart; a target that fails is said with its reason, and the exit code is 5."""
    good = webhook.url.replace("http", "json")
    code, out, _ = call("test", BT_RUN_ALERT_URLS=good)
    (request,) = webhook.requests
    told = json.loads(request.body)

    assert 0 == code
    assert out.startswith("sent    json://127.0.0.1")
    assert 10_000 < len(told["attachments"][0]["base64"])

    Path("bt-run.toml").write_text("[alerts]\ncharts = false\n")
    code, out, _ = call("test", BT_RUN_ALERT_URLS=f"{good} json://ann:hunter22@127.0.0.1:9")
    assert 5 == code
    assert "failed  json://127.0.0.1:9/***" in out
    assert HIDDEN not in out


def test_without_targets_it_is_said_how_to_name_one(call: Callable[..., tuple[int, str, str]]):
    """For the test and for the watch."""
    for command in ("test", "watch"):
        code, _, err = call(command)
        assert 2 == code
        assert "There is no target" in err


def test_the_log_of_no_journal_makes_none(call: Callable[..., tuple[int, str, str]], tmp_path: Path):
    """It says that there is none."""
    code, _, err = call("log")

    assert 2 == code
    assert "There is no journal" in err
    assert [] == list(tmp_path.iterdir())


def test_functions_are_listed_with_their_parameters(call: Callable[..., tuple[int, str, str]]):
    """All, or those that fit."""
    assert "  rsi(timeperiod=14)\n" in call("functions")[1]
    assert "macdfix(signalperiod=9) .macd .macdsignal .macdhist" in call("functions", "macd")[1]
    code, _, err = call("functions", "macdd")
    assert 2 == code
    assert "Did you mean 'macd'?" in err
