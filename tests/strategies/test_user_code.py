"""Users' files: loaded alone, checked, and shown their own mistakes."""

from __future__ import annotations

import pickle
import sys

import pytest

from bt_run.core.errors import LoadError
from strategies.rsi import Rsi
from strategies.user_code import check_class, class_of_file, load_module, user_traceback

PLAIN = """
import backtrader as bt

class {name}(bt.Strategy):
    pass
"""


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a Python file and returns its path."""

    def write_file(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_file


def test_the_only_strategy_of_a_file_is_found(write):
    """Imported classes, other classes and private ones do not count."""
    path = write(
        "import backtrader as bt\nfrom strategies.rsi import Rsi\nfrom backtrader import Strategy\n"
        "class Sizes(bt.Sizer): pass\nclass _Base(bt.Strategy): pass\nclass Mine(_Base): pass\n"
    )

    assert "Mine" == class_of_file(path).__name__


def test_a_class_that_another_is_built_on_does_not_count(write):
    """The last of a line of classes is meant."""
    path = write(PLAIN.format(name="Base") + "\nclass Mine(Base):\n    pass\n")

    assert "Mine" == class_of_file(path).__name__
    assert "Base" == class_of_file(path, "Base").__name__


def test_an_imported_class_can_be_named(write):
    """A file may pass on what it imports."""
    assert Rsi is class_of_file(write("from strategies.rsi import Rsi\n"), "Rsi")


def test_several_strategies_need_a_name(write):
    """The error lists them and shows how to say which."""
    path = write(PLAIN.format(name="One") + PLAIN.format(name="Two"))

    with pytest.raises(LoadError, match=r"several strategies: One, Two\. Say which, as in mine\.py:One"):
        class_of_file(path)


def test_a_file_without_a_strategy_is_refused(write):
    """A module of functions is no strategy."""
    with pytest.raises(LoadError, match=r"mine\.py defines no strategy"):
        class_of_file(write("x = 1\n"))


def test_a_missing_class_is_met_with_the_nearest(write):
    """The error lists what the file has."""
    with pytest.raises(LoadError, match=r"no class 'Mien'\. Did you mean 'Mine'\? It has: Mine\."):
        class_of_file(write(PLAIN.format(name="Mine")), "Mien")


@pytest.mark.parametrize("text", ["Mine = 3\n", "class Mine:\n    pass\n", "def Mine():\n    pass\n"])
def test_what_is_not_a_strategy_is_refused(write, text):
    """The name exists, but a number, a plain class or a function cannot run."""
    with pytest.raises(LoadError, match="Mine is not a strategy"):
        class_of_file(write(text), "Mine")


def test_a_missing_file_is_met_with_its_neighbour(write, tmp_path):
    """A slip in the file's name is the likeliest cause."""
    write("", "mine.py")

    with pytest.raises(LoadError, match=r"There is no strategy file .*mien\.py\. Did you mean 'mine\.py'\?"):
        load_module(tmp_path / "mien.py")


def test_a_folder_is_no_file(tmp_path):
    """The system's reason is passed on."""
    (tmp_path / "mine.py").mkdir()

    with pytest.raises(LoadError, match="cannot be read: Is a directory"):
        load_module(tmp_path / "mine.py")


def test_a_syntax_error_names_file_and_line(write):
    """The story shows the line with a mark, and none of our frames."""
    path = write("x = 1\nif x\n    pass\n")

    with pytest.raises(LoadError, match=r"mine\.py is not valid Python \(line 2: expected ':'\)") as caught:
        load_module(path)
    assert f'File "{path}", line 2' in caught.value.story
    assert "if x" in caught.value.story
    assert "user_code.py" not in caught.value.story


@pytest.mark.parametrize("content", [b"x = 1\0\n", b"x = '\xff\xfe'\n"])
def test_binary_junk_is_not_python(tmp_path, content):
    """Zero bytes and bad UTF-8 are errors of the file, not of ours."""
    path = tmp_path / "mine.py"
    path.write_bytes(content)

    with pytest.raises(LoadError, match="is not valid Python"):
        load_module(path)


def test_an_error_while_loading_shows_the_users_frames_only(write):
    """A script that runs its own backtest on loading is told where that part belongs."""
    path = write("def run():\n    raise ValueError('no data here')\n\nrun()\n")

    with pytest.raises(LoadError, match=r'belongs under: if __name__ == "__main__":') as caught:
        load_module(path)
    story = caught.value.story
    assert [f'  File "{path}", line 4, in <module>', f'  File "{path}", line 2, in run'] == [
        line for line in story.splitlines() if line.startswith("  File")
    ]
    assert story.endswith("ValueError: no data here")
    assert caught.value.__cause__ is not None


def test_a_file_that_exits_is_an_error_of_the_file(write):
    """A sys.exit() in a user's file does not end the program without a word."""
    with pytest.raises(LoadError, match="raised SystemExit while it was loaded"):
        load_module(write("import sys\nsys.exit(3)\n"))


