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
_WITHOUT_FRAMES = {"backtrader", "numpy", "strategies", "talib"}


def is_there(spec: str) -> bool:
    """
    Tell, without importing Backtrader, that a spec names a strategy of ours or a file that exists.

    Then other work may go before the loading, which takes longer than all that a run needs before its data.
    """
    path, is_file, _ = spec.partition(".py")
    return Path(path + is_file).is_file() if is_file else spec.partition(":")[0] in BUILT_IN


def _may_have_frames(spec: str) -> bool:
    """Tell whether a strategy may get hold of a pandas Series; a file is read for what it imports, not run."""
    path, is_file, _ = spec.partition(".py")
    if not is_file:
        return spec.partition(":")[0] not in BUILT_IN
    import ast  # noqa: PLC0415  # a run of our own needs none

    try:
        tree = ast.parse(Path(path + is_file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return True  # the loader will say it
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    return not imported <= _WITHOUT_FRAMES | (sys.stdlib_module_names - {"importlib"})


def import_talib_for(specs: Iterable[str]) -> None:
    """
    Import TA-Lib, without pandas where no strategy can have a Series.

    TA-Lib imports pandas and polars where it finds them, only to take their Series as input. Ours pass
    arrays, and so do files that import nothing but the standard library, numpy, Backtrader, TA-Lib and our
    strategies: a run of them starts about 0.2 s sooner and 33 MiB smaller without. For any other strategy
    TA-Lib is left as it is, and so it is where it has been imported already.
    """
    if "talib" in sys.modules or any(_may_have_frames(spec) for spec in specs):
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
