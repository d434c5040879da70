"""
Make the pictures in docs/images: bt-run draws them on the sample, then their colours are reduced to 256.

The reduction is for the repository's sake; it takes two thirds off and cannot be seen.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image

from bt_run.cli.main import cli
from bt_run.core.atomic import replacing

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images"
_COMMANDS = {
    "rsi.png": "backtest --strategy rsi --data btc_1d.csv --quiet --plot",
    "compare.png": (
        "compare --strategy rsi --strategy sar --strategy macd:fast=8 --data btc_1d.csv --log --quiet --plot"
    ),
}


def main() -> int:
    """Draw every picture and write it into the docs."""
    for name, command in _COMMANDS.items():
        with tempfile.TemporaryDirectory() as folder:
            drawn = Path(folder) / name
            cli.main([*command.split(), str(drawn)], standalone_mode=False)
            with Image.open(drawn) as image, replacing(TARGET / name) as temporary:
                image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(temporary, optimize=True)
        print(f"Wrote {TARGET / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
