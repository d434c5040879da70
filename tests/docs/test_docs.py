"""The pages hold together: links lead somewhere, commands exist, code compiles, nothing is left out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from bt_run.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


class Command(NamedTuple):
    """One bt-run command of a page, as words."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: bt-run {' '.join(self.words)}"


def blocks(page: Path, *kinds: str) -> list[str]:
    """Give the content of the page's fenced blocks of these kinds."""
    return [body for kind, body in BLOCK.findall(page.read_text(encoding="utf-8")) if kind in kinds]


def prose(page: Path) -> str:
    """Give the page without its fenced blocks."""
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    found = set()
    for title in HEADING.findall(prose(page)):
        plain = re.sub(r"[^\w\- ]", "", title.lower())
        found.add(plain.replace(" ", "-"))
    return found


def commands_in(page: Path) -> list[Command]:
    """Find the bt-run commands of a page: those typed at a prompt, in a script, and in the examples of help."""
    found = []
    for body in blocks(page, "sh", "console", "text"):
        for line in body.replace("\\\n", " ").splitlines():
            typed = line.strip().removeprefix("$ ")
            for part in re.split(r"&&|\||\s\d?>|\$\(", typed):
                words = shlex.split(part, posix=True) if re.match(r"\s*(\w+=\S+ )*\S*bt-run ", part) else []
                while words and re.fullmatch(r"\w+=.*", words[0]):
                    words = words[1:]
                if len(words) > 1 and Path(words[0]).name == "bt-run":
                    found.append(Command(str(page.relative_to(ROOT)), tuple(words[1:])))
    return found


COMMANDS = sorted({command for page in PAGES for command in commands_in(page)})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_exist(page):
    """A relative link names a file of the tree, and an anchor a heading in it."""
    broken = []
    for link in LINK.findall(prose(page)):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert [] == broken


def test_pages_show_commands_at_all():
    """The search for commands finds them; else the next test would check nothing."""
    shown = {command.words[0] for command in COMMANDS}

    assert {"backtest", "compare", "config", "strategies"} <= shown
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_parses(command, tmp_path, monkeypatch):
    """The command exists and so does each of its options, with values that it takes; nothing is run."""
    monkeypatch.chdir(tmp_path)
    for name in re.findall(r"[\w.-]+\.toml", " ".join(command.words)):
        Path(name).touch()
    parse(cli, "bt-run", list(command.words))


def parse(command: click.Command, name: str, words: list[str], parent: click.Context | None = None) -> None:
    """Parse the words as click does before it runs anything; it raises what a user would see."""
    context = command.make_context(name, words, parent=parent)
    if not isinstance(command, click.Group):
        return
    context.obj = {"debug": False}
    rest = [*context._protected_args, *context.args]
    if not rest:
        assert command.invoke_without_command
        return
    name, found, rest = command.resolve_command(context, rest)
    parse(found, name, rest, context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_in_a_page_compiles(page):
    """A Python block is whole enough to be pasted."""
    for body in blocks(page, "python"):
        compile(body, str(page), "exec")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_with_results_of_the_sample_says_that_it_is_synthetic(page):
    """Nobody may take a number made of the sample for one of the market."""
    shows_sample = any("btc_1d.csv" in body for body in blocks(page, "console"))

    assert not shows_sample or "synthetic data" in prose(page)


def test_the_index_lists_every_page():
    """A page that the index forgets is not found."""
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in LINK.findall(prose(index))}
    missing = {page for page in PAGES if page.is_relative_to(index.parent)} - listed - {index}

    assert set() == missing


def test_no_page_runs_a_command_that_waits_for_a_network():
    """Blocks with output are run as they stand: what follows a market must replay a file."""
    endless = re.compile(
        r"^\$ bt-run (signals|web|practice|data (capture|download)|alerts (test|watch))\b.*$", re.M
    )
    found = [
        (page.name, command[0])
        for page in PAGES
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
        for command in endless.finditer(block)
        if "--data" not in command[0]
    ]

    assert [] == found


@pytest.mark.slow
def test_the_output_that_the_pages_show_is_what_the_commands_print():
    """Mend it with: python scripts/make_docs_output.py."""
    ran = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_docs_output.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (ran.returncode, ran.stdout)
