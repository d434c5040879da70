// The watch list: symbols with price and change over 24 hours; a click shows one, Add and × change the list.

import { get } from "./server.js";

const node = (id) => document.getElementById(id);
export const MOST = 30;

export class WatchList {
  // `pick(symbol)` shows one, `changed()` is told when the list did, `tell` shows a problem.
  constructor({ pick, changed, tell }) {
    Object.assign(this, { pick, changed, tell, symbols: [], rows: new Map(), shown: "" });
    node("watch-form").addEventListener("submit", (event) => { event.preventDefault(); this.add(node("watch-symbol").value); });
  }

  restore(symbols) {
    this.symbols = [...new Set(symbols.map((name) => String(name).toUpperCase()))].slice(0, MOST);
    this.draw();
  }

  async add(given) {
    const name = given.trim().toUpperCase();
    if (!name || this.symbols.includes(name)) return;
    if (this.symbols.length >= MOST) { this.tell(`The watch list has ${MOST} symbols; take one off first.`); return; }
    try {
      const { symbols } = await get(`/symbols?search=${encodeURIComponent(name)}`);
      if (!symbols.includes(name)) throw new Error(`${name} is no symbol of this venue.${symbols.length ? ` There are ${symbols.slice(0, 3).join(", ")}.` : ""}`);
    } catch (error) {
      this.tell(error.message);
      return;
    }
    this.tell("");
    node("watch-symbol").value = "";
    this.symbols.push(name);
    this.draw();
    this.changed();
  }

  remove(name) {
    const at = this.symbols.indexOf(name);
    this.symbols = this.symbols.filter((other) => other !== name);
    this.draw();
    (this.rows.get(this.symbols[Math.min(at, this.symbols.length - 1)])?.away ?? node("watch-symbol")).focus();
    this.changed();
  }

  // Which one the chart shows.
  follow(symbol) {
    this.shown = symbol;
    for (const [name, { choose }] of this.rows) choose.ariaCurrent = name === symbol ? "true" : null;
  }

  draw() {
    const before = this.rows;
    this.rows = new Map(this.symbols.map((name) => [name, before.get(name) ?? this.row(name)]));
    node("watch-list").replaceChildren(...[...this.rows.values()].map(({ item }) => item));
    this.follow(this.shown);
  }

  row(name) {
    const item = document.createElement("li"), choose = document.createElement("button"), price = document.createElement("span"), change = document.createElement("span"), away = document.createElement("button");
    choose.type = away.type = "button";
    choose.textContent = name;
    choose.className = "name";
    choose.addEventListener("click", () => this.pick(name));
    price.textContent = "–";
    change.className = "change";
    away.textContent = "×";
    away.setAttribute("aria-label", `Take ${name} off the watch list`);
    away.addEventListener("click", () => this.remove(name));
    item.dataset.symbol = name;
    item.append(choose, price, change, away);
    return { item, choose, price, change, away };
  }

  quote({ symbol, last, change_pct: percent, trouble }) {
    const row = this.rows.get(symbol);
    if (!row) return;
    row.item.title = trouble;
    row.price.textContent = last === null ? "–" : last.toLocaleString("en-US", { maximumSignificantDigits: 8 });
    row.change.textContent = percent === null ? "" : `${percent >= 0 ? "+" : "−"}${Math.abs(percent).toFixed(2)}%`;
    row.change.className = `change ${percent >= 0 ? "gain" : "loss"}`;
  }
}
