"""Do the engines agree on what this strategy does?"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import NotCovered
from bt_run.core.settings import Protection
from bt_run.run.doctor.finding import Finding
from bt_run.run.engines import ENGINES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.results import Outcome
    from bt_run.core.settings import BacktestSettings
    from bt_run.run.engines import Engine
    from bt_run.run.strategy_check.subject import Subject

__all__ = ["check_engines"]

_NAME = "Engines"
_MONEY = 1e-9
"""Relative, of accumulated money; bars, sizes and prices must be equal."""


def check_engines(subject: Subject) -> Finding:
    """Compare Backtrader with every engine that covers the strategy: as told, with stops, and with shorts."""
    *others, stock = [make() for make in ENGINES]
    compared: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for words, settings in _accounts(subject):
        truth = None
        for engine in others:
            reason = engine.why_not(subject.strategy, subject.data, settings)
            try:
                found = None if reason else engine.run(subject.strategy, subject.data, settings)
            except NotCovered as refusal:
                reason, found = refusal.reason, None
            if found is not None and found.fallback:  # Backtrader ran it after all
                reason, found = found.fallback, None
            if found is None:
                reasons[engine.name] = reason or ""
                continue
            truth = truth or stock.run(subject.strategy, subject.data, settings)
            difference = _difference(subject, truth, found)
            if difference:
                return _differs(engine, stock, words, difference)
            compared[engine.name] = compared.get(engine.name, 0) + 1
    return _agreed(compared, reasons, stock)


def _accounts(subject: Subject) -> Iterator[tuple[str, BacktestSettings]]:
    told = subject.settings
    yield "", told
    yield (
        " with stops",
        dataclasses.replace(told, protection=Protection(stop_loss_pct=3.0, take_profit_pct=6.0)),
    )
    if subject.has_signals and not told.allow_short:
        yield " with shorts", dataclasses.replace(told, allow_short=True)


def _differs(engine: Engine, stock: Engine, words: str, difference: str) -> Finding:
    text = f"The {engine.name} engine differs from {stock.name}{words}: {difference}."
    return Finding(_NAME, "failed", text, f"Use --engine {stock.name}, and report this: it is a bug of ours.")


def _agreed(compared: dict[str, int], reasons: dict[str, str], stock: Engine) -> Finding:
    left = [f"{name} does not run it: {why}" for name, why in reasons.items() if name not in compared]
    if not compared:
        text = "; ".join(left) or "this version has no other engine to compare with"
        return Finding(
            _NAME, "left out", f"Only {stock.name} runs it: {text}." if left else f"{text.capitalize()}."
        )
    runs = ", ".join(f"{name} ({count} runs)" for name, count in compared.items())
    more = f" {'; '.join(left)}." if left else ""
    return Finding(_NAME, "ok", f"Fills and account equal {stock.name}'s: {runs}.{more}")


def _difference(subject: Subject, truth: Outcome, found: Outcome) -> str:
    """Say where the two first differ; empty where they do not."""
    for place, (a, b) in enumerate(zip(truth.fills, found.fills, strict=False)):
        if (a.bar, a.size, a.price) != (b.bar, b.size, b.price):
            where = subject.when(min(a.bar, b.bar))
            return f"fill {place + 1}, {where}, is {b.size:g} at {b.price:g} and not {a.size:g} at {a.price:g}"
    if len(truth.fills) != len(found.fills):
        return f"{len(found.fills)} fills and not {len(truth.fills)}"
    for name in ("equity", "cash", "position"):
        first, second = getattr(truth.curve, name), getattr(found.curve, name)
        bar = _first_away(first, second)
        if bar is not None:
            return f"{name} differs first at {subject.when(min(bar, len(subject.data.bars) - 1))}"
    return ""


def _first_away(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> int | None:
    if first.shape != second.shape:
        return min(len(first), len(second))
    scale = max(1.0, float(np.abs(first).max())) if len(first) else 1.0
    places = np.flatnonzero(~np.isclose(first, second, rtol=_MONEY, atol=_MONEY * scale))
    return int(places[0]) if len(places) else None
