"""
Read an indicator rule.

::

    rule      = condition ["on" interval]
    condition = condition "or" condition | condition "and" condition | "not" condition | "(" condition ")"
              | curve ("<" | "<=" | ">" | ">=" | "==" | "!=") curve
              | curve "crosses" ("above" | "below") curve
    curve     = curve ("+" | "-" | "*" | "/") curve | "-" curve | "(" curve ")" | number | column | call
    call      = function "(" [argument {"," argument}] ")" ["." output]
    argument  = curve | number | name "=" (curve | number)

``or`` binds weakest, then ``and``, ``not``, comparisons, ``+ -``, ``* /``, the sign. Capitals do not matter.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

from bt_run.alerts.rules.arguments import make_call
from bt_run.alerts.rules.catalogue import functions
from bt_run.alerts.rules.parse_error import ParseError
from bt_run.alerts.rules.syntax import (
    CURVES,
    All,
    Any,
    Arithmetic,
    Column,
    Compare,
    Cross,
    Negative,
    Not,
    Number,
    Rule,
)
from bt_run.alerts.rules.tokens import Token, cut
from bt_run.core.errors import ConfigError, nearest
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS

if TYPE_CHECKING:
    from bt_run.alerts.rules.arguments import Argument
    from bt_run.alerts.rules.syntax import Call, Condition, Curve

__all__ = ["parse_rule"]

_DEEPEST = 40
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_COLUMNS = BAR_COLUMNS[1:]
_KEYWORDS = ("and", "or", "not", "crosses", "above", "below", "on")


def parse_rule(text: str) -> Rule:
    """
    Read a rule.

    Raises:
        ParseError: it cannot be read, or a function does not take what it is given; says where.
    """
    return _Parser(text).rule()


class _Parser:
    """One text, read once from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = cut(text)
        self._place = 0
        self._depth = 0

    # --- the rule -----------------------------------------------------------------------------------------

    def rule(self) -> Rule:
        if self._is_at_end():
            raise self._fail("The rule is empty. Write one such as rsi(14) < 30.")
        part = self._either()
        if self._next.kind == "word" and self._next.text != "on":
            raise self._fail(self._unexpected())
        condition = self._as_condition(part)
        interval = self._interval() if self._takes_word("on") else None
        if not self._is_at_end():
            raise self._fail(self._unexpected())
        return Rule(condition, interval)

    def _interval(self) -> Interval:
        token = self._take()
        try:
            return Interval.parse(token.text)
        except ConfigError as error:
            raise ParseError(self._text, token.at, "After 'on' comes an interval such as 5m or 1h.") from error

    # --- conditions ---------------------------------------------------------------------------------------

    def _either(self) -> Curve | Condition:
        left = self._both()
        while (at := self._next.at) >= 0 and self._takes_word("or"):
            left = Any(self._as_condition(left), self._as_condition(self._both()), at)
        return left

    def _both(self) -> Curve | Condition:
        left = self._contrary()
        while (at := self._next.at) >= 0 and self._takes_word("and"):
            left = All(self._as_condition(left), self._as_condition(self._contrary()), at)
        return left

    def _contrary(self) -> Curve | Condition:
        at = self._next.at
        if not self._takes_word("not"):
            return self._comparison()
        self._deeper()
        found = Not(self._as_condition(self._contrary()), at)
        self._depth -= 1
        return found

    def _comparison(self) -> Curve | Condition:
        left = self._sum()
        token = self._next
        if token.kind == "sign" and token.text in _COMPARISONS:
            self._take()
            right = self._sum()
            return Compare(token.text, self._as_curve(left), self._as_curve(right), token.at)  # type: ignore[arg-type]  # one of them
        if token.text == "=":
            raise self._fail("One '=' gives a parameter; to compare, write '=='.")
        if self._takes_word("crosses"):
            way = self._take()
            if way.text not in ("above", "below"):
                raise ParseError(self._text, way.at, "After 'crosses' comes 'above' or 'below'.")
            return Cross(way.text, self._as_curve(left), self._as_curve(self._sum()), token.at)  # type: ignore[arg-type]  # one of them
        return left

    # --- curves -------------------------------------------------------------------------------------------

    def _sum(self) -> Curve | Condition:
        left = self._product()
        while (token := self._next).kind == "sign" and token.text in ("+", "-"):
            self._take()
            left = Arithmetic(token.text, self._as_curve(left), self._as_curve(self._product()), token.at)  # type: ignore[arg-type]  # one of them
        return left

    def _product(self) -> Curve | Condition:
        left = self._signed()
        while (token := self._next).kind == "sign" and token.text in ("*", "/"):
            self._take()
            left = Arithmetic(token.text, self._as_curve(left), self._as_curve(self._signed()), token.at)  # type: ignore[arg-type]  # one of them
        return left

    def _signed(self) -> Curve | Condition:
        at = self._next.at
        if not self._takes_sign("-"):
            return self._simple()
        self._deeper()
        found = Negative(self._as_curve(self._signed()), at)
        self._depth -= 1
        return found

    def _simple(self) -> Curve | Condition:
        token = self._take()
        if token.kind == "number":
            return Number(self._number(token), token.at)
        if token.kind == "sign" and token.text == "(":
            self._deeper()
            inner = self._either()
            self._depth -= 1
            self._expect(")", "Here a ')' is missing.")
            return inner
        if token.kind == "word" and token.text not in _KEYWORDS:
            return self._call(token) if self._next.text == "(" else self._column(token)
        self._place -= 1 if token.kind != "end" else 0
        raise ParseError(self._text, token.at, self._wanted(token))

    def _number(self, token: Token) -> float:
        value = float(token.text)
        if not math.isfinite(value):
            raise ParseError(self._text, token.at, "This number is too large.")
        return value

    def _column(self, token: Token) -> Column:
        if token.text in _COLUMNS:
            return Column(token.text, token.at)
        if token.text.upper() in functions():
            raise ParseError(
                self._text,
                token.at,
                f"{token.text} is a function. Write {token.text}(), or with its parameters.",
            )
        raise ParseError(self._text, token.at, self._unknown(token.text, f"Columns: {', '.join(_COLUMNS)}."))

    def _call(self, token: Token) -> Call:
        function = functions().get(token.text.upper())
        if function is None:
            problem = self._unknown(token.text, "bt-run alerts functions lists them.", kind="function")
            raise ParseError(self._text, token.at, problem)
        self._expect("(", "Here a '(' is missing.")
        self._deeper()
        given: list[Argument] = []
        while self._next.text != ")":
            if given:
                self._expect(",", "Here a ',' or a ')' is missing.")
            given.append(self._argument())
        self._take()
        self._depth -= 1
        output = self._take_output()
        return make_call(self._text, function, token.at, given, output)

    def _argument(self) -> Argument:
        token = self._next
        following = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        name = None
        if token.kind == "word" and following.text == "=":
            name = token
            self._take()
            self._take()
        return name, self._as_curve(self._sum())

    def _take_output(self) -> Token | None:
        if not self._takes_sign("."):
            return None
        token = self._take()
        if token.kind != "word":
            raise ParseError(self._text, token.at, "After '.' comes the name of an output.")
        return token

    # --- tokens -------------------------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _is_at_end(self) -> bool:
        return self._next.kind == "end"

    def _take(self) -> Token:
        token = self._tokens[self._place]
        if token.kind != "end":
            self._place += 1
        return token

    def _takes_word(self, word: str) -> bool:
        return self._takes("word", word)

    def _takes_sign(self, sign: str) -> bool:
        return self._takes("sign", sign)

    def _takes(self, kind: str, text: str) -> bool:
        is_it = self._next.kind == kind and self._next.text == text
        if is_it:
            self._place += 1
        return is_it

    def _expect(self, sign: str, problem: str) -> None:
        if not self._takes_sign(sign):
            raise self._fail(problem)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fail(f"The rule has more than {_DEEPEST} things within each other.")

    # --- what a part is -----------------------------------------------------------------------------------

    def _as_condition(self, part: Curve | Condition) -> Condition:
        if _is_curve(part):
            problem = "This is a number, not a condition. Compare it: < 30, or crosses above 50."
            raise ParseError(self._text, part.at, problem)
        return part  # type: ignore[return-value]  # it is one or the other

    def _as_curve(self, part: Curve | Condition) -> Curve:
        if not _is_curve(part):
            problem = "Here a number is wanted, and this is a condition. Join conditions with 'and' or 'or'."
            raise ParseError(self._text, part.at, problem)
        return part

    # --- words for errors ---------------------------------------------------------------------------------

    def _fail(self, problem: str) -> ParseError:
        return ParseError(self._text, self._next.at, problem)

    def _wanted(self, token: Token) -> str:
        said = "The rule ends here" if token.kind == "end" else f"Here stands {token.text!r}"
        return f"{said}, where a number, a column or a function is wanted."

    def _unexpected(self) -> str:
        token = self._next
        if token.kind == "word":
            guess = nearest(token.text, _KEYWORDS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            return f"{token.text!r} is not expected here.{hint}"
        return f"{token.text!r} is not expected here."

    @staticmethod
    def _unknown(name: str, otherwise: str, *, kind: str = "column or function") -> str:
        known = [item.lower() for item in functions()]
        if kind != "function":
            known += _COLUMNS
        guess = nearest(name, known)
        return f"There is no {kind} {name!r}. " + (f"Did you mean {guess!r}?" if guess else otherwise)


def _is_curve(part: Curve | Condition) -> TypeGuard[Curve]:
    return isinstance(part, CURVES)
