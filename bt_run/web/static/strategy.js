// The strategy layer: its signals as marks, its numbers and its equity, over the bars on the chart.

import { chartOptions, color, CURVES, seconds } from "./look.js";
import { get, send } from "./server.js";

const NUMBERS = [["return_pct", "Return", "%"], ["buy_hold_return_pct", "Buy and hold", "%"], ["max_drawdown_pct", "Max drawdown", "%"], ["sharpe", "Sharpe ratio", ""], ["trades", "Trades", ""], ["win_rate_pct", "Win rate", "%"], ["profit_factor", "Profit factor", ""]];

export class Strategy {
  constructor(chart, { series, tell }) {
    this.chart = chart;
    this.series = series;
    this.tell = tell;
    this.lines = [];
    this.names = document.getElementById("strategy-name");
    this.form = document.getElementById("strategy-form");
    this.names.addEventListener("change", () => this.showForm());
    document.getElementById("strategy-run").addEventListener("click", () => this.run());
    document.getElementById("strategy-clear").addEventListener("click", () => this.clear());
  }

  async begin() {
    this.known = await get("/strategies");
    this.names.append(...this.known.map(({ name }) => new Option(name, name)));
    this.showForm();
  }

  showForm() {
    const { parameters } = this.known.find(({ name }) => name === this.names.value);
    this.form.replaceChildren(...parameters.flatMap((parameter) => {
      const label = document.createElement("label"), input = document.createElement(parameter.choices.length ? "select" : "input");
      input.id = `strategy-${parameter.name}`;
      input.name = parameter.name;
      label.htmlFor = input.id;
      label.textContent = parameter.name;
      if (parameter.choices.length) input.append(...parameter.choices.map((choice) => new Option(choice)));
      else { input.type = typeof parameter.default === "number" ? "number" : "text"; input.step = "any"; if (parameter.low !== null) { input.min = parameter.low; input.max = parameter.high; } }
      input.value = parameter.default;
      return [label, input];
    }));
  }

  async run() {
    if (!this.form.reportValidity()) return;
    const parameters = Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value]));
    try {
      this.show(await send("POST", "/backtest", { ...this.series(), strategy: this.names.value, parameters }));
    } catch (error) {
      this.tell(error.message);
    }
  }

  show(result) {
    this.clear();
    this.result = result;
    const marks = [];
    for (const { entry_time, exit_time, side, exit_reason, pnl_pct } of result.trades) {
      const long = side === "long";
      marks.push({ time: Date.parse(entry_time) / 1000, position: long ? "belowBar" : "aboveBar", shape: long ? "arrowUp" : "arrowDown", color: color("--focus"), text: long ? "buy" : "short" });
      marks.push({ time: Date.parse(exit_time) / 1000, position: long ? "aboveBar" : "belowBar", shape: long ? "arrowDown" : "arrowUp", color: color(pnl_pct > 0 ? "--gain" : "--loss"), text: `${exit_reason === "signal" ? "" : `${exit_reason} `}${pnl_pct.toFixed(1)}%` });
    }
    this.chart.mark(marks.sort((a, b) => a.time - b.time));
    let at = 0;
    const draw = (curves, panelOf) => {
      for (const [name, values] of Object.entries(curves)) {
        const panel = panelOf(name), line = this.chart.line(panel, { color: CURVES[at++ % CURVES.length], title: name });
        line.setData(result.times.map((time, place) => (values[place] === null ? { time: seconds(time) } : { time: seconds(time), value: values[place] })));
        this.lines.push([panel, line]);
      }
    };
    draw(result.overlays, () => "");
    draw(result.panels, () => result.strategy.name);
    this.chart.sync();
    document.getElementById("strategy-numbers").replaceChildren(...NUMBERS.flatMap(([key, label, unit]) => {
      const term = document.createElement("dt"), value = document.createElement("dd"), number = result.metrics[key];
      term.textContent = label;
      value.dataset.key = key;
      value.dataset.value = number;
      value.textContent = number === null ? "–" : `${number.toLocaleString("en-US", { maximumFractionDigits: 2 })}${unit}`;
      return [term, value];
    }));
    this.equity = LightweightCharts.createChart(document.getElementById("strategy-equity"), { ...chartOptions(), handleScroll: false, handleScale: false });
    const line = this.equity.addAreaSeries({ lineColor: color("--focus"), topColor: `${color("--focus")}55`, bottomColor: `${color("--focus")}05`, lineWidth: 1 });
    line.setData(result.times.map((time, place) => ({ time: seconds(time), value: result.equity[place] })));
    this.equity.timeScale().fitContent();
  }

  clear() {
    for (const [panel, line] of this.lines) this.chart.removeLine(panel, line);
    if (this.result) this.chart.removePanel(this.result.strategy.name);
    this.lines = [];
    this.result = null;
    this.chart.mark([]);
    document.getElementById("strategy-numbers").replaceChildren();
    this.equity?.remove();
    this.equity = null;
  }
}
