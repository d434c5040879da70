"""
Compile plain functions with numba, and whatever they call, without writing them twice.

The functions of this folder are plain Python, and run as such where there is little to do: then numba's start
(0.3 s) is longer than the work. `compiled` gives the machine's version of the same source.
"""

from __future__ import annotations

import hashlib
from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["compiled", "compiled_apart"]

_ROOM = "bt_run.fast"
_APART = "is_compiled_apart"

P = ParamSpec("P")
R = TypeVar("R")


def compiled_apart(function: Callable[P, R]) -> Callable[P, R]:
    """
    Mark a function that `compiled` shall not inline where it is called.

    For what is called once a run, or from several places: copies of it cost the compiler seconds.
    """
    setattr(function, _APART, True)
    return function


@cache
def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """
    Give the compiled version of a function of `bt_run.fast`; its callees in this room are compiled too.

    The machine code is kept beside the source, or in the user's cache where that cannot be written, so only the
    first run after an installation waits for the compiler. It holds no lock on the interpreter while it runs.

    Args:
        function: Defined at the top of a module, with arguments and results that numba knows: numbers, arrays,
            bytes and named tuples of them.
    """
    from numba import njit  # noqa: PLC0415  # it takes 0.3 s

    plain: Any = function
    twin = _twin(plain)
    # numba asks the caller's file alone whether the kept code is old; the name changes with the callees'.
    twin.__qualname__ = f"{plain.__qualname__}_{_fingerprint(plain)}"
    try:
        found: Any = njit(cache=True, nogil=True)(twin)
    except RuntimeError:  # no place to keep machine code in
        found = njit(nogil=True)(twin)
    return found  # type: ignore[no-any-return]  # numba ships no types


@cache
def _compiled_callee(function: FunctionType) -> Any:
    from numba import njit  # noqa: PLC0415

    options: Any = {
        # Inlined: a call counts references to every array it is given.
        "forceinline": not hasattr(function, _APART),
        # Neither Python nor C calls it, and what lets them takes the compiler a third of its time.
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
    }
    return njit(nogil=True, **options)(_twin(function))  # what it comes to is kept with its caller


def _twin(function: FunctionType) -> FunctionType:
    """Copy a function into a namespace where the functions it calls are compiled."""
    names = dict(function.__globals__)
    names.update({name: _compiled_callee(callee) for name, callee in _callees(function)})
    twin = FunctionType(function.__code__, names, function.__name__, function.__defaults__)
    twin.__module__ = function.__module__
    return twin


def _callees(function: FunctionType) -> Iterator[tuple[str, FunctionType]]:
    for name in function.__code__.co_names:
        found = function.__globals__.get(name)
        if isinstance(found, FunctionType) and found.__module__.startswith(_ROOM):
            yield name, found


def _fingerprint(function: FunctionType) -> str:
    """Name the code of a function, of its callees and of the constants that they use."""
    seen: dict[str, str] = {}

    def look(at: FunctionType) -> None:
        code = at.__code__
        constants = [(name, repr(at.__globals__.get(name))) for name in code.co_names if name.isupper()]
        seen[f"{at.__module__}.{at.__qualname__}"] = repr(
            (code.co_code, code.co_consts, code.co_names, constants)
        )
        for _, callee in _callees(at):
            if f"{callee.__module__}.{callee.__qualname__}" not in seen:
                look(callee)

    look(function)
    return hashlib.sha256(repr(sorted(seen.items())).encode()).hexdigest()[:12]
