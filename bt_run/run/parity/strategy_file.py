"""From which file a run's strategy came: kept in the journal at its start, and found again for its parity."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, StrategyError
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.journal.records import RunRecord
    from strategies.loader import LoadedStrategy

__all__ = ["load_again", "origin_of"]

_SPEC = "strategy_file"
_DIGEST = "strategy_sha256"


def origin_of(strategy: LoadedStrategy) -> dict[str, str]:
    """Give what the journal keeps of a strategy from a file; nothing where its name is enough."""
    if not strategy.file_spec:
        return {}
    return {_SPEC: strategy.file_spec, _DIGEST: _digest(strategy.source)}


def load_again(run: RunRecord) -> tuple[LoadedStrategy, tuple[str, ...]]:
    """
    Load the strategy of a run, and say whether its file is another than it was.

    Raises:
        ConfigError: neither file nor name leads to it any more.
    """
    try:
        loaded = load_strategy(str(run.settings.get(_SPEC) or run.strategy))
    except (StrategyError, ConfigError) as error:
        raise ConfigError(
            f"The strategy {run.strategy} of run {run.run} is not found: {error} "
            f"Name it with --strategy ./mine.py:{run.strategy}."
        ) from error
    before = run.settings.get(_DIGEST)
    if before is None or before == _digest(loaded.source):
        return loaded, ()
    note = f"{loaded.source} has changed since run {run.run} began: the backtest has it as it is now."
    return loaded, (note,)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
