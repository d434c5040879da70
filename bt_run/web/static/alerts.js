// Alert rules of the journal: made, changed, switched, removed; the newest messages; and a word when one comes.

import { get, send } from "./server.js";
import { Sound } from "./sound.js";

const POLL_MS = 2000, MOST_NOTES = 3, KEPT = "bt-run-alerts";
const node = (id) => document.getElementById(id);

export class Alerts {
  // `series()` says what the chart shows; `tell` shows a problem.
  constructor({ series, tell }) {
    Object.assign(this, { series, tell, rules: [], log: [], newest: null, editing: null, sound: new Sound() });
    node("alert-form").addEventListener("submit", (event) => { event.preventDefault(); this.save(); });
    node("alert-leave").addEventListener("click", () => this.leave());
    node("alert-notify").addEventListener("change", () => this.allow());
    node("alert-sound").addEventListener("change", () => { if (node("alert-sound").checked) this.sound.play(); this.keep(); });
  }

  async begin(intervals) {
    node("alerts").hidden = false;
    node("alert-interval").append(new Option("as the rule says", ""), ...intervals.map((name) => new Option(name, name)));
    const kept = keptChoice();
    node("alert-notify").checked = Boolean(kept.notify) && window.Notification?.permission === "granted";
    node("alert-sound").checked = Boolean(kept.sound);
    await this.look();
    // A hidden page looks too: that is when a notification is of use.
    setInterval(() => this.look(), POLL_MS);
  }

  // The form begins with what the chart shows, unless a rule is being changed.
  follow() {
    if (this.editing) return;
    const { symbol, interval } = this.series();
    node("alert-symbol").value = symbol;
    node("alert-interval").value = interval;
  }

  async look() {
    try {
      const [rules, log, watch] = await Promise.all([get("/alerts"), get("/alerts/log?limit=30"), get("/alerts/watch")]);
      const words = watchWords(watch);
      if (node("alerts-watch").textContent !== words) node("alerts-watch").textContent = words;
      if (JSON.stringify(rules) !== JSON.stringify(this.rules)) this.showRules(rules);
      if (JSON.stringify(log) !== JSON.stringify(this.log) || this.newest === null) this.showLog(log);
    } catch (error) {
      if (!(error instanceof TypeError)) this.tell(error.message);  // no connection is told elsewhere
    }
  }

  // Rules.

  showRules(rules) {
    this.rules = rules;
    const on = rules.filter((rule) => rule.on).length;
    node("alerts-state").textContent = rules.length ? `${on} of ${rules.length} on` : "";
    const focused = document.activeElement?.dataset.way, number = document.activeElement?.closest("li")?.dataset.number;
    node("alert-rules").replaceChildren(...rules.map((rule) => this.row(rule)));
    if (focused) node("alert-rules").querySelector(`[data-number="${number}"] [data-way="${focused}"]`)?.focus();
  }

  row(rule) {
    const item = document.createElement("li"), label = document.createElement("label"), box = document.createElement("input");
    const words = `${rule.symbol} ${rule.interval}: ${rule.text}`;
    item.dataset.number = rule.number;
    box.type = "checkbox";
    box.checked = rule.on;
    box.dataset.way = "switch";
    box.addEventListener("change", () => this.do(() => send("PATCH", `/alerts/${rule.number}`, { on: box.checked })));
    label.append(box, ` ${words}`);
    item.append(label, button("edit", "Edit", `Edit ${words}`, () => this.edit(rule)), button("remove", "×", `Remove ${words}`, () => this.remove(rule)));
    return item;
  }

  edit(rule) {
    this.editing = rule.number;
    node("alert-text").value = rule.text;
    node("alert-symbol").value = rule.symbol;
    node("alert-interval").value = rule.interval;
    node("alert-pause").value = rule.cooldown_s / 60;
    node("alert-save").textContent = "Save";
    node("alert-leave").hidden = false;
    node("alert-problem").textContent = "";
    node("alert-text").focus();
  }

