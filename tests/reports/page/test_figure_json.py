"""Arrays go into the page packed, and no name can end the script element that it stands in."""

from __future__ import annotations

import base64
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bt_run.reports.page.figure_json import packed, script_json


@given(st.lists(st.floats(allow_nan=True, width=64)))
def test_a_packed_array_reads_back_exactly(values):
    """Little-endian float64, whatever the values; NaN is a gap."""
    box = packed(np.array(values, dtype=np.float64))
    read = np.frombuffer(base64.b64decode(box["bdata"]), dtype="<f8")

    assert "f8" == box["dtype"]
    assert np.array_equal(np.array(values, dtype=np.float64), read, equal_nan=True)


def test_an_array_for_the_eye_takes_half_the_room():
    """float32 holds seven digits."""
    values = np.linspace(0, 1, 100)

    assert len(packed(values)["bdata"]) > 1.9 * len(packed(values, exact=False)["bdata"])


@given(st.text())
def test_a_text_comes_back_and_holds_no_tag(text):
    """Whatever a strategy is called."""
    written = script_json({"name": text})

    assert {"name": text} == json.loads(written)
    assert not set("<>&") & set(written)
