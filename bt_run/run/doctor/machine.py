"""The doctor's look at this machine: Python, packages, TA-Lib, clock, disk, the file of keys."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np
from packaging.requirements import Requirement

from bt_run.run.doctor.finding import Finding

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_clock", "check_disk", "check_env_file", "check_packages", "check_python", "check_talib"]

_OLDEST, _BELOW = (3, 11), (3, 14)
_LITTLE, _SCANT = 100 << 20, 1 << 30
_CLOCK_S = 3.0


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Look at Python's version."""
    text = ".".join(map(str, version))
    if _OLDEST <= version[:2] < _BELOW:
        return Finding("Python", "ok", text)
    return Finding("Python", "failed", f"{text} is not one that bt-run works with.", "Use Python 3.11 to 3.13.")


def check_talib(name: str = "talib") -> Finding:
    """Import TA-Lib and compute one value: a moving average of 1, 2, 3 is 2."""
    try:
        talib: Any = importlib.import_module(name)
    except ImportError as error:
        return Finding("TA-Lib", "failed", f"It cannot be imported: {error}.", "pip install TA-Lib")
    value = float(talib.SMA(np.array([1.0, 2.0, 3.0]), timeperiod=3)[-1])
    text = f"{talib.__version__}, C library {talib.__ta_version__.decode().split()[0]}"
    if value != 2.0:
        return Finding("TA-Lib", "failed", f"{text}: the average of 1, 2, 3 is {value}.", "Install it anew.")
    return Finding("TA-Lib", "ok", text)


def check_packages(distribution: str = "bt-run") -> Finding:
    """Compare what is installed with what bt-run asks for."""
    try:
        asked = [Requirement(text) for text in metadata.requires(distribution) or ()]
    except metadata.PackageNotFoundError:
        return Finding("Packages", "left out", f"{distribution} is not installed, only importable.")
    wrong = []
    count = 0
    for item in asked:
        if item.marker is not None and not item.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = metadata.version(item.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{item.name} is missing")
            continue
        if not item.specifier.contains(version, prereleases=True):
            wrong.append(f"{item.name} {version} is not {item.specifier}")
    if wrong:
        return Finding("Packages", "failed", "; ".join(wrong) + ".", "pip install --upgrade bt-run")
    return Finding("Packages", "ok", f"{count} within their bounds.")


def check_clock(command: str = "timedatectl") -> Finding:
    """Ask the system whether its clock is kept right."""
    program = shutil.which(command)
    if program is None:
        return Finding("Clock", "left out", f"This system has no {command}.")
    try:
        asked = subprocess.run(  # noqa: S603 - a program of the system, and words of ours
            [program, "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=_CLOCK_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("Clock", "left out", f"{command} did not answer.")
    said = asked.stdout.strip()
    if asked.returncode or said not in ("yes", "no"):
        return Finding(
            "Clock", "left out", f"{command} does not know; in a container the host keeps the clock."
        )
    if said == "no":
        return Finding(
            "Clock", "warning", "The clock is not synchronised.", "timedatectl set-ntp true, or install chrony."
        )
    return Finding("Clock", "ok", "synchronised")


def check_disk(folder: Path) -> Finding:
    """Look whether the journal's folder can be written to, and has room."""
    if not folder.is_dir():
        return Finding("Disk", "failed", f"The folder {folder} does not exist.", "Make it, or name another.")
    if not os.access(folder, os.W_OK):
        return Finding(
            "Disk", "failed", f"{folder} cannot be written to.", "Allow it, or name another journal."
        )
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:,.1f} GB free in {folder}"
    if free < _LITTLE:
        return Finding("Disk", "failed", text, "Make room: a journal that cannot be written stops the bot.")
    if free < _SCANT:
        return Finding("Disk", "warning", text, "Make room before a long run.")
    return Finding("Disk", "ok", text)


def check_env_file(path: Path) -> Finding:
    """Look whether others can read the file that keys are kept in."""
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return Finding("Key file", "left out", f"There is no {path.name} here.")
    if mode & 0o077:
        text = f"{path} can be read by others (mode {mode:03o})."
        return Finding("Key file", "warning", text, f"chmod 600 {path}")
    return Finding("Key file", "ok", f"{path.name} is readable by its owner alone.")
