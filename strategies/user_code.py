"""Run a user's Python file as a module of its own, and show the user's part of what goes wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import re
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.errors import LoadError, nearest
from strategies.base import SignalStrategy

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["check_class", "class_of_file", "load_module", "user_traceback"]

_EMPTY_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?!  File )", re.MULTILINE)


class _UncachedLoader(SourceFileLoader):
    """Compile the source anew: a cached .pyc survives an edit of the same size within the same second."""

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self.get_data(self.path), self.path)


def load_module(path: Path) -> ModuleType:
    """
    Run a Python file as a module, without touching ``sys.path`` or writing beside the file.

    The file is loaded alone: it may import what is installed, not the files beside it. The same file
    with the same content is run once; its module stays in ``sys.modules``, so that its classes pickle.

    Raises:
        LoadError: no such file, a syntax error, or whatever the file raised; with the user's traceback.
    """
    path = path.expanduser().resolve()
    name = f"bt_run_user_{path.stem}_{_fingerprint(path)}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path, loader=_UncachedLoader(name, str(path)))
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018  # both were given above
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, Exception | SystemExit):
            story = user_traceback(error, path)
            raise LoadError(_explain(error, path, story=story), story=story) from error
        raise
    return module


def _fingerprint(path: Path) -> str:
    """Tell files and their versions apart in the name of the module."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        guess = nearest(path.name, [found.name for found in path.parent.glob("*.py")])
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise LoadError(f"There is no strategy file {path}.{hint}") from None
    except OSError as error:
        raise LoadError(f"The strategy file {path} cannot be read: {error.strerror}.") from error
    return hashlib.sha256(str(path).encode() + b"\0" + content).hexdigest()[:12]


def _explain(error: BaseException, path: Path, *, story: str) -> str:
    """Say in one or two sentences why a file could not be loaded and what helps."""
    if isinstance(error, SyntaxError):
        place = f"line {error.lineno}: " if error.lineno else ""
        return f"{path.name} is not valid Python ({place}{error.msg})."
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        module = error.name.partition(".")[0]
        if (path.parent / f"{module}.py").is_file() or (path.parent / module).is_dir():
            return (
                f"{path.name} imports {module!r}, which lies beside it. A strategy file is loaded alone: "
                f"put its code into the same file, or install it as a package."
            )
        return f"{path.name} imports {module!r}, which is not installed in {sys.prefix}."
    if not story:
        return f"{path.name} is not valid Python ({error})."
    return (
        f"{path.name} raised {type(error).__name__} while it was loaded. Code that runs a backtest by itself "
        f'belongs under: if __name__ == "__main__":'
    )


def class_of_file(path: Path, name: str | None = None) -> type[Any]:
    """
    Load a file and pick its strategy class: the one named, or the only one that the file defines.

    Classes whose name begins with an underscore, and those that others in the file are built on, are
    not counted. Raises LoadError: as `load_module`; no such class (with the nearest), none, or several.
    """
    module = load_module(path)
    own = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, bt.Strategy) and value.__module__ == module.__name__
    }
    if name is not None:
        if name not in vars(module):
            guess = nearest(name, own)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise LoadError(f"{path.name} has no class {name!r}.{hint} It has: {', '.join(own) or 'none'}.")
        return check_class(vars(module)[name], name=name)
    leaves = [
        key
        for key, value in own.items()
        if not key.startswith("_") and not any(value in other.__mro__[1:] for other in own.values())
    ]
    if not leaves:
        raise LoadError(f"{path.name} defines no strategy: no class in it is built on backtrader.Strategy.")
    if len(leaves) > 1:
        raise LoadError(
            f"{path.name} defines several strategies: {', '.join(leaves)}. "
            f"Say which, as in {path.name}:{leaves[0]}."
        )
    return check_class(own[leaves[0]], name=leaves[0])


def check_class(found: Any, *, name: str) -> type[Any]:
    """Check that what was loaded is a strategy that can run, and give it back. Raises LoadError."""
    if not isinstance(found, type) or not issubclass(found, bt.Strategy):
        raise LoadError(f"{name} is not a strategy: it is not a class built on backtrader.Strategy.")
    if issubclass(found, SignalStrategy):
        if found.signals is SignalStrategy.signals and found.next is SignalStrategy.next:
            raise LoadError(f"{name} has no signals(bars, p), the method that every SignalStrategy must have.")
        try:
            inspect.signature(found.signals).bind("bars", "p")
        except TypeError:
            raise LoadError(
                f"{name}.signals cannot be called with bars and parameters. "
                f"Write it as: @staticmethod, and below that: def signals(bars, p):"
            ) from None
    return found


def user_traceback(error: BaseException, path: Path | str | None = None) -> str:
    """
    Write a traceback that shows only the frames of one file, the errors that led to it likewise.

    Without `path` every frame is shown. Empty where the error never passed through the file; a syntax
    error in the file has no frames and is shown by its own lines.
    """
    story = traceback.TracebackException.from_exception(error)
    if path is not None:
        wanted = Path(path).expanduser().resolve()
        concerns_file = isinstance(error, SyntaxError) and error.filename == str(wanted)
        part: traceback.TracebackException | None = story
        while part is not None:
            frames = [frame for frame in part.stack if Path(frame.filename).resolve() == wanted]
            part.stack = traceback.StackSummary.from_list(frames)
            concerns_file = concerns_file or bool(frames)
            part = part.__cause__ or part.__context__
        if not concerns_file:
            return ""
    return _EMPTY_TRACEBACK.sub("", "".join(story.format()).rstrip())
