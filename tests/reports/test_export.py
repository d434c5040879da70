"""Result files hold the whole result, read back exactly, and are the same bytes every time."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.money import Stake
from bt_run.core.results import EquityCurve, Fill, OpenPosition, RejectedOrder, RunResult, Trade
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.reports import export
from bt_run.reports.metrics import compute_metrics

DAY = 86_400_000
START = 1_502_928_000_000  # 2017-08-17


class Sizer:
    """Stands for any object that a strategy may have as a parameter."""


def result_of(*, times=None, equity=(100.0, 110.0, 99.0), params=None, **changes) -> RunResult:
    times = np.array(times if times is not None else START + np.arange(len(equity)) * DAY)
    closes = np.linspace(10.0, 12.0, len(times))
    bars = Bars.of(times, open=closes, high=closes, low=closes, close=closes)
    curve = EquityCurve(np.array(equity), np.array(equity) / 3.0, np.full(len(times), 0.1))
    trade = Trade(
        entry_ms=START, exit_ms=START + DAY, entry_bar=0, exit_bar=1, side="long", size=0.1, entry_price=10.0,
        exit_price=11.0, pnl=0.1 + 0.2, pnl_pct=30.0, fees=0.01, entry_tag="signal", exit_reason="stop_loss",
        mae_pct=-1.5, mfe_pct=2.5,
    )  # fmt: skip
    fill = Fill(0, START, 0.1, 10.0, 0.005, 0.1)
    given = {
        "strategy": "rsi",
        "params": params or {"period": 10},
        "data": BarFile(
            Path("data/btc_1d.csv"), "BTCUSDT", Interval(1, "d"), bars, "ab" * 32,
            format="bt-run", warnings=("2 gaps",), note="synthetic data",
        ),
        "settings": BacktestSettings(
            cash=100.0, stake=Stake(95.0, "percent"), protection=Protection(stop_loss_pct=5.0)
        ),
        "engine": "backtrader",
        "curve": curve,
        "trades": (trade,),
        "fills": (fill,),
        "rejected": (RejectedOrder(1, START + DAY, "buy", 5.0, 11.0, "not enough cash"),),
        "open_position": OpenPosition(
            START + DAY, 1, "short", 0.1, 11.0, 12.0, -0.1, -9.0, 0.005, "signal"
        ),
    }  # fmt: skip
    given["metrics"] = compute_metrics(
        curve=curve, bars=bars, trades=(trade,), fills=(fill,), cash=100.0, interval=Interval(1, "d")
    )
    return RunResult(**{**given, **changes})


def test_json_has_the_keys_of_the_contract():
    """Other programs read these names."""
    document = export.result_to_dict(result_of())

    assert [
        "schema", "strategy", "data", "settings", "metrics", "trades", "open_position", "rejected",
    ] == list(document)  # fmt: skip
    assert "bt-run/backtest/1" == document["schema"]
    assert {"name": "rsi", "params": {"period": 10}} == document["strategy"]
    assert {
        "path": "data/btc_1d.csv",
        "symbol": "BTCUSDT",
        "interval": "1d",
        "bars": 3,
        "start": "2017-08-17T00:00:00Z",
        "end": "2017-08-19T00:00:00Z",
        "sha256": "ab" * 32,
        "format": "bt-run",
        "note": "synthetic data",
        "warnings": ["2 gaps"],
    } == document["data"]
    assert {
        "cash": 100.0,
        "commission": 0.001,
        "slippage": 0.0,
        "stake": "95%",
        "engine": "backtrader",
        "engine_note": "",
        "lot_step": 1e-8,
        "allow_short": False,
        "stop_loss_pct": 5.0,
        "take_profit_pct": None,
        "trailing_stop_pct": None,
    } == document["settings"]


def test_a_trade_row_has_the_keys_of_the_contract():
    """A row holds times as text, seconds as a number, and money unrounded."""
    (row,) = export.result_to_dict(result_of())["trades"]

    assert {
        "entry_time": "2017-08-17T00:00:00Z",
        "exit_time": "2017-08-18T00:00:00Z",
        "entry_bar": 0,
        "exit_bar": 1,
        "side": "long",
        "size": 0.1,
        "entry_price": 10.0,
        "exit_price": 11.0,
        "pnl": 0.1 + 0.2,
        "pnl_pct": 30.0,
        "fees": 0.01,
        "duration_s": 86_400.0,
        "entry_tag": "signal",
        "exit_reason": "stop_loss",
        "mae_pct": -1.5,
        "mfe_pct": 2.5,
    } == row


def test_what_was_refused_and_what_is_still_held_is_written():
    """Neither a rejected order nor an open position is hidden."""
    document = export.result_to_dict(result_of())

    assert {
        "time": "2017-08-18T00:00:00Z", "bar": 1, "side": "buy", "size": 5.0, "price": 11.0,
        "reason": "not enough cash",
    } == document["rejected"][0]  # fmt: skip
    assert ("2017-08-18T00:00:00Z", "short", -0.1) == tuple(
        document["open_position"][key] for key in ("entry_time", "side", "pnl")
    )
    assert export.result_to_dict(result_of(open_position=None))["open_position"] is None


def test_json_reads_back_as_it_was(tmp_path):
    """No float loses a digit on the way."""
    document = export.result_to_dict(result_of())

    export.write_json(tmp_path / "out.json", document)

    assert document == json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))


def test_the_same_run_gives_the_same_bytes(tmp_path):
    """Nothing of the clock or the machine goes in."""
    for name in ("a.json", "b.json"):
        export.write_json(tmp_path / name, export.result_to_dict(result_of()))

    text = (tmp_path / "a.json").read_bytes()
    assert text == (tmp_path / "b.json").read_bytes()
    assert text.endswith(b"}\n")
    assert str(tmp_path).encode() not in text


def test_undefined_numbers_are_null():
    """NaN is no JSON."""
    metrics = {"sharpe": float("nan"), "sqn": float("inf"), "beta": None, "trades": 3}

    found = export.result_to_dict(result_of(metrics=metrics))["metrics"]

    assert {"sharpe": None, "sqn": None, "beta": None, "trades": 3} == found
    assert "NaN" not in export.to_json(found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pnl_pct": float("inf")}, {"pnl_pct": None}),
        ({"entry_bar": np.int64(7), "pnl": np.float64(0.5)}, {"entry_bar": 7, "pnl": 0.5}),
        ({"entry_tag": None}, {"entry_tag": None}),
    ],
)
def test_trades_hold_plain_values_alone(changes, expected):
    """What a hand-written strategy may leave in a trade becomes JSON as elsewhere."""
    result = result_of()
    trades = (result.trades[0], dataclasses.replace(result.trades[0], **changes))
    plain, odd = export.result_to_dict(dataclasses.replace(result, trades=trades))["trades"]

    assert {**plain, **expected} == odd
    assert {int, float, str, type(None)} >= set(map(type, odd.values()))


def test_parameters_of_any_kind_are_written():
    """A hand-written strategy may have objects, classes and numpy numbers as parameters."""
    params = {
        "n": np.int64(3),
        "x": np.float64(0.5),
        "pair": (1, 2),
        "kind": Sizer,
        "thing": Sizer(),
        "off": None,
    }

    found = export.result_to_dict(result_of(params=params))["strategy"]["params"]

    expected = {"n": 3, "x": 0.5, "pair": [1, 2], "kind": "Sizer", "thing": "Sizer", "off": None}
    assert expected == json.loads(export.to_json(found))


def test_a_comparison_holds_every_run_and_buy_and_hold_once_for_each_file():
    """Two strategies on one file and one on another: three runs, two holds."""
    first, second = result_of(), result_of(strategy="sar")
    other = result_of(equity=(100.0, 100.0))
    other = dataclasses.replace(other, data=dataclasses.replace(other.data, path=Path("eth.csv")))

    document = export.comparison_to_dict([first, second, other])

    assert "bt-run/compare/1" == document["schema"]
    assert ["rsi", "sar", "rsi"] == [run["strategy"]["name"] for run in document["runs"]]
    assert [3, 2] == [hold["data"]["bars"] for hold in document["buy_and_hold"]]
    assert pytest.approx(20.0) == document["buy_and_hold"][0]["metrics"]["return_pct"]
    assert document == json.loads(export.to_json(document))


def test_trades_read_back_exactly(tmp_path):
    """The columns are those of the contract and every float is complete."""
    result = result_of()

    export.write_trades_csv(tmp_path / "trades.csv", result)

    text = (tmp_path / "trades.csv").read_text(encoding="utf-8")
    (row,) = csv.DictReader(io.StringIO(text))
    assert list(export.TRADE_COLUMNS) == list(row)
    assert result.trades[0].pnl == float(row["pnl"])
    assert ("2017-08-17T00:00:00Z", "stop_loss") == (row["entry_time"], row["exit_reason"])
    assert "\r" not in text


def test_a_run_without_trades_writes_the_header_alone(tmp_path):
    """An empty table is still a table."""
    export.write_trades_csv(tmp_path / "trades.csv", result_of(trades=()))

    assert ",".join(export.TRADE_COLUMNS) + "\n" == (tmp_path / "trades.csv").read_text(encoding="utf-8")


def test_the_equity_file_has_one_line_a_bar(tmp_path):
    """Time, equity, cash, position and drawdown, in that order."""
    export.write_equity_csv(tmp_path / "equity.csv", result_of())

    lines = (tmp_path / "equity.csv").read_text(encoding="utf-8").splitlines()
    assert "open_time,equity,cash,position,drawdown_pct" == lines[0]
    assert "2017-08-18T00:00:00Z,110,36.666666666666664,0.1,0" == lines[2]
    assert 4 == len(lines)


def test_odd_times_keep_their_milliseconds(tmp_path):
    """Binance has bars off the grid, such as hh:28:14.789; other rows stay short."""
    times = [START, START + 5_294_789, START + DAY]

    export.write_equity_csv(tmp_path / "equity.csv", result_of(times=times))

    found = pd.read_csv(tmp_path / "equity.csv")["open_time"].tolist()
    assert ["2017-08-17T00:00:00Z", "2017-08-17T01:28:14.789Z", "2017-08-18T00:00:00Z"] == found


@given(st.lists(st.floats(min_value=1e-9, max_value=1e15), min_size=1, max_size=30))
def test_equity_reads_back_exactly(tmp_path_factory, values):
    """Each number is the shortest text that gives the same float."""
    path = tmp_path_factory.mktemp("equity") / "equity.csv"

    export.write_equity_csv(path, result_of(equity=values))

    with path.open(encoding="utf-8") as file:
        assert values == [float(row["equity"]) for row in csv.DictReader(file)]


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path):
    """The folder is missing: the user is told, and nothing is half written."""
    with pytest.raises(ConfigError, match="does not exist"):
        export.write_trades_csv(tmp_path / "missing" / "trades.csv", result_of())

    assert [] == list(tmp_path.iterdir())


def test_the_documentation_names_every_key(root):
    """docs/results.md explains each key of the result file."""
    text = (root / "docs" / "results.md").read_text(encoding="utf-8")
    document = export.result_to_dict(result_of())
    keys = {
        *document, *document["strategy"], *document["data"], *document["settings"], *document["trades"][0],
        *document["open_position"], *document["rejected"][0], *export.EQUITY_COLUMNS,
        *export.comparison_to_dict([result_of()]),
    }  # fmt: skip

    assert [] == sorted(key for key in keys if f"`{key}`" not in text)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    )
)
def test_json_is_written_as_python_indents_it(document):
    """Our quicker way leaves the same bytes, whatever is nested in what."""
    expected = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    assert expected == export.to_json(document)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_many_rows_are_written_in_pieces(monkeypatch, count):
    """Where one piece ends and the next begins nothing is to be seen."""
    monkeypatch.setattr(export, "_DICTS_AT_ONCE", 2)
    document = {"trades": [{"n": n, "text": "},\n  {"} for n in range(count)]}

    assert json.dumps(document, indent=2, ensure_ascii=False) + "\n" == export.to_json(document)
