// The order form: what is wanted, what would be sent for it, and a person's word before it is sent.

import { order, send } from "./server.js";

const node = (id) => document.getElementById(id);
const NEEDS = {  // kind: the prices it takes; those with a ? may be left out
  market: [], limit: ["price"], stop_loss: ["stop_price", "price?"], take_profit: ["stop_price", "price?"], oco: ["price", "stop_price", "stop_limit_price?"],
};
const TYPES = { LIMIT_MAKER: "limit, post-only", STOP_LOSS: "stop-loss", STOP_LOSS_LIMIT: "stop-loss limit", TAKE_PROFIT: "take-profit", TAKE_PROFIT_LIMIT: "take-profit limit" };

export class OrderForm {
  // `series()` says what the chart shows; `placed` gets the answer to an order; `tell` shows a problem.
  constructor({ series, placed, tell }) {
    Object.assign(this, { series, placed, tell, wish: null, key: "", busy: false });
    this.form = node("order-form");
    this.dialog = node("order-dialog");
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.check(); });
    this.form.addEventListener("change", () => this.show());
    node("order-send").addEventListener("click", () => this.send());
    node("order-leave").addEventListener("click", () => this.dialog.close());
    this.show();
  }

  get kind() { return this.form.elements.kind.value; }

  // The form shows the fields that the kind of order has.
  show() {
    const { kind } = this, fields = NEEDS[kind], { unit } = this.form.elements;
    for (const name of ["price", "stop_price", "stop_limit_price"]) {
      const has = fields.includes(name), may = fields.includes(`${name}?`), input = this.form.elements[name];
      input.closest("label").hidden = !(has || may);
      input.required = has;
      input.placeholder = may ? "at market" : "";
      input.disabled = !(has || may);
    }
    node("order-terms").hidden = kind !== "limit";
    this.form.elements.time_in_force.disabled = this.form.elements.post_only.checked;
    this.form.dataset.side = this.form.elements.side.value;
    node("order-check").textContent = `Check: ${this.form.elements.side.value === "BUY" ? "buy" : "sell"} ${this.series().symbol}`;
    this.form.elements.amount.setAttribute("aria-label", `Amount, ${unit.selectedOptions[0].textContent}`);
  }

  read() {
    const { side, kind, unit, amount, time_in_force, post_only } = this.form.elements;
    const wish = { symbol: this.series().symbol, side: side.value, kind: kind.value, [unit.value]: amount.value.trim() };
    for (const name of ["price", "stop_price", "stop_limit_price"]) {
      const { value, disabled } = this.form.elements[name];
      if (!disabled && value.trim()) wish[name] = value.trim();
    }
    if (kind.value === "limit" && post_only.checked) wish.post_only = true;
    else if (kind.value === "limit") wish.time_in_force = time_in_force.value;
    return wish;
  }

  async check() {
    this.tell("");
    try {
      const wish = this.read(), told = await send("POST", "/orders/check", wish);
      // One key for this look at the order: however often it is sent, it is one order.
      Object.assign(this, { wish, key: newKey(), busy: false });
      this.confirm(told);
    } catch (error) {
      this.tell(error.message);
    }
  }

  confirm({ ok, problems, orders, price, worth, fee, quote_asset: asset }) {
    const { symbol } = this.wish, rows = [];
    node("order-title").textContent = `${this.wish.side === "BUY" ? "Buy" : "Sell"} ${symbol}?`;
    for (const { type, quantity, quote_quantity, price: limit, stop_price, time_in_force } of orders) {
      const parts = [quantity ? `${quantity} ${base(symbol, asset)}` : `for ${quote_quantity} ${asset}`, limit ? `at ${limit}` : stop_price ? "" : "at market", stop_price ? `set off at ${stop_price}` : "", time_in_force ?? ""];
      rows.push([TYPES[type] ?? type.toLowerCase(), parts.filter(Boolean).join(", ")]);
    }
    if (worth) rows.push(["worth about", `${short(worth)} ${asset} at ${price}`], ["fee about", `${short(fee)} ${asset}`]);
    node("order-draft").replaceChildren(...rows.flatMap(([name, text]) => [cell("dt", name), cell("dd", text)]));
    node("order-problems").replaceChildren(...problems.map((problem) => cell("li", problem)));
    node("order-send").disabled = !ok;
    node("order-send").textContent = ok ? `${this.wish.side === "BUY" ? "Buy" : "Sell"} now` : "It cannot be sent";
    this.dialog.showModal();
    (ok ? node("order-send") : node("order-leave")).focus();
  }

  async send() {
    if (this.busy) return;
    this.busy = true;
    node("order-send").disabled = true;
    try {
      this.placed(await order(this.wish, this.key));
      this.dialog.close();
    } catch (error) {
      node("order-problems").replaceChildren(cell("li", error.message));
      // The same key again: what was sent is not sent twice.
      node("order-send").disabled = false;
    } finally {
      this.busy = false;
    }
  }
}

// Also where the page is not served from this machine and the browser has no randomUUID.
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

const base = (symbol, quote) => (symbol.endsWith(quote) ? symbol.slice(0, -quote.length) : symbol);
const short = (amount) => Number(amount).toLocaleString("en-US", { maximumSignificantDigits: 8 });

function cell(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}
