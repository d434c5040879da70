"""Our own strategies by name, and a lighter start for runs that use nothing else."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

__all__ = ["BUILT_IN", "import_talib_for", "is_there"]

BUILT_IN = {
    "rsi": "strategies.rsi:Rsi",
    "macd": "strategies.macd:Macd",
    "ma_cross": "strategies.ma_cross:MaCross",
    "sar": "strategies.sar:Sar",
    "bollinger": "strategies.bollinger:Bollinger",
    "combined": "strategies.combined:Combined",
    "order_flow": "strategies.order_flow:OrderFlow",
}
"""Our own, so that a checkout works without being installed; setup.cfg says the same to other tools."""

_FRAMES = ("pandas", "polars")


def is_there(spec: str) -> bool:
    """
    Tell, without importing Backtrader, that a spec names a strategy of ours or a file that exists.

    Then other work may go before the loading, which takes longer than all that a run needs before its data.
    """
    path, is_file, _ = spec.partition(".py")
    return Path(path + is_file).is_file() if is_file else spec.partition(":")[0] in BUILT_IN


def import_talib_for(specs: Iterable[str]) -> None:
    """
    Import TA-Lib, without pandas where every strategy is one of ours.

    TA-Lib imports pandas and polars where it finds them, only to take their Series as input. Ours pass
    arrays, so a run of them starts about 0.2 s sooner and 33 MiB smaller without. A strategy of the user's
    may pass a Series: for those TA-Lib is left as it is, and so it is where it has been imported already.
    """
    names = (spec.partition(":")[0] for spec in specs)
    if "talib" in sys.modules or not all(name in BUILT_IN for name in names):
        return
    hidden: dict[str, ModuleType | None] = {name: sys.modules.get(name) for name in _FRAMES}
    try:
        sys.modules.update(dict.fromkeys(_FRAMES))  # type: ignore[arg-type]  # None makes an import fail
        importlib.import_module("talib")
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
