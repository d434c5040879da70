"""
Make one virtual environment for each peer of the benchmarks, outside the project.

    python benchmarks/make_peers.py
    python benchmarks/make_peers.py vectorbt --again

They lie in ``~/.cache/bt-run-benchmarks``, or where BT_RUN_BENCHMARKS says, and take about 2 GB. What is there
is left alone. None of them is a dependency of bt-run.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "Peer", "main", "peers_folder", "python_of"]

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Peer:
    """A rival: what pip installs for it, and the script that does the work with it."""

    requirements: tuple[str, ...]
    script: str


PEERS = {
    "backtrader": Peer(("backtrader==1.9.78.123", "TA-Lib==0.8.2"), "peer_backtrader.py"),
    "backtrader_next": Peer(("backtrader_next==2.3.7", "TA-Lib==0.8.2"), "peer_backtrader.py"),
    "backtesting.py": Peer(("backtesting==0.6.6", "TA-Lib==0.8.2"), "peer_backtesting.py"),
    "vectorbt": Peer(("vectorbt==1.2.0", "TA-Lib==0.8.2"), "peer_vectorbt.py"),
}
"""
The rivals that fill at the next open, as we do.

nautilus_trader fills at the close of the signal bar, so that its results cannot be compared, and freqtrade asks
an exchange for its markets before it runs.
"""


def peers_folder() -> Path:
    """Give the folder of the environments."""
    given = os.environ.get("BT_RUN_BENCHMARKS")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "bt-run-benchmarks"


def python_of(name: str) -> Path:
    """Give the Python of a peer; ends the program with a sentence where its environment is not there."""
    python = peers_folder() / name / "bin" / "python"
    if not python.exists():
        sys.exit(f"There is no environment for {name}. Make it: python {HERE / 'make_peers.py'} {name}")
    return python


def make(name: str) -> None:
    """Make the environment of one peer; a half-made one does not stay."""
    folder = peers_folder() / name
    print(f"{name}: {', '.join(PEERS[name].requirements)}")
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run(
            [str(folder / "bin" / "pip"), "install", "--quiet", *PEERS[name].requirements], check=True
        )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def main() -> None:
    """Read the arguments and make what is not there."""
    parser = argparse.ArgumentParser(description="Make the environments of the benchmarks' peers.")
    parser.add_argument("peers", nargs="*", help=f"which; all where none is named: {', '.join(PEERS)}")
    parser.add_argument("--again", action="store_true", help="make them anew where they are there")
    given = parser.parse_args()
    for name in given.peers or PEERS:
        if name not in PEERS:
            parser.error(f"there is no peer {name!r}; there are {', '.join(PEERS)}")
        if given.again or not (peers_folder() / name / "bin" / "python").exists():
            make(name)
        else:
            print(f"{name}: is there")


if __name__ == "__main__":
    main()
