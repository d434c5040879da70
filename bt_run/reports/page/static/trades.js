// The trades table: sorted, filtered, a page at a time; its rows are the trades of the JSON, which the chart marks.
"use strict";
{
  const table = document.getElementById("trade-table");
  if (table) {
    const PAGE = 50, all = btrun.trades, heads = [...table.querySelectorAll("thead button")], keys = heads.map((head) => head.dataset.key);
    const state = { key: "", up: true, page: 0, chosen: -1 };
    const find = document.getElementById("trade-filter"), kind = document.getElementById("trade-kind"), body = table.tBodies[0];
    const daily = all.every(({ trade }) => /T00:00:00Z$/.test(trade.entry_time) && /T00:00:00Z$/.test(trade.exit_time));
    const span = (seconds) => { const days = Math.floor(seconds / 86400), hours = Math.floor((seconds % 86400) / 3600), minutes = Math.floor((seconds % 3600) / 60); return days ? `${days}d${hours ? ` ${hours}h` : ""}` : hours ? `${hours}h${minutes ? ` ${minutes}m` : ""}` : `${minutes}m`; };
    const written = (key, value) => {
      if (value === null || value === undefined) return "–";
      if (key === "duration_s") return span(value);
      if (key.endsWith("_time")) return daily ? value.slice(0, 10) : value.replace("T", " ").replace(/(:00)?Z$/, "");
      if (typeof value !== "number") return String(value);
      if (key === "size") return value.toLocaleString("en-US", { maximumFractionDigits: 8 });
      if (key.endsWith("_price")) return value.toLocaleString("en-US", { maximumSignificantDigits: 8 });
      return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    };
    const wanted = ({ trade }) => {
      const which = kind.value, text = find.value.trim().toLowerCase();
      if (which === "won" && !(trade.pnl > 0)) return false;
      if (which === "lost" && !(trade.pnl < 0)) return false;
      if ((which === "long" || which === "short") && trade.side !== which) return false;
      return !text || text.split(/\s+/).every((word) => keys.some((key) => String(trade[key]).toLowerCase().includes(word)));
    };
    const rows = () => {
      const found = all.filter(wanted), { key, up } = state;
      if (key) found.sort((a, b) => { const x = a.trade[key], y = b.trade[key]; return (x < y ? -1 : x > y ? 1 : a.index - b.index) * (up ? 1 : -1); });
      return found;
    };
    const show = () => {
      const found = rows(), pages = Math.max(1, Math.ceil(found.length / PAGE));
      state.page = Math.min(Math.max(0, state.page), pages - 1);
      const visible = found.slice(state.page * PAGE, (state.page + 1) * PAGE);
      body.replaceChildren(...visible.map(({ trade, index }) => {
        const row = document.createElement("tr");
        row.tabIndex = 0;
        row.dataset.index = index;
        row.setAttribute("aria-selected", String(index === state.chosen));
        for (const key of keys) {
          const cell = row.insertCell(), mark = document.createElement("data");
          mark.value = trade[key];
          mark.dataset.path = `trades.${index}.${key}`;
          mark.textContent = written(key, trade[key]);
          if (key.startsWith("pnl")) mark.className = trade[key] > 0 ? "gain" : trade[key] < 0 ? "loss" : "";
          cell.append(mark);
        }
        return row;
      }));
      document.getElementById("trade-count").textContent = `${found.length.toLocaleString("en-US")} of ${all.length.toLocaleString("en-US")} trades`;
      document.getElementById("trade-page").textContent = `page ${state.page + 1} of ${pages}`;
      document.getElementById("trade-before").disabled = state.page === 0;
      document.getElementById("trade-after").disabled = state.page === pages - 1;
      document.getElementById("trade-pages").hidden = pages === 1;
    };
    const choose = (index) => { state.chosen = index; show(); document.getElementById("price").scrollIntoView(); btrun.showTrade(index); };
    btrun.showRow = (index) => {
      find.value = "";
      kind.value = "";
      state.chosen = index;
      state.page = Math.floor(rows().findIndex((row) => row.index === index) / PAGE);
      show();
      const row = body.querySelector(`tr[data-index="${index}"]`);
      row.scrollIntoView({ block: "center" });
      row.focus({ preventScroll: true });
    };
    const quoted = (value) => { const text = String(value ?? ""); return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text; };
    btrun.tradesCsv = () => [btrun.result.trade_columns, ...rows().map(({ trade }) => btrun.result.trade_columns.map((key) => trade[key]))].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
    heads.forEach((head) => head.addEventListener("click", () => {
      state.up = state.key === head.dataset.key ? !state.up : true;
      state.key = head.dataset.key;
      state.page = 0;
      heads.forEach((other) => other.parentElement.setAttribute("aria-sort", other === head ? (state.up ? "ascending" : "descending") : "none"));
      show();
    }));
    for (const control of [find, kind]) control.addEventListener("input", () => { state.page = 0; show(); });
    document.getElementById("trade-before").addEventListener("click", () => { state.page -= 1; show(); });
    document.getElementById("trade-after").addEventListener("click", () => { state.page += 1; show(); });
    const chosen = ({ target }) => { const row = target.closest("tr[data-index]"); if (row) choose(Number(row.dataset.index)); };
    body.addEventListener("click", chosen);
    body.addEventListener("keydown", (event) => { if (event.key === "Enter") chosen(event); });
    document.getElementById("trade-csv").addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([btrun.tradesCsv()], { type: "text/csv" }));
      link.download = "trades.csv";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    show();
  }
}