  leave() {
    this.editing = null;
    node("alert-form").reset();
    node("alert-save").textContent = "Add";
    node("alert-leave").hidden = true;
    node("alert-problem").textContent = "";
    this.follow();
  }

  async remove(rule) {
    await this.do(() => send("DELETE", `/alerts/${rule.number}`));
    if (this.editing === rule.number) this.leave();
  }

  async save() {
    const text = node("alert-text").value, wish = { text, symbol: node("alert-symbol").value.trim(), interval: node("alert-interval").value || null, cooldown_s: Math.round(60 * Number(node("alert-pause").value)) };
    node("alert-problem").textContent = "";
    try {
      if (this.editing) await send("PATCH", `/alerts/${this.editing}`, wish);
      else await send("POST", "/alerts", wish);
      this.leave();
      await this.look();
    } catch (error) {
      node("alert-problem").textContent = error.message;
      node("alert-text").focus();
      if (error.at !== undefined) node("alert-text").setSelectionRange(error.at, text.length);
    }
  }

  // For a file: what a rule is, without its number.
  list() {
    return this.rules.map(({ text, symbol, interval, cooldown_s, on }) => ({ text, symbol, interval, cooldown_s, on }));
  }

  // Makes those of a file that are not there.
  async add(rules) {
    if (node("alerts").hidden) throw new Error("The alert rules in this file need a journal. Start bt-run web with --journal.");
    const name = ({ text, symbol, interval }) => [text, symbol, interval].join(" "), known = new Set(this.rules.map(name));
    await this.do(async () => {
      for (const { on, ...rule } of rules.filter((rule) => !known.has(name(rule)))) {
        const { number } = await send("POST", "/alerts", rule);
        if (on === false) await send("PATCH", `/alerts/${number}`, { on });
      }
    });
  }

  async do(deed) {
    try { await deed(); } catch (error) { this.tell(error.message); }
    await this.look();
  }

  // Messages.

  showLog(log) {
    this.log = log;
    const fresh = this.newest === null ? [] : log.filter(({ id }) => id > this.newest);
    this.newest = log[0]?.id ?? this.newest ?? 0;
    node("alert-log").replaceChildren(...log.map((message) => {
      const item = document.createElement("li"), title = document.createElement("b"), small = document.createElement("small");
      item.className = fresh.includes(message) ? "fresh" : "";
      title.textContent = message.title;
      small.textContent = [message.time.slice(0, 16).replace("T", " "), ...message.deliveries.map(({ target, state }) => `${target}: ${state}`)].join(" · ");
      item.append(title, small);
      return item;
    }));
    if (fresh.length) this.announce(fresh);
  }

  announce(fresh) {
    if (node("alert-sound").checked) this.sound.play();
    if (!node("alert-notify").checked) return;
    for (const { id, title, text } of fresh.slice(0, MOST_NOTES).reverse()) new Notification(title, { body: text, tag: `bt-run-${id}` });
  }

  async allow() {
    const box = node("alert-notify");
    if (box.checked && (await window.Notification?.requestPermission()) !== "granted") {
      box.checked = false;
      this.tell("The browser does not allow notifications for this page. Allow them in its settings for this site.");
    }
    this.keep();
  }

  keep() {
    localStorage.setItem(KEPT, JSON.stringify({ notify: node("alert-notify").checked, sound: node("alert-sound").checked }));
  }
}

function watchWords({ watching, trouble }) {
  if (watching) return "This desk watches them; a bot with [alerts] on this journal does, too.";
  return `${trouble ? `This desk does not watch them: ${trouble}` : "This desk watches none now."} A running bt-run live, signals or alerts watch with [alerts] on this journal does.`;
}

function button(way, text, label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.way = way;
  made.textContent = text;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}

function keptChoice() {
  try { return JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { return {}; }
}
