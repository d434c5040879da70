"""The script that runs the commands of a page and writes down what they print."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "make_docs_output.py"


@pytest.fixture
def refreshed(tmp_path):
    """Give a function that refreshes the text of a page in an empty folder."""
    spec = importlib.util.spec_from_file_location("make_docs_output", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda text: module.refreshed(text, tmp_path)


def test_output_is_replaced_and_the_rest_left_alone(refreshed):
    """Only the lines below a prompt change; other blocks and prose stay."""
    page = "One\n```console\n$ echo new\nold\nolder\n```\n```sh\necho not run\n```\n"

    assert page.replace("old\nolder\n", "new\n") == refreshed(page)


def test_commands_share_a_folder_and_files_of_the_page_lie_in_it(refreshed):
    """A file shown before is there, and what one command writes the next can read."""
    page = "<!-- file: a.txt -->\n```text\nhello\n```\n```console\n$ cp a.txt b.txt\n$ cat b.txt\n```\n"

    assert page.replace("cat b.txt\n", "cat b.txt\nhello\n") == refreshed(page)


def test_output_that_was_cut_is_cut_again(refreshed):
    """Three dots keep as many lines as stood above them."""
    page = "```console\n$ seq 9\nx\nx\n...\n```\n"

    assert "```console\n$ seq 9\n1\n2\n...\n```\n" == refreshed(page)


def test_a_command_goes_on_after_a_backslash(refreshed):
    """Long commands are shown on several lines."""
    page = "```console\n$ echo a \\\n    b\n```\n"

    assert "```console\n$ echo a \\\n    b\na b\n```\n" == refreshed(page)


def test_errors_are_shown_and_the_folder_has_a_short_name(refreshed):
    """Standard error belongs to the output, and no path of one machine gets into a page."""
    page = "```console\n$ pwd >&2; exit 3\n```\n"

    assert "```console\n$ pwd >&2; exit 3\n~/try\n```\n" == refreshed(page)
