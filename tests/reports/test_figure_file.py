"""Figures become files, without a display and without pyplot."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from bt_run.core.errors import ConfigError
from bt_run.reports.figure import draw_run, save_figure, show_figure

_MAGIC = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture(scope="module")
def run(make):
    """Give a run of each kind of marker's commonest and an indicator."""
    data = make.bar_file(note="synthetic data")
    return make.result(
        data,
        fills=[make.fill(data, 3, 1.0, 1.0), make.fill(data, 9, -1.0, 0.0)],
        panels={"RSI": data.bars.close},
    )


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_the_suffix_chooses_the_kind(run, tmp_path, suffix):
    """PNG, SVG and PDF are written by the name of the file, in any case."""
    path = tmp_path / f"plot{suffix}"

    save_figure(draw_run(run), path)

    assert path.read_bytes().startswith(_MAGIC[suffix.lower()])
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["plot.jpg", "plot", "plot.png.txt"])
def test_another_suffix_is_refused(run, tmp_path, name):
    """The error lists the three that can be written, and nothing is."""
    with pytest.raises(ConfigError, match=r"\.png, \.svg or \.pdf"):
        save_figure(draw_run(run), tmp_path / name)

    assert [] == list(tmp_path.iterdir())


def test_a_missing_folder_is_named(run, tmp_path):
    """The error says which folder is not there."""
    with pytest.raises(ConfigError, match="nowhere"):
        save_figure(draw_run(run), tmp_path / "nowhere" / "plot.png")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_run_gives_the_same_bytes(run, tmp_path, suffix):
    """Two drawings of one run are the same file: no dates, no random names."""
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"

    save_figure(draw_run(run), first)
    save_figure(draw_run(run), second)

    assert first.read_bytes() == second.read_bytes()


def test_drawing_needs_neither_display_nor_pyplot(tmp_path):
    """In a fresh process without a display a figure is written and pyplot is never loaded."""
    program = """
import sys
from matplotlib.figure import Figure
import bt_run.reports.compare_figure
from bt_run.reports.figure import save_figure
save_figure(Figure(), sys.argv[1])
print("matplotlib.pyplot" in sys.modules, "tkinter" in sys.modules)
"""
    path = tmp_path / "plot.png"

    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], env={"MPLCONFIGDIR": str(tmp_path)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip

    assert "False False" == done.stdout.strip()
    assert path.is_file()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_a_window_without_a_display_is_refused_with_a_way_out(run, monkeypatch):
    """The error names the option that writes a file."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    with pytest.raises(ConfigError, match="--plot"):
        show_figure(draw_run(run))


@pytest.mark.skipif(find_spec("tkinter") is None, reason="Python is built without Tk")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_a_display_that_is_not_there_is_an_error_in_words(tmp_path):
    """A wrong DISPLAY ends in a sentence with the way out, not in a traceback of the toolkit."""
    program = """
from matplotlib.figure import Figure
from bt_run.core.errors import ConfigError
from bt_run.reports.figure import show_figure
try:
    show_figure(Figure())
except ConfigError as error:
    print(error)
"""
    env = {"MPLCONFIGDIR": str(tmp_path), "DISPLAY": ":987"}

    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)

    assert "--plot FILE.png" in done.stdout
