// The page: what is looked at, what the server says about it, and what a person does.

import { Alerts } from "./alerts.js";
import { Bars } from "./bars.js";
import { Bot } from "./bot.js";
import { Indicators } from "./indicators.js";
import { Layouts } from "./layouts.js";
import { theme, useTheme } from "./look.js";
import { PriceChart } from "./price-chart.js";
import { begin, get, Stream } from "./server.js";
import { Settings } from "./settings.js";
import { Strategy } from "./strategy.js";
import { Trades } from "./trades.js";
import { WatchList } from "./watch-list.js";
import { Trading } from "./trading.js";

const node = (id) => document.getElementById(id);
const bars = new Bars();
let look = 0, symbol = "", interval = "", asking = false, fresh = true, skew = 0, lengths = {}, stream = null, of = "", venue = "", watched = {};

const chart = new PriceChart(node("price-chart"), node("panels"), { wantOlder: () => {
  if (asking || !bars.times.length) return;
  asking = true;
  stream.say({ do: "older", id: look });
} });
const indicators = new Indicators(chart, {
  want: (key, { info, parameters, column }) => stream.say({ do: "indicator", id: look, key, name: info.name, parameters, column }),
  drop: (key) => stream.say({ do: "drop", id: look, key }),
  changed: () => settings.keep(),
});
const strategy = new Strategy(chart, { series: () => ({ symbol, interval }), tell, changed: () => settings.keep() });
const watchList = new WatchList({ pick: (name) => choose(name, interval), changed: () => { watch(); settings.keep(); }, tell });
const trades = new Trades({ changed: watch });
const layouts = new Layouts({ choice: layout, use, tell });

const bot = new Bot(chart, { series: () => ({ symbol, interval }), interval: () => lengths[interval], tell });
const trading = new Trading(chart, { series: () => ({ symbol, interval }), interval: () => lengths[interval], tell });
const settings = new Settings({ choice, use, tell, rules: () => alerts.list(), add: (rules) => alerts.add(rules), layouts });
const alerts = new Alerts({ series: () => ({ symbol, interval }), tell });

function tell(problem) {
  node("problem").textContent = problem;
}

function state(words, tone) {
  node("state").textContent = words;
  node("state").dataset.tone = tone;
}

// What is looked at. Every look has a number of its own; what comes for an older one is thrown away.
function choose(newSymbol, newInterval) {
  if (look) stream.say({ do: "leave", id: look });
  look += 1;
  [symbol, interval] = [newSymbol, newInterval];
  node("symbol").value = symbol;
  node("interval").value = interval;
  document.title = `${symbol} ${interval} · bt-run`;
  bars.clear();
  strategy.clear();
  fresh = true;
  asking = false;
  tell("");
  alerts.follow();
  trades.follow(symbol);
  watchList.follow(symbol);
  trading.follow();
  ask();
  settings.keep();
}

function ask() {
  state("loading", "");
  stream.say({ do: "look", id: look, symbol, interval });
  indicators.again();
  watch();
}

// Trades of what the chart shows, prices of the watch list.
function watch() {
  stream?.say({ do: "watch", trades: trades.wanted, quotes: watchList.symbols });
}

const hears = {
  snapshot({ columns, forming, phase }) {
    bars.replace(columns, forming);
    chart.replace(bars.all(), { keep: !fresh });
    fresh = false;
    asking = false;
    hears.phase({ phase });
    bot.mark();
    strategy.resume();
    trading.mark();
    showPrice();
  },
  closed({ bars: rows }) {
    bars.close(rows);
    for (const row of rows) chart.update(row);
    showPrice();
  },
  forming({ bar }) {
    bars.form(bar);
    chart.update(bar);
    showPrice();
  },
  phase({ phase }) {
    state(phase, phase === "live" ? "good" : phase === "disconnected" ? "bad" : "");
  },
  indicator: (message) => indicators.replace(message),
  tail: (message) => indicators.update(message),
  error({ problem }) {
    asking = false;
    tell(problem);
  },
};

function hear(message) {
  if (message.type === "missed") { ask(); return; }
  if (message.type === "account") { trading.hear(message); return; }
  if (message.type === "quote") { watchList.quote(message); return; }
  if (message.type === "trades") { trades.hear(message); return; }
  if (message.id === look || message.id === null) hears[message.type]?.(message);
}

