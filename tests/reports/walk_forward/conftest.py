"""Analyses to show, made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from bt_run.reports.walk_forward.result import WalkForward, Window, WindowResult


@pytest.fixture
def walk_with(make):
    """Give a function that makes an analysis of some windows of twenty days each."""

    def build(chosen=({"period": 5, "kind": "sma"}, {"period": 9, "kind": "ema"}, None), **fields):
        data = make.bar_file(20 * len(chosen))
        results = []
        for place, params in enumerate(chosen):
            part = dataclasses.replace(data, bars=data.bars[20 * place : 20 * place + 20])
            gain = (-1) ** place * 5.0
            run = make.result(
                part, metrics={"return_pct": gain, "return_ann_pct": gain * 4, "sharpe": gain / 4, "trades": 3}
            )
            before = {"sharpe": 2.0, "return_ann_pct": 40.0, "max_drawdown_pct": 12.0} if params else {}
            window = Window(place + 1, 0, 20 * place, 20 * place + 20)
            results.append(WindowResult(window, params, 12, 1, before, run))
        metrics = {
            "return_ann_pct": 10.0,
            "sharpe": 0.7,
            "return_pct": 5.0,
            "max_drawdown_pct": 9.0,
            "trades": 9,
        }
        stitched = make.result(data, metrics=metrics, equity=np.linspace(10_000, 10_500, 20 * len(chosen)))
        known = {
            "label": "ma_cross", "metric": "sharpe", "names": ("period", "kind"), "anchored": False,
            "train": "200d", "test": "20d", "method": "grid", "seed": 7, "windows": tuple(results),
            "stitched": stitched, "hold": {"return_pct": 3.0, "sharpe": 0.3}, "total": len(chosen),
        }  # fmt: skip
        return WalkForward(**{**known, **fields})

    return build
