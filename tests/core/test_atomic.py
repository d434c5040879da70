"""Whole files or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError


def test_the_target_appears_whole(tmp_path: Path):
    """A block that ends well leaves the new content and no other file."""
    target = tmp_path / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("new")

    assert [target] == list(tmp_path.iterdir())
    assert target.read_text() == "new"


def test_a_durable_file_appears_whole_too(tmp_path: Path):
    """What is waited for on the way to the disk changes nothing else."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replacing(target, durable=True) as temporary:
        temporary.write_text("new")

    assert [target] == list(tmp_path.iterdir())
    assert target.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_content_and_no_scraps(tmp_path: Path, error: type[BaseException]):
    """Ctrl-C counts as a failure."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), replacing(target) as temporary:
        temporary.write_text("half")
        raise error

    assert [target] == list(tmp_path.iterdir())
    assert target.read_text() == "old"


def test_a_full_disk_is_a_sentence(tmp_path: Path):
    """ENOSPC says which file was not written."""
    with pytest.raises(ConfigError, match=r"a\.txt.*space"), replacing(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert list(tmp_path.iterdir()) == []


def test_the_mode_of_a_new_file_is_ordinary_and_of_an_old_one_kept(tmp_path: Path):
    """Temporary files are private; what replaces the target must not be."""
    fresh, old = tmp_path / "fresh", tmp_path / "old"
    old.write_text("x")
    old.chmod(0o640)
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("x")
    for target in (fresh, old):
        with replacing(target) as temporary:
            temporary.write_text("y")

    assert ordinary.stat().st_mode == fresh.stat().st_mode
    assert old.stat().st_mode & 0o777 == 0o640


def test_a_private_file_is_its_owner_s_and_never_there_in_part(tmp_path: Path):
    """Not even empty, for a moment: a kill could leave it so. One that is there keeps its mode."""
    target = tmp_path / "keys"
    with replacing(target, private=True) as temporary:
        temporary.write_text("x")
        assert not target.exists()

    assert 0o600 == target.stat().st_mode & 0o777
    target.chmod(0o640)
    with replacing(target, private=True) as temporary:
        temporary.write_text("y")

    assert 0o640 == target.stat().st_mode & 0o777


def test_a_missing_folder_and_a_folder_as_target_are_errors(tmp_path: Path):
    """Both messages name the path."""
    with pytest.raises(ConfigError, match="does not exist"), replacing(tmp_path / "no" / "a.txt"):
        pass
    with pytest.raises(ConfigError, match="is a folder"), replacing(tmp_path):
        pass


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path):
    """What it points to is replaced."""
    place, link = tmp_path / "place.txt", tmp_path / "link.txt"
    place.write_text("old")
    link.symlink_to(place)
    with replacing(link) as temporary:
        temporary.write_text("new")

    assert link.is_symlink()
    assert place.read_text() == "new"


def test_a_pipe_is_not_replaced_by_a_file(tmp_path: Path):
    """Devices likewise: a rename over /dev/null would take it from everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="device or a pipe"), replacing(pipe):
        pass

    assert pipe.is_fifo()
