// Chart layouts by name: symbol, interval, theme, indicators with their colours, strategy. In the journal, else in this browser.

import { get, send } from "./server.js";

const KEPT = "bt-run-layouts", PATH = "/settings/layouts";
const node = (id) => document.getElementById(id);
export const MOST = 12;

export class Layouts {
  // `choice()` gives what is on the page now, `use(layout)` shows one, `tell` shows a problem.
  constructor({ choice, use, tell }) {
    Object.assign(this, { choice, use, tell, all: [], shown: "", hasJournal: false });
    node("layout-form").addEventListener("submit", (event) => { event.preventDefault(); this.save(node("layout-name").value.trim()); });
  }

  async begin(hasJournal) {
    this.hasJournal = hasJournal;
    try { await this.read(); } catch (error) { this.tell(error.message); }
    this.draw();
  }

  // Another browser may have saved one since.
  async read() {
    const found = this.hasJournal ? (await get(PATH)).document : inBrowser();
    this.all = Array.isArray(found?.layouts) ? found.layouts : [];
  }

  async change(act) {
    try {
      await this.read();
      const all = act(this.all);
      if (all.length > MOST) throw new Error(`There are ${MOST} layouts at most. Delete one first.`);
      if (this.hasJournal) await send("PUT", PATH, { layouts: all });
      else localStorage.setItem(KEPT, JSON.stringify({ layouts: all }));
      this.all = all;
      this.tell("");
    } catch (error) {
      this.tell(error.message);
    }
    this.draw();
  }

  async save(name) {
    if (!name) return;
    this.shown = name;
    const layout = { name, ...this.choice() };
    await this.change((all) => (all.some((it) => it.name === name) ? all.map((it) => (it.name === name ? layout : it)) : [...all, layout]));
    node("layout-name").value = "";
  }

  async remove(name) {
    await this.change((all) => all.filter((it) => it.name !== name));
    node("layout-name").focus();
  }

  // Those of a file; one of the same name is replaced.
  async add(layouts) {
    const names = new Set(layouts.map(({ name }) => name));
    await this.change((all) => [...all.filter(({ name }) => !names.has(name)), ...layouts]);
  }

  show(layout) {
    this.shown = layout.name;
    this.use(layout);
    this.draw();
  }

  draw() {
    node("layout-list").replaceChildren(...this.all.map((layout) => {
      const item = document.createElement("li"), choose = document.createElement("button"), away = document.createElement("button"), small = document.createElement("small");
      choose.type = away.type = "button";
      choose.className = "name";
      choose.textContent = layout.name;
      choose.ariaCurrent = layout.name === this.shown ? "true" : null;
      choose.addEventListener("click", () => this.show(layout));
      small.textContent = `${layout.symbol} ${layout.interval}`;
      away.textContent = "×";
      away.setAttribute("aria-label", `Delete the layout ${layout.name}`);
      away.addEventListener("click", () => this.remove(layout.name));
      item.append(choose, small, away);
      return item;
    }));
  }
}

function inBrowser() {
  try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
}
