// The price chart: candles at the grain that fits the range in view, indicators, and the very trades of the table.
"use strict";
{
  const result = JSON.parse(document.getElementById("result").textContent);
  btrun.result = result;
  const FEW = 1200, MARKS = 800, KINDS = { f8: Float64Array, f4: Float32Array };
  const unpack = ({ dtype, bdata }) => {
    const text = atob(bdata), bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    return new KINDS[dtype](bytes.buffer);
  };
  const { price } = result;
  const node = document.getElementById("price-chart");
  const levels = price ? price.levels.map((level) => ({
    step: level.step, t: unpack(level.t), o: unpack(level.o), h: unpack(level.h), l: unpack(level.l), c: unpack(level.c), v: unpack(level.v),
    curves: Object.fromEntries(Object.entries(level.curves).map(([name, packed]) => [name, unpack(packed)])),
  })) : [];
  const place = (sorted, value) => { let low = 0, high = sorted.length; while (low < high) { const mid = (low + high) >> 1; if (sorted[mid] < value) low = mid + 1; else high = mid; } return low; };
  const slice = (level, from, to) => {
    const first = Math.max(0, place(level.t, from) - 1), last = Math.min(level.t.length, place(level.t, to) + 1);
    return [first, last];
  };
  // The finest level that has not too many bars in view.
  const levelFor = (from, to) => levels.find((level) => { const [first, last] = slice(level, from, to); return last - first <= FEW; }) || levels[levels.length - 1];
  const ms = (text) => (typeof text === "number" ? text : Date.parse(/[zZ]$|[+-]\d\d:\d\d$/.test(text) ? text : text.replace(" ", "T") + "Z"));
  const trades = (result.trades || []).map((trade, index) => ({ index, trade, enter: ms(trade.entry_time), leave: ms(trade.exit_time) }));
  const layoutFor = (range) => {
    const panels = price.panels.length ? 1 : 0;
    const heights = panels ? [[0.38, 1], [0.24, 0.35], [0, 0.21]] : [[0.24, 1], [0, 0.2]];
    const layout = { height: panels ? 620 : 500, margin: { l: 64, r: 24, t: 16, b: 36 }, dragmode: "pan", hovermode: "x", showlegend: true, uirevision: "price",
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
      xaxis: { type: "date", range: range.map((time) => new Date(time).toISOString()), rangeslider: { visible: false }, anchor: panels ? "y3" : "y2" },
      yaxis: { domain: heights[0], title: { text: "price" }, type: document.getElementById("price-log").checked ? "log" : "linear" }, yaxis2: { domain: heights[1], title: { text: "volume" } } };
    if (panels) layout.yaxis3 = { domain: heights[2] };
    return layout;
  };
  const marks = (from, to) => {
    let seen = trades.filter(({ enter, leave }) => leave >= from && enter <= to);
    const all = seen.length;
    if (all > MARKS) { const step = Math.ceil(all / MARKS); seen = seen.filter((_, at) => at % step === 0); }
    const point = (list, x, y, symbol, color, name, words) => ({ type: "scatter", mode: "markers", name, x: list.map(x), y: list.map(y), customdata: list.map(({ index }) => index), text: list.map(words),
      hovertemplate: "%{text}<extra></extra>", marker: { symbol, size: 10, color, line: { color: btrun.color("--page"), width: 1 } } });
    const joined = { x: [], y: [] };
    for (const { trade, enter, leave } of seen) { joined.x.push(enter, leave, null); joined.y.push(trade.entry_price, trade.exit_price, null); }
    const longs = seen.filter(({ trade }) => trade.side === "long"), shorts = seen.filter(({ trade }) => trade.side === "short");
    const signal = (list) => list.filter(({ trade }) => !/stop|take_profit/.test(trade.exit_reason)), stopped = (list) => list.filter(({ trade }) => /stop|take_profit/.test(trade.exit_reason));
    const entry = ({ trade, index }) => `#${index + 1} ${trade.side} entry ${trade.size} at ${trade.entry_price}`;
    const exit = ({ trade, index }) => `#${index + 1} exit at ${trade.exit_price}, ${trade.exit_reason}: ${trade.pnl_pct.toFixed(2)}%`;
    const traces = [{ type: "scatter", mode: "lines", x: joined.x, y: joined.y, line: { color: btrun.color("--muted"), width: 1, dash: "dot" }, hoverinfo: "skip", showlegend: false }];
    const at = { enter: ({ enter }) => enter, leave: ({ leave }) => leave, entry: ({ trade }) => trade.entry_price, exit: ({ trade }) => trade.exit_price };
    const add = (list, x, y, symbol, color, name, words) => { if (list.length) traces.push(point(list, x, y, symbol, btrun.color(color), name, words)); };
    add(longs, at.enter, at.entry, "triangle-up", "--long", "bought", entry);
    add(shorts, at.enter, at.entry, "triangle-down", "--short", "sold short", entry);
    add(signal(longs), at.leave, at.exit, "triangle-down", "--accent-2", "sold", exit);
    add(signal(shorts), at.leave, at.exit, "triangle-up", "--accent-2", "bought back", exit);
    add(stopped([...longs, ...shorts]), at.leave, at.exit, "x", "--loss", "stop or target", exit);
    return { traces, all, shown: seen.length };
  };
  const tracesFor = (level, from, to) => {
    const [first, last] = slice(level, from, to), cut = (array) => array.subarray(first, last), x = cut(level.t);
    const side = (name) => ({ line: { color: btrun.color(name), width: 1 }, fillcolor: btrun.color(name) });
    const traces = [{ type: "candlestick", name: "price", x, open: cut(level.o), high: cut(level.h), low: cut(level.l), close: cut(level.c), increasing: side("--gain"), decreasing: side("--loss"), showlegend: false, yaxis: "y" },
      { type: "bar", name: "volume", x, y: cut(level.v), marker: { color: btrun.color("--hold") }, showlegend: false, yaxis: "y2" }];
    const curve = (name, at, yaxis) => ({ type: "scatter", mode: "lines", name, x, y: cut(level.curves[name]), yaxis, line: { width: 1.2, color: btrun.color(`--accent-${(at % 8) + 1}`) } });
    price.overlays.forEach((name, at) => traces.push(curve(name, at, "y")));
    price.panels.forEach((name, at) => traces.push(curve(name, at + price.overlays.length, "y3")));
    return traces;
  };
  let view = levels.length ? [levels[0].t[0], levels[0].t[levels[0].t.length - 1]] : [0, 0], busy = false, started = false;
  const draw = async () => {
    busy = true;
    const [from, to] = view, room = (to - from) / 2, level = levelFor(from - room, to + room), found = marks(from, to);
    await Plotly.react(node, [...tracesFor(level, from - room, to + room), ...found.traces], btrun.dressed(layoutFor(view)), { ...btrun.config, scrollZoom: true });
    const thinned = found.shown < found.all ? `; ${found.shown} of ${found.all} trades marked, zoom in for all` : "";
    document.getElementById("price-grain").textContent = level.step > 1 ? `${level.step} bars a candle${thinned}` : `every bar${thinned}`;
    busy = false;
    if (started) return;
    started = true;
    node.on("plotly_relayout", (change) => {
      if (busy) return;
      const range = change["xaxis.range"] || (change["xaxis.range[0]"] && [change["xaxis.range[0]"], change["xaxis.range[1]"]]);
      if (change["xaxis.autorange"]) view = [levels[0].t[0], levels[0].t[levels[0].t.length - 1]]; else if (range) view = range.map(ms); else return;
      draw();
    });
    node.on("plotly_click", ({ points }) => { const mark = points.find(({ customdata }) => typeof customdata === "number"); if (mark) btrun.showRow(mark.customdata); });
  };
  btrun.showTrade = (index) => {
    const { enter, leave } = trades[index], bar = levels[0].t.length > 1 ? levels[0].t[1] - levels[0].t[0] : 1, room = Math.max((leave - enter) * 0.6, bar * 30);
    view = [enter - room, leave + room];
    return draw();
  };
  btrun.showRange = (from, to) => { view = [from, to]; return draw(); };
  btrun.drawPrice = draw;
  btrun.trades = trades;
  if (price) {
    const watcher = new IntersectionObserver(([entry]) => { if (entry.isIntersecting) { watcher.disconnect(); draw(); } }, { rootMargin: "600px" });
    watcher.observe(node);
    btrun.onTheme.push(() => { if (started) draw(); });
    window.addEventListener("beforeprint", () => { if (!started) draw(); });
    document.getElementById("price-log").addEventListener("change", draw);
    document.getElementById("price-tools").addEventListener("click", ({ target }) => {
      const days = target.dataset.days;
      if (days === undefined) return;
      const end = levels[0].t[levels[0].t.length - 1];
      view = days === "0" ? [levels[0].t[0], end] : [end - Number(days) * 86400000, end];
      draw();
    });
  }
}
