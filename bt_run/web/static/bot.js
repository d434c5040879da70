// The bot: its orders as rows and as marks on the chart, the same objects; four words for it; runs compared.

import { chartOptions, color, CURVES, seconds } from "./look.js";
import { get, send } from "./server.js";

const COLUMNS = [["time", "Time"], ["side", "Side"], ["type", "Type"], ["filled", "Filled"], ["average", "Price"], ["state", "State"]];

export class Bot {
  // `series()` says what the chart shows; `tell` shows a problem.
  constructor(chart, { series, interval, tell }) {
    Object.assign(this, { chart, series, interval, tell, orders: [], runs: [], curves: new Map() });
    this.panel = document.getElementById("bot");
    this.pick = document.getElementById("bot-run");
    this.rows = document.querySelector("#bot-orders tbody");
    this.dialog = document.getElementById("bot-confirm");
    this.pick.addEventListener("change", () => this.refresh());
    for (const button of this.panel.querySelectorAll("button[data-word]")) button.addEventListener("click", () => this.ask(button.dataset.word));
    this.dialog.addEventListener("close", () => { if (this.dialog.returnValue === "yes") this.say(this.wanted, document.getElementById("bot-typed").value); });
  }

  async begin() {
    await this.look();
    setInterval(() => { if (!document.hidden) this.look(); }, 2000);
  }

  async look() {
    try {
      const { journal, running, missing, runs } = await get("/runs");
      this.panel.hidden = !journal;
      if (!journal) return;
      document.getElementById("bot-state").textContent = running ? "a bot runs" : missing ? "no bot has run yet" : "no bot runs";
      for (const button of this.panel.querySelectorAll("button[data-word]")) button.disabled = !running;
      if (JSON.stringify(runs) !== JSON.stringify(this.runs)) this.know(runs);
      await this.refresh();
      this.complained = "";
    } catch (error) {
      if (error.message !== this.complained) this.tell(error.message);  // once, not every two seconds
      this.complained = error.message;
    }
  }

  know(runs) {
    const before = this.pick.value;
    this.runs = runs;
    this.pick.replaceChildren(...runs.map(({ run, strategy, symbol, interval, started }) => new Option(`${run}: ${strategy} ${symbol} ${interval}, ${started.slice(0, 16).replace("T", " ")}`, run)));
    if (runs.some(({ run }) => String(run) === before)) this.pick.value = before;
    document.getElementById("bot-compare").replaceChildren(...runs.slice(0, 30).map(({ run, strategy, symbol }) => {
      const label = document.createElement("label"), box = document.createElement("input");
      box.type = "checkbox";
      box.checked = this.curves.has(run);
      box.addEventListener("change", () => this.compare(run, box));
      label.append(box, ` ${run}: ${strategy} ${symbol}`);
      return label;
    }));
  }

  async refresh() {
    if (!this.pick.value) return;
    const orders = await get(`/runs/${this.pick.value}/orders`);
    document.getElementById("bot-csv").href = `/api/v1/runs/${this.pick.value}/orders.csv`;
    if (JSON.stringify(orders) === JSON.stringify(this.orders)) return;
    this.orders = orders;
    this.rows.replaceChildren(...orders.slice(0, 200).map((order) => {
      const row = document.createElement("tr");
      row.dataset.id = order.client_id;
      row.title = order.reason;
      for (const [key] of COLUMNS) row.insertCell().textContent = key === "time" ? order.time.slice(5, 19).replace("T", " ") : order[key] ?? "–";
      row.className = order.side === "BUY" ? "gain" : "loss";
      return row;
    }));
    this.mark();
  }

  // A mark for each row that was executed, on the bar in which it was.
  mark() {
    const { symbol } = this.series(), length = this.interval();
    const marks = this.orders.filter((order) => order.filled_ms && order.symbol === symbol && length).map((order) => {
      const buy = order.side === "BUY";
      return { time: seconds(order.filled_ms - (order.filled_ms % length)), id: order.client_id, position: buy ? "belowBar" : "aboveBar", shape: buy ? "arrowUp" : "arrowDown", color: color(buy ? "--gain" : "--loss"), text: `${buy ? "bought" : "sold"} ${Number(order.filled)} at ${order.average}` };
    });
    this.chart.mark(marks.sort((a, b) => a.time - b.time), "bot");
  }

  ask(word) {
    if (word !== "panic") { this.say(word); return; }
    this.wanted = word;
    document.getElementById("bot-typed").value = "";
    this.dialog.showModal();
  }

  async say(word, confirm = "") {
    try {
      const { answers } = await send("POST", `/bot/${word}`, { confirm });
      document.getElementById("bot-answer").textContent = answers.join(" ");
      await this.look();
    } catch (error) {
      this.tell(error.message);
    }
  }

  async compare(run, box) {
    try {
      if (box.checked) this.curves.set(run, await get(`/runs/${run}/equity`));
      else this.curves.delete(run);
    } catch (error) {
      box.checked = false;
      this.tell(error.message);
    }
    this.draw();
  }

  draw() {
    const node = document.getElementById("bot-curves"), table = document.getElementById("bot-metrics");
    this.drawing?.remove();
    this.drawing = null;
    node.hidden = table.hidden = !this.curves.size;
    if (!this.curves.size) return;
    this.drawing = LightweightCharts.createChart(node, { ...chartOptions(), handleScroll: false, handleScale: false });
    let at = 0;
    for (const { label, times, equity } of this.curves.values()) {
      const line = this.drawing.addLineSeries({ color: CURVES[at++ % CURVES.length], lineWidth: 1.5, title: label.split(":")[0], priceLineVisible: false });
      line.setData(times.map((time, place) => ({ time: seconds(time), value: (equity[place] / equity[0]) * 100 })));
    }
    this.drawing.timeScale().fitContent();
    const rows = [["return_pct", "Return %"], ["sharpe", "Sharpe"], ["max_drawdown_pct", "Drawdown %"], ["trades", "Trades"]];
    const head = document.createElement("tr");
    head.append(...["", ...[...this.curves.keys()]].map((text) => { const cell = document.createElement("th"); cell.textContent = text; return cell; }));
    table.replaceChildren(head, ...rows.map(([key, label]) => {
      const row = document.createElement("tr");
      row.insertCell().textContent = label;
      for (const { metrics } of this.curves.values()) row.insertCell().textContent = metrics[key] === null ? "–" : metrics[key].toLocaleString("en-US", { maximumFractionDigits: 2 });
      return row;
    }));
  }
}
