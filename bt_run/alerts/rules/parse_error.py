"""The error of a rule that cannot be read, with the place shown."""

from __future__ import annotations

from bt_run.core.errors import ConfigError

__all__ = ["ParseError"]


class ParseError(ConfigError):
    """
    A rule that cannot be read.

    `at` is where in `text` the trouble begins, from 0 to the text's length. The message shows the text with a
    caret below the place.
    """

    def __init__(self, text: str, at: int, problem: str) -> None:
        self.text = text
        self.at = at
        self.problem = problem
        super().__init__(text, at, problem)

    def __str__(self) -> str:
        line = "".join(letter if letter.isprintable() else " " for letter in self.text)
        return f"{self.problem}\n  {line}\n  {' ' * self.at}^"
