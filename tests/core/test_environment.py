"""Variables come from the environment first, then from .env; empty ones are none."""

from __future__ import annotations

from bt_run.core.environment import read_variables


def test_the_environment_wins_and_blanks_are_taken_off(tmp_path):
    """A dollar sign in a secret stays one."""
    (tmp_path / ".env").write_text("A=file\nB= spaced \nC=pa$$word${A}\nD=\n", encoding="utf-8")
    found = read_variables({"A": " given ", "E": "  "}, folder=tmp_path)

    assert {"A": "given", "B": "spaced", "C": "pa$$word${A}"} == found


def test_without_a_file_there_is_the_environment(tmp_path):
    """No .env is no error."""
    assert {"A": "1"} == read_variables({"A": "1"}, folder=tmp_path)
