"""The report as text: escaped, whole, the same each time, its numbers those of the JSON."""

from __future__ import annotations

import dataclasses
import html
import re
from functools import reduce

import pytest

from bt_run.reports.export import result_to_dict
from bt_run.reports.page.contents import Band, Manifest, Robustness, Sheet

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


def looked_up(document, path):
    """Follow a path such as trades.0.pnl."""
    return reduce(lambda at, key: at[int(key)] if isinstance(at, list) else at[key], path.split("."), document)


def numbers(page):
    """Read path, value and text of every number of the page."""
    return re.findall(r'<data value="([^"]*)" data-path="([^"]+)"[^>]*>([^<]*)</data>', page)


def test_the_json_of_the_page_is_that_of_the_command(sample_run, report):
    """What `--json` writes is in the page, word for word."""
    embedded = report.embedded(report.build(report.contents(sample_run)))
    document = result_to_dict(sample_run)

    assert document == {key: embedded[key] for key in document}


def test_every_number_stands_for_a_value_of_the_json(sample_run, report):
    """Path and value agree, for every number that the page is written with."""
    page = report.build(report.contents(sample_run))
    embedded = report.embedded(page)
    found = numbers(page)

    assert len(found) > 100
    for value, path, _ in found:
        expected = looked_up(embedded, path)
        assert ("" if expected is None else str(expected)) == value, path


def test_all_sections_are_there(sample_run, report):
    """Twelve questions of a trader and a sceptic; the comparison needs several runs."""
    contents = report.contents(sample_run, robustness=Robustness(words=("Luck explains it.",)))
    page = report.build(contents)

    assert [
        "summary", "equity", "price", "periods", "trades", "distribution", "rolling", "falls", "costs",
        "robustness", "manifest",
    ] == re.findall(r'<section id="(\w+)">', page)  # fmt: skip
    assert "Luck explains it." in page


def test_the_same_contents_give_the_same_bytes(sample_run, report):
    """Nothing of the clock goes in where the manifest has none."""
    assert report.build(report.contents(sample_run)) == report.build(report.contents(sample_run))


def test_names_are_escaped(sample_run, report):
    """A strategy, a file, a reason and a table called like markup are words."""
    data = dataclasses.replace(sample_run.data, symbol=EVIL, note=EVIL, warnings=(EVIL,))
    run = dataclasses.replace(
        sample_run, strategy=EVIL, data=data, params={EVIL: EVIL}, panels={EVIL: sample_run.data.bars.close},
        trades=(dataclasses.replace(sample_run.trades[0], entry_tag=EVIL, exit_reason=EVIL),),
    )  # fmt: skip
    luck = Robustness((EVIL,), (Band(EVIL, 1.0, 0.0, 2.0, 0.9),), sheets=(Sheet(EVIL, (EVIL,), ((EVIL,),)),))
    page = report.build(
        report.contents(run, title=EVIL, manifest=Manifest(EVIL, {EVIL: EVIL}), robustness=luck)
    )

    assert EVIL not in page
    assert "<script>alert" not in page
    assert "onerror=alert(2)>" not in page
    assert html.escape("<script>alert(1)") in page


def test_two_runs_give_a_comparison(sample_run, report):
    """The matrix has a column a run and one for buy and hold."""
    other = dataclasses.replace(sample_run, strategy="other")
    page = report.build(report.contents(sample_run, other))
    embedded = report.embedded(page)

    assert ["versus", "manifest"] == re.findall(r'<section id="(\w+)">', page)
    assert [result_to_dict(sample_run), result_to_dict(other)] == embedded["runs"]
    assert 3 == len(embedded["columns"])
    assert {path.split(".")[1] for _, path, _ in numbers(page)} == {"0", "1", "2"}


@pytest.mark.parametrize("kept", [0, 1])
def test_a_run_of_hardly_any_bars_has_a_report(make, report, kept):
    """One bar and no trade: what is not defined is a dash, and nothing fails."""
    run = make.result(make.bar_file(kept + 1), metrics={"equity_final": 10_000.0, "return_pct": 0.0})
    page = report.build(report.contents(run))

    assert "closed no trade" in page
