// Indicators: the list of all that TA-Lib has, and those that are on the chart. Values come from the server.

import { CURVES, seconds } from "./look.js";

export class Indicators {
  // `want(key, spec)` asks the server for one, `drop(key)` ends it, `changed()` is told when the choice changed.
  constructor(chart, { want, drop, changed }) {
    this.chart = chart;
    this.want = want;
    this.drop = drop;
    this.changed = changed;
    this.known = [];
    this.chosen = new Map();
    this.count = 0;
    this.list = document.getElementById("indicator-list");
    this.shown = document.getElementById("indicator-chosen");
    this.search = document.getElementById("indicator-search");
    this.search.addEventListener("input", () => this.showList());
  }

  know({ indicators, columns }) {
    this.known = indicators;
    this.columns = columns;
    this.showList();
  }

  showList() {
    const words = this.search.value.trim().toLowerCase().split(/\s+/);
    const found = this.known.filter(({ name, title, group }) => words.every((word) => `${name} ${title} ${group}`.toLowerCase().includes(word)));
    this.list.replaceChildren(...found.map((info) => {
      const item = document.createElement("li"), button = document.createElement("button"), small = document.createElement("small");
      button.type = "button";
      button.dataset.name = info.name;
      button.append(`${info.name} `, small);
      small.textContent = info.title;
      button.title = info.group;
      button.addEventListener("click", () => this.add(info));
      item.append(button);
      return item;
    }));
  }

  add(info, given = {}) {
    this.count += 1;
    const key = `i${this.count}`;
    const parameters = Object.fromEntries(info.parameters.map(({ name, default: value }) => [name, given.parameters?.[name] ?? value]));
    const colors = info.outputs.map((_, at) => given.colors?.[at] ?? CURVES[(this.count + at - 1) % CURVES.length]);
    const panel = info.overlay ? "" : `${info.name} ${this.count}`;
    const entry = { key, info, parameters, colors, panel, column: given.column ?? "close", lines: {} };
    info.outputs.forEach((output, at) => { entry.lines[output] = this.chart.line(panel, { color: colors[at], title: info.outputs.length > 1 ? output : "" }); });
    this.chosen.set(key, entry);
    this.namePanel(entry);
    this.showChosen();
    this.want(key, entry);
    this.changed();
    return key;
  }

  remove(key) {
    const entry = this.chosen.get(key);
    for (const line of Object.values(entry.lines)) this.chart.removeLine(entry.panel, line);
    if (entry.panel) this.chart.removePanel(entry.panel);
    this.chosen.delete(key);
    this.drop(key);
    this.showChosen();
    this.changed();
  }

  namePanel({ info, parameters, panel }) {
    const values = Object.values(parameters);
    if (panel) this.chart.namePanel(panel, values.length ? `${info.name}(${values.join(", ")})` : info.name);
  }

  showChosen() {
    this.shown.replaceChildren(...[...this.chosen.values()].map((entry) => this.card(entry)));
  }

  card(entry) {
    const item = document.createElement("li"), head = document.createElement("div"), name = document.createElement("b"), away = document.createElement("button");
    item.dataset.key = entry.key;
    head.className = "head";
    name.textContent = entry.info.name;
    away.type = "button";
    away.textContent = "×";
    away.setAttribute("aria-label", `Take ${entry.info.name} off the chart`);
    away.addEventListener("click", () => this.remove(entry.key));
    head.append(name, ...entry.colors.map((value, at) => this.colorInput(entry, value, at)), away);
    const fields = document.createElement("fieldset");
    for (const parameter of entry.info.parameters) fields.append(...this.field(entry, parameter));
    if (entry.info.takes_curve) fields.append(...this.columnField(entry));
    item.append(head, fields);
    return item;
  }

  colorInput(entry, value, at) {
    const input = document.createElement("input"), output = entry.info.outputs[at];
    input.type = "color";
    input.value = value;
    input.setAttribute("aria-label", `Colour of ${output}`);
    input.addEventListener("input", () => { entry.colors[at] = input.value; entry.lines[output].applyOptions({ color: input.value }); this.changed(); });
    return input;
  }

  field(entry, { name, low, high, whole }) {
    const label = document.createElement("label"), input = document.createElement("input");
    input.type = "number";
    input.id = `${entry.key}-${name}`;
    label.htmlFor = input.id;
    label.textContent = name;
    input.min = low;
    input.max = high;
    input.step = whole ? 1 : "any";
    input.value = entry.parameters[name];
    input.addEventListener("change", () => {
      if (!input.checkValidity()) { input.reportValidity(); return; }
      entry.parameters[name] = Number(input.value);
      this.namePanel(entry);
      this.want(entry.key, entry);
      this.changed();
    });
    return [label, input];
  }

  columnField(entry) {
    const label = document.createElement("label"), select = document.createElement("select");
    select.id = `${entry.key}-column`;
    label.htmlFor = select.id;
    label.textContent = "of";
    select.append(...this.columns.map((column) => new Option(column, column, false, column === entry.column)));
    select.addEventListener("change", () => { entry.column = select.value; this.want(entry.key, entry); this.changed(); });
    return [label, select];
  }

  // What the server says.

  static points(times, values) {
    return times.map((time, at) => (values[at] === null ? { time: seconds(time) } : { time: seconds(time), value: values[at] }));
  }

  replace({ key, times, curves }) {
    const entry = this.chosen.get(key);
    if (!entry) return;
    entry.values = curves;
    entry.times = times;
    for (const [output, values] of Object.entries(curves)) entry.lines[output].setData(Indicators.points(times, values));
    if (entry.panel) this.chart.sync();
  }

  update({ key, times, curves }) {
    const entry = this.chosen.get(key);
    if (!entry?.times) return;
    times.forEach((time, at) => {
      const place = entry.times.at(-1) === time ? entry.times.length - 1 : entry.times.lastIndexOf(time);
      for (const [output, values] of Object.entries(curves)) {
        if (place < 0) entry.values[output].push(values[at]);
        else entry.values[output][place] = values[at];
      }
      if (place < 0) entry.times.push(time);
    });
    for (const [output, values] of Object.entries(curves)) {
      for (const point of Indicators.points(times, values)) {
        const last = entry.lines[output].dataByIndex?.(Number.MAX_SAFE_INTEGER, -1);
        if (!last || point.time >= last.time) entry.lines[output].update(point);
      }
    }
  }

  again() {
    for (const [key, entry] of this.chosen) this.want(key, entry);
  }

  choice() {
    return [...this.chosen.values()].map(({ info, parameters, colors, column }) => ({ name: info.name, parameters, colors, column }));
  }

  restore(choice) {
    for (const given of choice) {
      const info = this.known.find(({ name }) => name === given.name);
      if (info) this.add(info, given);
    }
  }
}
