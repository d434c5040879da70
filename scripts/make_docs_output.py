"""
Run the commands that the pages show, and write down what they print.

``python scripts/make_docs_output.py`` rewrites README.md and docs/; with ``--check`` it only compares, names
the pages that are out of date, and exits 1. Pages can be named: ``make_docs_output.py docs/tutorial.md``.

What a page holds:

- A block fenced as ``console`` has commands (``$ `` before them) and their output. The commands of a page run
  one after the other in one folder, empty at first, on a terminal of 80 columns.
- A block after the line ``<!-- file: NAME -->`` is a file in that folder.
- Output that ends with a line ``...`` is cut after as many lines as stand there.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from bt_run.core.atomic import replacing

ROOT = Path(__file__).resolve().parents[1]
_BLOCK = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)
_SHOWN_FOLDER = "~/try"
_CUT = "..."
_LIMIT_S = 300
"""A command of a page that takes longer waits for a network or for a person; it belongs into a block ``sh``."""


def pages() -> list[Path]:
    """List the pages that may show output."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def refreshed(text: str, folder: Path) -> str:
    """Give a page with the output of its commands as they print it now; they run in `folder`."""
    environment = _environment(folder)

    def refresh(block: re.Match[str]) -> str:
        if block["file"]:
            (folder / block["file"]).write_text(block["body"], encoding="utf-8")
        elif block["kind"] == "console":
            return f"```console\n{_run_block(block['body'], folder, environment)}```"
        return block[0]

    return _BLOCK.sub(refresh, text)


def _environment(folder: Path) -> dict[str, str]:
    """Put this Python's bt-run and python first on the path, and keep settings of this machine out."""
    tools = folder / ".tools"
    tools.mkdir()
    for name, words in (("bt-run", "-m bt_run"), ("python", "")):
        tool = tools / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n', encoding="utf-8")
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BT_RUN_", "XDG_"))}
    path = f"{tools}{os.pathsep}{os.environ.get('PATH', '')}"
    return kept | {"PATH": path, "HOME": str(folder), "COLUMNS": "80", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}


def _run_block(body: str, folder: Path, environment: dict[str, str]) -> str:
    shown = ""
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        command, before = _split(part)
        if not command:
            continue
        ran = subprocess.run(  # noqa: S603  # what runs here stands in our own pages
            ["/bin/bash", "-c", command[2:]],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
            timeout=_LIMIT_S,
        )
        lines = [line.rstrip().replace(str(folder), _SHOWN_FOLDER) for line in ran.stdout.splitlines()]
        old = before.splitlines()
        if old and old[-1] == _CUT:
            lines = [*lines[: len(old) - 1], _CUT]
        shown += "".join(f"{line}\n" for line in [command, *lines])
    return shown


def _split(part: str) -> tuple[str, str]:
    """Split off a command, which goes on after a backslash at the end of a line, from its output."""
    found = re.match(r"\$ (?:.*\\\n)*.*\n", part)
    return (found[0].removesuffix("\n"), part[found.end() :]) if found else ("", part)


def main() -> int:
    """Rewrite the pages, or compare them."""
    words = sys.argv[1:]
    chosen = [Path(word).resolve() for word in words if word != "--check"] or pages()
    stale = []
    for page in chosen:
        text = page.read_text(encoding="utf-8")
        if "```console\n" not in text:
            continue
        with tempfile.TemporaryDirectory() as folder:
            wanted = refreshed(text, Path(folder).resolve())
        if wanted == text:
            continue
        stale.append(page)
        if "--check" not in words:
            with replacing(page) as temporary:
                temporary.write_text(wanted, encoding="utf-8")
    for page in stale:
        print(f"{'Out of date:' if '--check' in words else 'Wrote'} {page.relative_to(ROOT)}")
    return int(bool(stale) and "--check" in words)


if __name__ == "__main__":
    sys.exit(main())