def test_an_interrupt_while_loading_stays_an_interrupt(write):
    """Ctrl-C is not the file's fault, and leaves no half-loaded module."""
    before = set(sys.modules)
    with pytest.raises(KeyboardInterrupt):
        load_module(write("raise KeyboardInterrupt\n"))

    assert not [name for name in set(sys.modules) - before if name.startswith("bt_run_user")]


@pytest.mark.parametrize("as_folder", [True, False])
def test_a_neighbour_cannot_be_imported(write, tmp_path, as_folder):
    """The file's folder is not searched; the error says so and what to do."""
    if as_folder:
        (tmp_path / "neighbour_of_mine").mkdir()
    else:
        write("x = 1\n", "neighbour_of_mine.py")
    path = write("from neighbour_of_mine.part import x\n")

    with pytest.raises(LoadError, match=r"imports 'neighbour_of_mine', which lies beside it.*loaded alone"):
        load_module(path)


def test_a_library_that_is_missing_is_named(write):
    """The environment is named too: often the wrong one is active."""
    with pytest.raises(LoadError, match="imports 'no_such_library', which is not installed in "):
        load_module(write("import no_such_library.part\n"))


def test_loading_leaves_no_trace_on_disk_or_path(write, tmp_path, monkeypatch):
    """No .pyc beside the user's file, nothing on sys.path, and the current folder is not searched."""
    monkeypatch.chdir(tmp_path)
    path_before = list(sys.path)
    load_module(write("x = 1\n"))

    assert path_before == sys.path
    assert ["mine.py"] == sorted(found.name for found in tmp_path.iterdir())


def test_an_edited_file_is_loaded_anew(write):
    """An edit of the same size within the same second counts."""
    first = load_module(write("x = 1\n"))
    second = load_module(write("x = 2\n"))

    assert (1, 2) == (first.x, second.x)


def test_the_same_file_is_loaded_once_and_its_classes_pickle(write):
    """Two loads give one class, which processes can pass to each other."""
    path = write(PLAIN.format(name="Mine"))
    cls = class_of_file(path)

    assert cls is class_of_file(path)
    assert cls is pickle.loads(pickle.dumps(cls))  # noqa: S301  # our own bytes


def test_dataclasses_work_in_a_users_file(write):
    """They look their module up in sys.modules."""
    path = write(
        "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n"
        "@dataclass\nclass Level:\n    price: float\n    _: KW_ONLY\n    note: str = ''\n"
    )

    assert 3.0 == load_module(path).Level(3.0).price


SIGNALS = """
from strategies.base import Signals, SignalStrategy

class Mine(SignalStrategy):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", r"Mine has no signals\(bars, p\)"),
        ("def signals(self, bars, p): pass", "Mine.signals cannot be called with bars and parameters"),
        ("signals = staticmethod(lambda bars: None)", "Write it as: @staticmethod"),
    ],
)
def test_a_signal_strategy_needs_signals_of_the_right_shape(write, body, message):
    """A forgotten @staticmethod is met before the run, with the line to write."""
    with pytest.raises(LoadError, match=message):
        class_of_file(write(SIGNALS.format(body=body)))


@pytest.mark.parametrize(
    "body", ["def signals(bars, p): pass", "@classmethod\n    def signals(cls, bars, p): pass"]
)
def test_signals_of_other_working_shapes_pass(write, body):
    """A plain function without self, and a class method, can be called just as well."""
    assert "Mine" == class_of_file(write(SIGNALS.format(body=body))).__name__


def test_check_class_gives_back_what_it_was_given():
    """A good class passes unchanged."""
    assert Rsi is check_class(Rsi, name="rsi")


def test_a_traceback_without_a_file_shows_every_frame():
    """Nothing is known about whose file it is."""
    try:
        int("x")
    except ValueError as error:
        story = user_traceback(error)

    assert "test_user_code.py" in story
    assert story.endswith("ValueError: invalid literal for int() with base 10: 'x'")


def test_an_error_that_never_passed_through_the_file_has_no_story(tmp_path):
    """The caller can tell the user's errors from ours."""
    try:
        int("x")
    except ValueError as error:
        story = user_traceback(error, tmp_path / "mine.py")

    assert "" == story


def test_the_causes_of_an_error_are_trimmed_too(write):
    """Both parts of a chained error keep the user's frames, and no empty heading is left."""
    path = write(
        "def inner():\n    return int('x')\n"
        "def outer():\n    try:\n        inner()\n    except ValueError as error:\n"
        "        raise RuntimeError('outer failed') from error\n"
    )
    try:
        load_module(path).outer()
    except RuntimeError as error:
        story = user_traceback(error, path)

    assert "line 2, in inner" in story
    assert "line 7, in outer" in story
    assert "test_user_code.py" not in story
    assert "direct cause" in story


def test_a_part_without_frames_has_no_heading(write):
    """The error's own line stands alone where the file is only in the cause."""
    path = write("def inner():\n    return int('x')\n")
    try:
        try:
            load_module(path).inner()
        except ValueError as error:
            raise RuntimeError("ours") from error
    except RuntimeError as error:
        story = user_traceback(error, path)

    assert 1 == story.count("Traceback (most recent call last)")
    assert story.endswith("RuntimeError: ours")
