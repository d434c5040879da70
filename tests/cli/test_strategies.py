"""``bt-run strategies`` and ``bt-run strategies new``."""

from __future__ import annotations


def test_the_list_names_every_strategy_with_its_parameters(bt_run):
    """Six of ours, 80 columns, no colour codes in a pipe."""
    text = bt_run("strategies").stdout

    assert all(name in text for name in ("rsi", "macd", "ma_cross", "sar", "bollinger", "combined"))
    assert "2 to 200" in text
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_new_strategy_runs_as_the_message_says(bt_run, work):
    """The file is written, and the command printed runs it."""
    made = bt_run("strategies", "new", "my_dip.py")
    command = made.stdout.splitlines()[1].split()
    ran = bt_run(*command[1:])

    assert made.returncode == 0
    assert ran.returncode == 0, ran.stderr
    assert (work / "my_dip.png").stat().st_size > 10_000


def test_an_existing_file_is_not_overwritten_unasked(bt_run, work):
    """Without --force the old content stays."""
    (work / "mine.py").write_text("precious = 1\n")
    refused = bt_run("strategies", "new", "mine.py")
    forced = bt_run("strategies", "new", "mine.py", "--force", "--class-name", "Other")

    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert forced.returncode == 0
    assert "class Other(" in (work / "mine.py").read_text()


def test_bad_names_are_refused(bt_run):
    """A file without .py, and a class that cannot be one."""
    assert bt_run("strategies", "new", "mine.txt").returncode == 2
    assert bt_run("strategies", "new", "mine.py", "--class-name", "no way").returncode == 2