// Everything that has a colour of the theme, drawn anew.
function dress(name) {
  useTheme(name);
  chart.dress(bars.all());
  strategy.mark();
  bot.mark();
}

function showPrice() {
  const last = bars.last;
  if (!last) return;
  const [, open, , , close] = last;
  node("price").textContent = close.toLocaleString("en-US", { maximumSignificantDigits: 8 });
  node("price").className = close >= open ? "gain" : "loss";
}

function showCountdown() {
  const last = bars.forming, length = lengths[interval];
  if (!last || !length) { node("countdown").textContent = ""; return; }
  const left = Math.max(0, Math.round((last[0] + length - Date.now() - skew) / 1000));
  const [hours, minutes, rest] = [Math.floor(left / 3600), Math.floor((left % 3600) / 60), left % 60];
  node("countdown").textContent = `${hours ? `${hours}:` : ""}${String(minutes).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
}

// What is kept: `of` says which market the practice exchange was of, for another one has other bars.
function choice() {
  return { of, watch: { ...watched, [venue]: watchList.symbols }, ...layout() };
}

function layout() {
  return { symbol, interval, theme: theme(), indicators: indicators.choice(), strategy: strategy.choice() };
}

function use(wish) {
  dress(wish.theme);
  for (const key of [...indicators.chosen.keys()]) indicators.remove(key);
  choose(wish.symbol.toUpperCase(), wish.interval);
  indicators.restore(wish.indicators);
  strategy.restore(wish.strategy);
  if (wish.watch) { watched = wish.watch; watchList.restore(watched[venue] ?? watchList.symbols); watch(); }
  settings.keep();
}

async function start() {
  const [page, intervals, catalogue] = await Promise.all([begin(), get("/intervals"), get("/indicators")]);
  const before = await settings.begin(page.has_journal);
  venue = page.venue;
  watched = before.watch ?? {};
  of = [page.venue, page.symbol, page.interval].join(" ");
  if (before.theme) dress(before.theme);
  node("note").textContent = page.note;
  node("interval").append(...intervals.map((name) => new Option(name, name)));
  const units = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
  lengths = Object.fromEntries(intervals.filter((name) => name.at(-1) in units).map((name) => [name, Number(name.slice(0, -1)) * units[name.at(-1)]]));
  indicators.know(catalogue);
  await strategy.begin();
  await bot.begin();
  await layouts.begin(settings.hasJournal);
  await trading.begin();
  if (page.has_journal) await alerts.begin(intervals);
  const isSame = before.symbol && (page.venue !== "practice" || before.of === of);
  stream = new Stream({ hear, opened: () => (look ? ask() : first()), lost: () => state("no connection to bt-run", "bad"), shut: tell });
  watchList.restore(watched[venue] ?? [page.symbol]);
  const first = () => {
    choose(isSame ? before.symbol : page.symbol, isSame ? before.interval : page.interval);
    indicators.restore(before.indicators ?? []);
    strategy.restore(before.strategy);
    settings.open();
  };
  setInterval(showCountdown, 500);
}

node("series").addEventListener("submit", (event) => { event.preventDefault(); choose(node("symbol").value.trim().toUpperCase(), interval); });
node("symbol").addEventListener("change", () => { const name = node("symbol").value.trim().toUpperCase(); if (name && name !== symbol) choose(name, interval); });
node("symbol").addEventListener("input", async () => {
  const { symbols } = await get(`/symbols?search=${encodeURIComponent(node("symbol").value)}`).catch(() => ({ symbols: [] }));
  node("symbols").replaceChildren(...symbols.map((name) => new Option(name, name)));
});
node("interval").addEventListener("change", () => choose(symbol, node("interval").value));
node("theme").addEventListener("click", () => { dress(theme() === "dark" ? "light" : "dark"); settings.keep(); });
window.btrun = { alerts, bars, bot, chart, indicators, layouts, settings, strategy, trades, trading, watchList, choose: (a, b) => choose(a, b), stream: () => stream, look: () => ({ look, symbol, interval }) };
start().catch((error) => tell(error.message));
