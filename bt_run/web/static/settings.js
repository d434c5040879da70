// What a person has set: in the journal where there is one, else in this browser alone; as a file, and from one.

import { get, send } from "./server.js";

const KEPT = "bt-run", PATH = "/settings/desk", FORMAT = 1;
const node = (id) => document.getElementById(id);

export class Settings {
  // `choice()` gives what is set now, `use(choice)` sets it, `rules()` gives the alert rules, `add(rules)` makes those that are missing,
  // `layouts` has the named ones, `tell` shows a problem.
  constructor({ choice, use, rules, add, layouts, tell }) {
    Object.assign(this, { choice, use, rules, add, layouts, tell, hasJournal: false, isOpen: false, wanted: null, sending: false });
    node("settings-export").addEventListener("click", () => this.export());
    node("settings-import").addEventListener("change", (event) => this.import(event.target));
  }

  // Gives what was set before. Nothing is kept until `open`, so that a page that begins does not write over it.
  async begin(hasJournal) {
    this.hasJournal = hasJournal;
    node("settings-place").textContent = hasJournal ? "Kept in the journal, for every browser." : "Kept in this browser; with --journal, for every browser.";
    const found = (await this.fromJournal()) ?? inBrowser();
    return Array.isArray(found.indicators) ? found : {};
  }

  // A journal that cannot be read is told, and the page begins with what the browser kept.
  async fromJournal() {
    if (!this.hasJournal) return null;
    try {
      return (await get(PATH)).document;
    } catch (error) {
      this.hasJournal = false;
      this.tell(error.message);
      return null;
    }
  }

  open() {
    this.isOpen = true;
    this.keep();
  }

  keep() {
    if (!this.isOpen) return;
    const choice = this.choice();
    localStorage.setItem(KEPT, JSON.stringify(choice));
    if (!this.hasJournal) return;
    this.wanted = choice;
    if (!this.sending) this.send();
  }

  // One request at a time; of what is set in between only the last is sent.
  async send() {
    this.sending = true;
    try {
      while (this.wanted) {
        const document = this.wanted;
        this.wanted = null;
        await send("PUT", PATH, document);
      }
    } catch (error) {
      this.tell(error.message);
    } finally {
      this.sending = false;
    }
  }

  export() {
    const text = JSON.stringify({ "bt-run": FORMAT, ...this.choice(), layouts: this.layouts.all, rules: this.rules() }, null, 2);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    link.download = "bt-run-settings.json";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async import(input) {
    const [file] = input.files;
    if (!file) return;
    input.value = "";  // so that the same file can be chosen again
    try {
      const { rules, layouts, ...choice } = read(await file.text());
      this.use(choice);
      if (layouts.length) await this.layouts.add(layouts);
      if (rules.length) await this.add(rules);
    } catch (error) {
      this.tell(error.message);
    }
  }
}

function inBrowser() {
  try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
}

function read(text) {
  let found;
  try { found = JSON.parse(text); } catch { throw new Error("This file is no JSON. Choose one that this page exported."); }
  if (found?.["bt-run"] !== FORMAT) throw new Error("This file has no settings of bt-run. Choose one that this page exported.");
  const { symbol, interval, theme, indicators, strategy, watch = {}, layouts = [], rules = [] } = found;
  const isList = (value, most) => Array.isArray(value) && value.length <= most;
  if (!isLayout(found) || !isList(rules, 200)) throw new Error("The settings in this file are not whole: symbol, interval, theme and indicators are needed.");
  if (!isList(layouts, 12) || !layouts.every((layout) => isLayout(layout) && typeof layout.name === "string")) throw new Error("The layouts in this file are not whole: each has a name, symbol, interval, theme and indicators.");
  if (!Object.values(watch).every((symbols) => isList(symbols, 30) && symbols.every(isName))) throw new Error("A watch list in this file is no list of symbols.");
  return { symbol, interval, theme, indicators, strategy, watch, layouts, rules };
}

const isName = (name) => typeof name === "string" && /^[A-Za-z0-9]{1,30}$/.test(name);

function isLayout({ symbol, interval, theme, indicators }) {
  return [symbol, interval].every(isName) && ["dark", "light"].includes(theme) && Array.isArray(indicators) && indicators.length <= 50;
}
