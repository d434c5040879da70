"""Do the parameters keep what the class says of them?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from bt_run.core.errors import ParamError, StrategyError
from bt_run.run.doctor.finding import Finding
from strategies.description import describe

if TYPE_CHECKING:
    from bt_run.run.strategy_check.subject import Subject

__all__ = ["check_parameters"]

_NAME = "Parameters"


def check_parameters(subject: Subject) -> Finding:
    """Check that defaults lie in their ranges, and compute signals at both ends of every range."""
    cls = subject.strategy.cls
    try:
        cls.check_params(cls.defaults())
    except ParamError as error:
        return Finding(_NAME, "failed", f"The defaults are refused: {error.problem}", "Mend params or ranges.")
    known = describe(cls).params
    ran = refused = 0
    for param in known:
        for value in param.limits or param.choices:
            whole = {**cls.defaults(), **subject.strategy.params, param.name: value}
            if cls.find_conflict(SimpleNamespace(**whole)) is not None:
                refused += 1
                continue
            try:
                subject.arrays(subject.data.bars, **{param.name: value})
            except StrategyError as error:
                text = f"{param.name}={value}, an end of its range, fails: {error.problem.rstrip('.')}."
                return Finding(_NAME, "failed", text, f"Narrow the range of {param.name}, or catch the case.")
            ran += 1
    bare = [param.name for param in known if param.limits is None and not param.choices]
    if bare:
        text = f"No range or choices: {', '.join(bare)}. {ran} ends of other ranges run."
        return Finding(
            _NAME, "warning", text, "Give ranges, so that searches and checks know what is sensible."
        )
    if not known:
        return Finding(_NAME, "ok", "It has none.")
    left = f"; {refused} left out, which do not fit the other defaults" if refused else ""
    return Finding(_NAME, "ok", f"Defaults lie in their ranges, and {ran} ends of ranges run{left}.")
