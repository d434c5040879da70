// The last trades of the symbol on the chart, the newest first. The server sends them as a whole, so none is missed here.

const node = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en-US", { maximumSignificantDigits: 8 });

export class Trades {
  // `changed()` is told when the panel is opened or closed: closed, nothing is asked for.
  constructor({ changed }) {
    this.symbol = "";
    this.rows = [];
    node("trades").addEventListener("toggle", changed);
  }

  get wanted() {
    return node("trades").open ? this.symbol : "";
  }

  follow(symbol) {
    if (symbol !== this.symbol) this.draw([]);
    this.symbol = symbol;
  }

  hear({ symbol, trades, trouble }) {
    if (symbol === this.symbol) this.draw(trades, trouble);
  }

  // A trade: its number, time in ms, price, quantity, and whether the seller came to a waiting buyer.
  draw(rows, trouble = "") {
    this.rows = rows;
    node("trades-none").hidden = rows.length > 0;
    node("trades-none").textContent = trouble || "None yet.";
    node("trades-rows").replaceChildren(...rows.map(([id, time, price, quantity, isSale]) => {
      const row = document.createElement("tr");
      row.dataset.id = id;
      row.className = isSale ? "loss" : "gain";
      for (const text of [new Date(time).toISOString().slice(11, 19), `${isSale ? "▼" : "▲"} ${number(price)}`, number(quantity)]) row.insertCell().textContent = text;
      return row;
    }));
  }
}
