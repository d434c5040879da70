"""The pages for who uses a keyboard or a screen reader."""

from __future__ import annotations

import pytest
from desk_page import make_journal, open_page, until

NAMELESS = """
[...document.querySelectorAll("button, input, select, textarea, a[href], summary")]
  .filter((it) => it.type !== "hidden")
  .filter((it) => !(it.ariaLabel
    || [...(it.labels ?? [])].some((label) => label.textContent.trim())
    || !["INPUT", "SELECT"].includes(it.tagName) && it.textContent.trim() || it.title))
  .map((it) => it.outerHTML)
"""

OPEN_ALL = "document.querySelectorAll('details').forEach((it) => { it.open = true; })"


def test_every_control_has_a_name(tab, desk, server, tmp_path):
    """In all panels, with an indicator, a layout and an alert rule there; on the other page, too."""
    make_journal(desk, tmp_path)
    page = open_page(tab, server)
    page.fill("#indicator-search", "rsi")
    page.click("#indicator-list button[data-name='RSI']")
    page.evaluate(OPEN_ALL)
    page.fill("#layout-name", "mine")
    page.press("#layout-name", "Enter")
    page.fill("#alert-text", "rsi(14) < 30")
    page.press("#alert-text", "Enter")
    until(lambda: page.locator("#layout-list li, #alert-rules li").count() == 2)

    assert [] == page.evaluate(NAMELESS)
    page.goto(f"{server.url}/compare")
    until(page.locator("#nothing").is_visible)
    assert [] == page.evaluate(NAMELESS)


@pytest.mark.slow
def test_the_keyboard_reaches_every_panel(tab, server):
    """With Tab alone, in the order of the page; what has the focus shows it."""
    page = open_page(tab, server)
    page.evaluate("document.activeElement.blur()")
    reached, outlines = [], set()
    for _ in range(400):
        page.keyboard.press("Tab")
        told = page.evaluate(
            "((it) => [it.tagName, it.id || it.textContent.trim().split(' ')[0], "
            "getComputedStyle(it).outlineStyle])(document.activeElement)"
        )
        if told[0] == "BODY":
            break
        reached.append(told[1])
        outlines.add(told[2])

    wanted = ["symbol", "interval", "theme", "Watch", "Indicators", "Strategy", "Last", "Layouts", "Settings"]
    assert wanted == [name for name in reached if name in wanted]
    assert "none" not in outlines


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_phone_shows_every_panel_open(tab, server, theme):
    """In both themes nothing is wider than the window, with an indicator and a strategy on the chart."""
    tab.page.set_viewport_size({"width": 390, "height": 800})
    page = open_page(tab, server)
    if page.get_attribute("html", "data-theme") != theme:
        page.click("#theme")
    page.fill("#indicator-search", "macd")
    page.click("#indicator-list button[data-name='MACD']")
    page.evaluate(OPEN_ALL)
    page.click("#strategy-run")
    page.wait_for_selector("#strategy-numbers dd[data-key='trades']")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert theme == page.get_attribute("html", "data-theme")


@pytest.mark.slow
def test_the_theme_reaches_the_chart_and_leaves_its_place(tab, server):
    """Candles and volume take the colours of the new theme, and the same bars are in view."""
    page = open_page(tab, server)
    told = """[btrun.chart.candles.options().upColor, btrun.chart.volume.dataByIndex(20).color.slice(0, 7),
        JSON.stringify(btrun.chart.chart.timeScale().getVisibleLogicalRange())]"""
    before = page.evaluate(told)
    page.click("#theme")
    until(lambda: page.evaluate(told)[1] != before[1])
    after = page.evaluate(told)

    assert before[0] != after[0]
    assert before[2] == after[2]
