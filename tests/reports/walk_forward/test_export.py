"""An analysis as files."""

from __future__ import annotations

import csv
import json

from bt_run.reports.walk_forward.export import walk_to_dict, write_windows_csv


def test_the_document_is_plain_json(walk_with):
    """Windows, promise, and the stitched run as a backtest has it."""
    found = json.loads(json.dumps(walk_to_dict(walk_with()), allow_nan=False))

    assert "bt-run/walk-forward/1" == found["schema"]
    assert [{"period": 5, "kind": "sma"}, {"period": 9, "kind": "ema"}, None] == [
        each["params"] for each in found["windows"]
    ]
    assert 0.25 == found["efficiency"]
    assert "bt-run/backtest/1" == found["stitched"]["schema"]


def test_the_csv_has_a_line_a_window(walk_with, tmp_path):
    """Empty where nothing was chosen."""
    write_windows_csv(tmp_path / "w.csv", walk_with())
    with (tmp_path / "w.csv").open() as file:
        rows = list(csv.DictReader(file))

    assert ["5", "9", ""] == [row["period"] for row in rows]
    assert ["2.0", "2.0", ""] == [row["in_sharpe"] for row in rows]
    assert ["1.25", "-1.25", "1.25"] == [row["out_sharpe"] for row in rows]
