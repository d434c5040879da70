"""The command reference says what the commands say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_the_command_reference_is_what_the_commands_say(root: Path):
    """Mend it with: python scripts/make_command_reference.py."""
    ran = subprocess.run(
        [sys.executable, root / "scripts" / "make_command_reference.py", "--check"], check=False, cwd=root
    )

    assert ran.returncode == 0
