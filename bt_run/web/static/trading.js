// The account: balances, orders as rows and as marks on the chart; cancelling; the history with filters and CSV.

import { color, seconds } from "./look.js";
import { OrderForm } from "./order-form.js";
import { get, send } from "./server.js";

const node = (id) => document.getElementById(id);
const SHOWN = 100;

export class Trading {
  // `series()` says what the chart shows, `interval()` how long its bars are in ms; `tell` shows a problem.
  constructor(chart, { series, interval, tell }) {
    Object.assign(this, { chart, series, interval, tell, orders: [], balances: [], found: null });
    node("orders-search").addEventListener("submit", (event) => { event.preventDefault(); this.search(); });
    node("orders-search").addEventListener("reset", () => { this.found = null; setTimeout(() => { this.link(); this.showHistory(); }); });
    node("orders-search").addEventListener("change", () => this.link());
    node("orders-cancel-all").addEventListener("click", () => this.cancel(`?symbol=${this.series().symbol}`, `all orders of ${this.series().symbol}`));
  }

  async begin() {
    const told = await get("/trading");
    node("trading-off").textContent = told.why;
    node("trading-off").hidden = told.on;
    node("trading-on").hidden = !told.on;
    node("trading-place").textContent = told.on ? `${told.venue}${told.real_money ? ", REAL MONEY" : ""}` : "off";
    if (!told.on) return;
    this.form = new OrderForm({ series: this.series, placed: (answer) => this.placed(answer), tell: (problem) => this.say(problem) });
    this.follow();
  }

  // Another symbol or interval is shown.
  follow() {
    if (!this.form) return;
    this.form.show();
    node("orders-cancel-all").textContent = `Cancel all of ${this.series().symbol}`;
    this.link();
    this.mark();
  }

  hear({ balances, orders, trouble }) {
    Object.assign(this, { balances, orders });
    if (trouble) this.say(trouble);
    node("balances").replaceChildren(...balances.map(({ asset, free, locked }) => row([asset, free, locked])));
    this.showOpen();
    this.showHistory();
    this.mark();
  }

  placed({ orders, repeated }) {
    const [first] = orders, about = `${first.side === "BUY" ? "buy" : "sell"} ${first.symbol}`;
    const words = { FILLED: `filled: ${first.filled} at ${first.average}`, UNKNOWN: "no answer came; it is asked for", REJECTED: `refused: ${first.reason}` };
    this.say(`Order to ${about}, ${words[first.state] ?? first.state.toLowerCase()}${repeated ? " (sent before)" : ""}.`);
    this.know(orders);
  }

  // Rows that an answer brought, before the account tells of them itself.
  know(rows) {
    // What the account has told to be over stays so: the answer may be the older word.
    const over = new Set(this.orders.filter(({ is_open }) => !is_open).map(({ client_id }) => client_id));
    const fresh = rows.filter(({ client_id }) => !over.has(client_id)), names = new Set(fresh.map(({ client_id }) => client_id));
    const kept = this.orders.filter(({ client_id }) => !names.has(client_id));
    this.hear({ balances: this.balances, orders: [...fresh, ...kept], trouble: "" });
  }

  say(words) {
    node("trading-answer").textContent = words;
  }

  showOpen() {
    const open = this.orders.filter(({ is_open }) => is_open), focused = document.activeElement?.dataset.cancel;
    node("orders-none").hidden = open.length > 0;
    node("orders-cancel-all").disabled = !open.some(({ symbol, whose }) => symbol === this.series().symbol && ["hand", "signal"].includes(whose));
    node("orders-open").replaceChildren(...open.map((item) => {
      const { symbol, side, type, quantity, quote_quantity, price, stop_price, filled, client_id, whose, reason } = item;
      const made = row([symbol, side, words(type), quantity ?? quote_quantity, price ?? "–", stop_price ?? "–", filled], item);
      made.title = reason;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.cancel = client_id;
      button.textContent = whose === "bot" ? "bot's" : "Cancel";
      button.disabled = whose === "bot";
      button.setAttribute("aria-label", `Cancel ${side} ${symbol} ${words(type)} ${quantity ?? ""}`);
      button.addEventListener("click", () => this.cancel(`/${encodeURIComponent(client_id)}`, `the order to ${side.toLowerCase()} ${symbol}`));
      made.insertCell(0).append(button);
      return made;
    }));
    if (focused) node("orders-open").querySelector(`[data-cancel="${CSS.escape(focused)}"]`)?.focus();
  }

  async cancel(path, what) {
    try {
      const rows = await send("DELETE", `/orders${path}`);
      const left = rows.filter(({ is_open }) => is_open);
      this.say(left.length ? `The exchange still has ${what}.` : `Cancelled: ${what}.`);
      this.know(rows);
    } catch (error) {
      this.say(error.message);
    }
  }

  // The history: the newest, or what a search has found.

  query() {
    const { symbol, side, state, from, to } = node("orders-search").elements, found = new URLSearchParams();
    if (symbol.checked) found.set("symbol", this.series().symbol);
    if (side.value) found.set("side", side.value);
    if (state.value) found.set("state", state.value);
    if (from.value) found.set("from", Date.parse(`${from.value}T00:00Z`));
    if (to.value) found.set("to", Date.parse(`${to.value}T00:00Z`) + 86_400_000);
    return found.toString();
  }

  link() {
    node("orders-csv").href = `/api/v1/orders.csv?${this.query()}`;
  }

  async search() {
    try {
      this.found = await get(`/orders?${this.query()}`);
      this.showHistory();
    } catch (error) {
      this.say(error.message);
    }
  }

  showHistory() {
    const rows = (this.found ?? this.orders).slice(0, SHOWN);
    node("orders-history").replaceChildren(...rows.map((item) => {
      const made = row([time(item.time_ms), item.symbol, item.side, words(item.type), item.filled, item.average ?? item.price ?? "–", item.state, item.whose], item);
      made.title = [item.client_id, item.reason].filter(Boolean).join(": ");
      return made;
    }));
  }

  // A mark for each order that was executed, on the bar in which it was; those of bots have their own.
  mark() {
    const { symbol } = this.series(), length = this.interval();
    const done = this.orders.filter((item) => item.filled_ms && item.average && item.symbol === symbol && length);
    this.chart.mark(done.map(({ filled_ms, client_id, side, filled, average }) => {
      const buy = side === "BUY";
      return { time: seconds(filled_ms - (filled_ms % length)), id: client_id, position: buy ? "belowBar" : "aboveBar", shape: buy ? "arrowUp" : "arrowDown", color: color(buy ? "--gain" : "--loss"), text: `${buy ? "bought" : "sold"} ${filled} at ${average}` };
    }).sort((a, b) => a.time - b.time), "hand");
  }
}

const words = (type) => type.toLowerCase().replaceAll("_", " ").replace("limit maker", "post-only");
const time = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

function row(texts, item) {
  const made = document.createElement("tr");
  if (item) {
    made.dataset.id = item.client_id;
    made.className = item.side === "BUY" ? "gain" : "loss";
  }
  for (const text of texts) made.insertCell().textContent = text;
  return made;
}
