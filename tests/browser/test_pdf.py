"""The report as PDF, printed by the Chromium that is here."""

from __future__ import annotations

import pytest

from bt_run.cli.main import run


@pytest.mark.slow
def test_a_report_is_printed_whole(chromium, tmp_path, monkeypatch):
    """Several pages; no half of one and no profile is left behind."""
    monkeypatch.chdir(tmp_path)
    words = ["backtest", "--strategy", "rsi", "--data", "btc_1d.csv", "--quiet", "--report", "r.pdf"]
    assert 0 == run(words)
    printed = (tmp_path / "r.pdf").read_bytes()

    assert printed.startswith(b"%PDF")
    assert printed.rstrip().endswith(b"%%EOF")
    assert printed.count(b"/Type /Page\n") >= 5
    assert ["r.pdf"] == [path.name for path in tmp_path.iterdir()]
