// The strategy layer: its signals as marks, its numbers and its equity, over the bars on the chart.

import { chartOptions, color, CURVES, seconds } from "./look.js";
import { get, send } from "./server.js";

const NUMBERS = [["return_pct", "Return", "%"], ["buy_hold_return_pct", "Buy and hold", "%"], ["max_drawdown_pct", "Max drawdown", "%"], ["sharpe", "Sharpe ratio", ""], ["trades", "Trades", ""], ["win_rate_pct", "Win rate", "%"], ["profit_factor", "Profit factor", ""]];

export class Strategy {
  // `series()` says what the chart shows; `changed()` is told when the choice did; `tell` shows a problem.
  constructor(chart, { series, tell, changed }) {
    this.chart = chart;
    this.series = series;
    this.tell = tell;
    this.changed = changed;
    this.isDue = false;
    this.lines = [];
    this.names = document.getElementById("strategy-name");
    this.form = document.getElementById("strategy-form");
    this.names.addEventListener("change", () => { this.showForm(); changed(); });
    this.form.addEventListener("change", changed);
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.run(); });
    this.keepForm = document.getElementById("keep-form");
    this.keepForm.addEventListener("submit", (event) => { event.preventDefault(); this.keep(document.getElementById("keep-name")); });
    document.getElementById("strategy-run").addEventListener("click", () => this.run());
    document.getElementById("strategy-clear").addEventListener("click", () => { this.clear(); changed(); });
  }

  async begin() {
    const [known, { folder }] = await Promise.all([get("/strategies"), get("/results")]);
    this.known = known;
    this.hasFolder = Boolean(folder);
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

  get parameters() {
    return Object.fromEntries([...new FormData(this.form)].map(([name, value]) => [name, value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value]));
  }

  async run() {
    if (!this.form.reportValidity()) return;
    const series = this.series();
    try {
      const wish = { ...series, strategy: this.names.value, parameters: this.parameters };
      const result = await send("POST", "/backtest", wish);
      const { symbol, interval } = this.series();
      if (symbol !== series.symbol || interval !== series.interval) return;  // the chart shows another by now
      this.show(result);
      this.kept = wish;
      this.keepForm.hidden = !this.hasFolder;
      this.changed();
    } catch (error) {
      this.tell(error.message);
    }
  }

  // Runs it once more and keeps it with the other results.
  async keep(input) {
    try {
      await send("POST", "/results", { name: input.value.trim(), backtest: this.kept });
      input.value = "";
      this.tell("");
    } catch (error) {
      this.tell(error.message);
    }
  }

  // What is chosen, and whether it is on the chart.
  choice() {
    return { name: this.names.value, parameters: this.parameters, shown: Boolean(this.result) || this.isDue };
  }

  restore(choice) {
    if (!choice || !this.known.some(({ name }) => name === choice.name)) return;
    this.names.value = choice.name;
    this.showForm();
    for (const [name, value] of Object.entries(choice.parameters ?? {})) {
      const input = this.form.elements.namedItem(name);
      if (input) input.value = value;
    }
    this.isDue = Boolean(choice.shown);
  }

  // Runs again what was on the chart, once the bars are there.
  resume() {
    if (!this.isDue) return;
    this.isDue = false;
    this.run();
  }

  show(result) {
    this.clear();
    this.result = result;
    this.mark();
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
    this.tellNumbers(result);
    this.drawEquity(result);
  }

  // In the colours of the theme; called again when that changes.
  mark() {
    if (!this.result) return;
    const marks = [];
    for (const { entry_time, exit_time, side, exit_reason, pnl_pct } of this.result.trades) {
      const long = side === "long";
      marks.push({ time: Date.parse(entry_time) / 1000, position: long ? "belowBar" : "aboveBar", shape: long ? "arrowUp" : "arrowDown", color: color("--focus"), text: long ? "buy" : "short" });
      marks.push({ time: Date.parse(exit_time) / 1000, position: long ? "aboveBar" : "belowBar", shape: long ? "arrowDown" : "arrowUp", color: color(pnl_pct > 0 ? "--gain" : "--loss"), text: `${exit_reason === "signal" ? "" : `${exit_reason} `}${pnl_pct.toFixed(1)}%` });
    }
    this.chart.mark(marks.sort((a, b) => a.time - b.time));
  }

  tellNumbers(result) {
    document.getElementById("strategy-numbers").replaceChildren(...NUMBERS.flatMap(([key, label, unit]) => {
      const term = document.createElement("dt"), value = document.createElement("dd"), number = result.metrics[key];
      term.textContent = label;
      value.dataset.key = key;
      value.dataset.value = number;
      value.textContent = number === null ? "–" : `${number.toLocaleString("en-US", { maximumFractionDigits: 2 })}${unit}`;
      return [term, value];
    }));
  }

  drawEquity(result) {
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
    this.isDue = false;
    this.keepForm.hidden = true;
    this.chart.mark([]);
    document.getElementById("strategy-numbers").replaceChildren();
    this.equity?.remove();
    this.equity = null;
  }
}
