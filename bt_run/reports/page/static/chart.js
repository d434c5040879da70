// Charts of signals: the wheel zooms, and prices and panels fit what is in view.
"use strict";
{
  btrun.config.scrollZoom = true;
  const ms = (value) => typeof value === "number" ? value : Date.parse(value.replace(" ", "T") + (value.endsWith("Z") ? "" : "Z"));
  const fitted = (node) => {
    const [from, to] = node.layout.xaxis.range.map(ms), ends = {}, stacks = {};
    for (const trace of node._fullData) {
      const key = `yaxis${(trace.yaxis || "y").slice(1)}`;
      const lows = trace.type === "candlestick" ? trace.low : trace.y, highs = trace.type === "candlestick" ? trace.high : trace.y;
      const isBar = trace.type === "bar", end = ends[key] ||= isBar ? [0, 0] : [Infinity, -Infinity];
      const stack = stacks[key] ||= [{}, {}];
      for (let at = 0; at < trace.x.length; at++) {
        const when = ms(trace.x[at]);
        if (when < from || when > to) continue;
        let low = lows[at], high = highs[at];
        if (isBar) {  // bars of one sign stand on each other
          const side = stack[low < 0 ? 0 : 1];
          low = high = side[at] = (side[at] || 0) + (low || 0);
        }
        if (low < end[0]) end[0] = low;
        if (high > end[1]) end[1] = high;
      }
    }
    const change = {};
    for (const [key, [low, high]] of Object.entries(ends)) if (low <= high) {
      const room = (high - low) * 0.07 || Math.abs(high) * 0.01 || 1;
      change[`${key}.range`] = [low - room, high + room];
    }
    return change;
  };
  const react = Plotly.react;
  Plotly.react = async (id, ...rest) => {
    const node = await react(id, ...rest);
    if (!node.dataset.fits) {
      node.dataset.fits = "true";
      let busy = false;
      const fit = async () => {
        if (busy) return;
        busy = true;
        await Plotly.relayout(node, fitted(node));
        busy = false;
      };
      node.on("plotly_relayout", (change) => { if (Object.keys(change).some((key) => key.startsWith("xaxis"))) fit(); });
      await fit();
    }
    return node;
  };
  document.documentElement.dataset.ready = "true";
}
