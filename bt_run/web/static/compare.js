// The page of stored backtests and live runs: a table of their numbers, and the accounts of those that are ticked.

import { chartOptions, CURVES, seconds, useTheme } from "./look.js";
import { begin, get } from "./server.js";

const node = (id) => document.getElementById(id);
const MOST_RUNS = 50;
const WORDS = [["kind", "Kind"], ["strategy", "Strategy"], ["symbol", "Symbol"], ["interval", "Interval"], ["span", "From, to"]];
const NUMBERS = [["return_pct", "Return %"], ["buy_hold_return_pct", "Buy and hold %"], ["sharpe", "Sharpe"], ["max_drawdown_pct", "Drawdown %"], ["trades", "Trades"], ["win_rate_pct", "Win rate %"], ["profit_factor", "Profit factor"]];

class Comparison {
  constructor() {
    this.entries = [];
    this.count = 0;
    this.chart = LightweightCharts.createChart(node("curves"), { ...chartOptions(), localization: { priceFormatter: (value) => value.toFixed(1) } });
    this.chart.applyOptions({ timeScale: { minBarSpacing: 0.01 } });  // all of a long account fits
  }

  async load() {
    const [{ folder, results }, { runs, journal }] = await Promise.all([get("/results"), get("/runs")]);
    const stored = results.map((it) => ({ ...it, key: `result:${it.name}`, kind: "backtest", path: `/results/${encodeURIComponent(it.name)}`, span: span(it.start, it.end) }));
    const live = runs.slice(0, MOST_RUNS).map((it) => ({ ...it, key: `run:${it.run}`, name: `run ${it.run}`, kind: it.mode, path: `/runs/${it.run}/equity`, span: span(it.started, it.ended), metrics: null }));
    this.entries = [...live, ...stored];
    node("nothing").hidden = this.entries.length > 0;
    node("nothing").textContent = nothing(folder, journal);
    this.draw();
    for (const entry of live) await this.fetch(entry);  // one after the other: each is reckoned from the journal
  }

  draw() {
    const head = document.createElement("tr");
    head.append(...["Show", ...WORDS.map(([, label]) => label)].map((text) => th(text)), ...NUMBERS.map(([, label]) => th(label, "number")));
    document.querySelector("#runs thead").replaceChildren(head);
    document.querySelector("#runs tbody").replaceChildren(...this.entries.map((entry) => this.row(entry)));
    document.querySelector("#runs").hidden = !this.entries.length;
  }

  row(entry) {
    const row = document.createElement("tr"), label = document.createElement("label"), box = document.createElement("input"), line = document.createElement("span");
    row.dataset.key = entry.key;
    box.type = "checkbox";
    box.addEventListener("change", () => this.show(entry, box));
    line.className = "line";
    line.ariaHidden = "true";
    label.append(box, line, entry.name);
    row.insertCell().append(label);
    for (const [key] of WORDS) row.insertCell().textContent = entry[key];
    Object.assign(entry, { row, box, swatch: line, cells: NUMBERS.map(() => row.insertCell()) });
    for (const cell of entry.cells) cell.className = "number";
    if (entry.params) row.title = Object.entries(entry.params).map(([name, value]) => `${name} ${value}`).join(", ");
    this.fill(entry);
    return row;
  }

  fill(entry) {
    entry.row.cells[WORDS.length].textContent = entry.span;
    NUMBERS.forEach(([key], at) => {
      const value = entry.metrics?.[key];
      entry.cells[at].textContent = value === null || value === undefined ? "–" : value.toLocaleString("en-US", { maximumFractionDigits: 2 });
    });
  }

  // Numbers and account of a run; what cannot be had is said on its row.
  async fetch(entry) {
    try {
      entry.account ??= await get(entry.path);
      entry.metrics ??= entry.account.metrics;
      if (entry.account.times.length) entry.span = span(...[0, -1].map((at) => new Date(entry.account.times.at(at)).toISOString()));
      this.fill(entry);
    } catch (error) {
      entry.row.title = error.message;
      entry.problem = error.message;
    }
    return entry.account;
  }

  async show(entry, box) {
    node("problem").textContent = "";
    if (!box.checked) { this.hide(entry); return; }
    const account = await this.fetch(entry);
    if (!account?.times.length) {
      box.checked = false;
      node("problem").textContent = `${entry.name}: ${entry.problem ?? "its account is empty."}`;
      return;
    }
    if (!box.checked || entry.line) return;  // it was taken off while it was loading
    entry.color = CURVES[this.count++ % CURVES.length];
    entry.swatch.style.background = entry.color;
    entry.line = this.chart.addLineSeries({ color: entry.color, lineWidth: 2, lineStyle: account.by_trade ? 2 : 0, priceLineVisible: false, title: entry.name });
    entry.line.setData(points(account));
    this.chart.timeScale().fitContent();
  }

  hide(entry) {
    if (entry.line) this.chart.removeSeries(entry.line);
    entry.line = null;
    entry.swatch.style.background = "";
    if (this.entries.some(({ line }) => line)) this.chart.timeScale().fitContent();
  }
}

function points({ times, equity }) {
  const byTime = new Map(times.map((time, at) => [seconds(time), (equity[at] / equity[0]) * 100]));  // the chart takes a second once
  return [...byTime].map(([time, value]) => ({ time, value }));
}

function span(start, end) {
  return `${(start ?? "").slice(0, 10)} – ${end ? end.slice(0, 10) : "now"}`;
}

function nothing(folder, journal) {
  const where = [folder ? `${folder} has no results yet: bt-run backtest --json ${folder}/NAME.json --equity ${folder}/NAME.csv` : "For backtests, start bt-run web with --results FOLDER.", journal ? "No bot has run on the journal yet." : "For live runs, start it with --journal FILE."];
  return where.join(" ");
}

function th(text, className = "") {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.textContent = text;
  cell.className = className;
  return cell;
}

async function start() {
  const { has_journal: hasJournal } = await begin();
  useTheme(await theme(hasJournal));
  window.comparison = new Comparison();
  await window.comparison.load();
}

// As the desk has it: in the journal, else in this browser.
async function theme(hasJournal) {
  const kept = hasJournal ? await get("/settings/desk").then(({ document }) => document, () => null) : null;
  const own = () => { try { return JSON.parse(localStorage.getItem("bt-run")); } catch { return null; } };
  return (kept ?? own())?.theme === "light" ? "light" : "dark";
}

start().catch((error) => { node("problem").textContent = error.message; });
