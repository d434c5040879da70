"""From a command's data options to bars, with a progress bar where they are downloaded first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.cli.download_bar import download_bar
from bt_run.cli.options import DATA_KEYS, pick

if TYPE_CHECKING:
    from bt_run.core.market import BarFile

__all__ = ["load_source"]


def load_source(name: str, options: dict[str, Any], *, quiet: bool = False) -> BarFile:
    """
    Load the bars that `name` means under the data options of a command; raises as `load_data` does.

    A stake in a wrong asset is refused before the bars are read, where what was typed names the symbol.
    """
    from bt_run.run.data import DataRequest, load_data

    request = DataRequest(name, **pick(options, DATA_KEYS))
    stake = options.get("stake")
    if stake is not None and (symbol := request.typed_symbol()) is not None:
        stake.check_symbol(symbol)
    with download_bar(shown=options["download"] and not quiet) as progress:
        return load_data(request, progress=progress)
