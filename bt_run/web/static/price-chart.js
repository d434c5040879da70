// The main chart: candles, volume, overlays and marks, with panels below that move with it.

import { candleOptions, chartOptions, color, seconds } from "./look.js";

const { createChart } = LightweightCharts;

export class PriceChart {
  // `wantOlder` is called when the left end comes near.
  constructor(node, panels, { wantOlder }) {
    this.node = node;
    this.panelsNode = panels;
    this.chart = createChart(node, chartOptions());
    this.candles = this.chart.addCandlestickSeries(candleOptions());
    this.volume = this.chart.addHistogramSeries({ priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.85, bottom: 0 } });
    this.panels = new Map();
    this.marksBy = new Map();
    this.span = [Infinity, -Infinity];
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (!range) return;
      for (const { chart } of this.panels.values()) chart.timeScale().setVisibleLogicalRange(range);
      if (range.from < 20) wantOlder();
    });
  }

  static candle([time, open, high, low, close]) {
    return { time: seconds(time), open, high, low, close };
  }

  bar([time, open, , , close, volume]) {
    return { time: seconds(time), value: volume ?? 0, color: `${color(close >= open ? "--gain" : "--loss")}66` };
  }

  replace(rows, { keep = false } = {}) {
    const range = keep ? this.chart.timeScale().getVisibleRange() : null;
    const last = rows.at(-1);
    this.span = last ? [seconds(rows[0][0]), seconds(last[0])] : [Infinity, -Infinity];
    if (last) {
      const digits = Math.max(2, Math.min(8, 5 - Math.floor(Math.log10(last[4]))));
      this.candles.applyOptions({ priceFormat: { type: "price", precision: digits, minMove: 10 ** -digits } });
    }
    this.candles.setData(rows.map(PriceChart.candle));
    this.volume.setData(rows.map((row) => this.bar(row)));
    this.candles.setMarkers(this.marks);
    if (range) this.chart.timeScale().setVisibleRange(range);
    else this.chart.timeScale().setVisibleLogicalRange({ from: rows.length - 150, to: rows.length + 6 });
  }

  update(row) {
    const time = seconds(row[0]);
    this.candles.update(PriceChart.candle(row));
    this.volume.update(this.bar(row));
    if (time <= this.span[1]) return;
    this.span[1] = time;
    this.candles.setMarkers(this.marks);
  }

  // Panels show the range of the main chart; data that came later may have moved them.
  sync() {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    if (range) for (const { chart } of this.panels.values()) chart.timeScale().setVisibleLogicalRange(range);
  }

  // Marks of one kind, such as those of the strategy or of the bot; both may be shown.
  mark(marks, kind = "strategy") {
    this.marksBy.set(kind, marks);
    this.candles.setMarkers(this.marks);
  }

  // Those of other bars than are shown would be drawn on the nearest one, so they are left out.
  get marks() {
    const [first, last] = this.span;
    return [...this.marksBy.values()].flat().filter(({ time }) => time >= first && time <= last).sort((a, b) => a.time - b.time);
  }

  // A line over the price, or in a panel of the given name.
  line(panel, options) {
    return this.chartOf(panel).addLineSeries({ lineWidth: 1.5, lastValueVisible: Boolean(panel), priceLineVisible: false, ...options });
  }

  chartOf(panel) {
    if (!panel) return this.chart;
    if (!this.panels.has(panel)) {
      const node = document.createElement("div"), name = document.createElement("span");
      node.className = "panel chart";
      name.className = "name";
      name.textContent = panel;
      node.append(name);
      this.panelsNode.append(node);
      const chart = createChart(node, chartOptions());
      chart.applyOptions({ handleScroll: false, handleScale: false });
      const range = this.chart.timeScale().getVisibleLogicalRange();
      if (range) chart.timeScale().setVisibleLogicalRange(range);
      this.panels.set(panel, { node, name, chart });
    }
    return this.panels.get(panel).chart;
  }

  namePanel(panel, name) {
    const found = this.panels.get(panel);
    if (found) found.name.textContent = name;
  }

  removeLine(panel, line) {
    this.chartOf(panel).removeSeries(line);
  }

  removePanel(panel) {
    const found = this.panels.get(panel);
    if (!found) return;
    found.chart.remove();
    found.node.remove();
    this.panels.delete(panel);
  }

  // Takes the colours of the theme; `rows` are the bars that are shown.
  dress(rows) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    this.volume.setData(rows.map((row) => this.bar(row)));
    this.chart.applyOptions(chartOptions());
    this.candles.applyOptions(candleOptions());
    for (const { chart } of this.panels.values()) chart.applyOptions(chartOptions());
    if (range) this.chart.timeScale().setVisibleLogicalRange(range);  // the options have moved it to the end
    this.sync();
  }
}
