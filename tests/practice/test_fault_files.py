"""Faults as JSON: of the control endpoint, and of files."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.practice.faults import KINDS, LostAnswer, Wipe, fault_of, read_faults, written


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_fault_is_written_and_read_again(kind):
    """All kinds, with every number changed that may be."""
    plain = kind()
    changed = kind(**{name: 7 for name in ("count", "skip", "seed") if name in {f.name for f in fields(kind)}})

    assert {"kind": kind.kind} == written(plain)
    assert plain == fault_of(json.loads(json.dumps(written(plain))))
    assert changed == fault_of(json.loads(json.dumps(written(changed))))


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("late_answer", "written as an object with its kind"),
        ({"kind": "late_anser"}, "Did you mean 'late_answer'"),
        ({"kind": "late_answer", "delay": 1}, "Did you mean 'delay_s'"),
        ({"kind": "late_answer", "delay_s": "1"}, 'delay_s cannot be "1"'),
        ({"kind": "late_answer", "count": True}, "count cannot be true"),
        ({"kind": "late_answer", "count": 0}, "count is 0; it must be 1 or more"),
        ({"kind": "late_answer", "probability": 1.5}, "probability is 1.5; give 0 to 1"),
        ({"kind": "lose_frames", "every": 0}, "every is 0"),
        ({"kind": "wipe", "every_s": 0}, "every_s is 0; it must be above 0"),
        ({"kind": "partial_fill_then_cancel", "share": 1}, "share is 1"),
        ({"kind": "fill_before_reply", "executed": False}, "executed must be true"),
        ({"kind": "refuse_handshake", "executed": True}, "cannot be refused after"),
        ({"kind": "maintenance", "bars": 0}, "bars is 0"),
        ({"kind": "late_answer", "delay_s": -1}, "delay_s is -1; it must be 0 or more"),
        ({"kind": "silence", "lasts_s": float("nan")}, "lasts_s is nan; it must be 0 or more"),
        ({"kind": "restart", "down_s": float("inf")}, "down_s is inf; it must be 0 or more"),
        ({"kind": "server_error", "status": 200}, "status is 200; give 500 to 599"),
        ({"kind": "refuse_request", "status": 99}, "status is 99; give 400 to 599"),
        ({"kind": "unknown_outcome", "status": 200}, "status is 200; give 400 to 599"),
        ({"kind": "refuse_handshake", "status": 101}, "status is 101; give 400 to 599"),
        ({"kind": "drop_sockets", "code": 7}, "code is 7; give"),
        ({"kind": "drop_sockets", "code": 70000}, "code is 70000; give"),
        ({"kind": "drop_sockets", "code": 1000, "reason": "ä" * 62}, "124 bytes; at most 123"),
    ],
)
def test_what_is_no_fault_is_told_by_name(told, words):
    """The field, the value, and what is near."""
    with pytest.raises((ConfigError, UnknownName)) as told_error:
        fault_of(told)

    assert words in str(told_error.value)


def test_a_file_of_faults_is_named_when_it_is_wrong(tmp_path):
    """One fault or a list; else the path stands in front."""
    path = tmp_path / "nasty.json"
    path.write_text('[{"kind": "wipe"}, {"kind": "lost_answer", "count": 2}]')
    assert (Wipe(), LostAnswer(count=2)) == read_faults(path)

    for text, words in (("[", "is not JSON"), ('{"kind": "none"}', "There is no fault")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=words) as error:
            read_faults(path)
        assert str(path) in str(error.value)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_faults(tmp_path / "none.json")
