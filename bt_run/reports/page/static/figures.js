// Draw the figures: colours by name become those of the theme; each is drawn when it comes into view.
"use strict";
{
  const named = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? btrun.color(value) : value;
    if (Array.isArray(value)) return value.map(named);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, named(item)]));
    return value;
  };
  const axis = () => ({ gridcolor: btrun.color("--grid"), linecolor: btrun.color("--line"), zerolinecolor: btrun.color("--line"), automargin: true });
  btrun.config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["lasso2d", "select2d"] };
  btrun.dressed = (layout) => {
    const found = { ...named(layout), paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: btrun.color("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      hoverlabel: { bgcolor: btrun.color("--card"), bordercolor: btrun.color("--line"), font: { color: btrun.color("--ink") } } };
    const axes = Object.keys(found).filter((key) => /^[xy]axis\d*$/.test(key));
    for (const key of new Set(["xaxis", "yaxis", ...axes])) found[key] = { ...axis(), ...found[key] };
    return found;
  };
  btrun.named = named;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  btrun.figures = figures;
  const isTime = (trace) => trace.x && trace.x.dtype === "f8" && trace.type === "scatter";
  const drawn = new Set();
  const draw = (id) => {
    const { data, layout } = figures[id];
    const own = { ...layout };
    if (id !== "paths-chart" && data.some(isTime)) own.xaxis = { type: "date", ...own.xaxis };
    drawn.add(id);
    return Plotly.react(id, named(data), btrun.dressed(own), btrun.config);
  };
  btrun.drawFigure = draw;
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { watcher.unobserve(entry.target); draw(entry.target.id); }
  }, { rootMargin: "600px" });
  for (const id of Object.keys(figures)) watcher.observe(document.getElementById(id));
  btrun.onTheme.push(() => drawn.forEach(draw));
  // A printer sees everything at once.
  btrun.drawAll = () => Promise.all(Object.keys(figures).filter((id) => !drawn.has(id)).map(draw));
  window.addEventListener("beforeprint", () => btrun.drawAll());
  const log = document.getElementById("equity-log");
  if (log) log.addEventListener("change", () => {
    figures["equity-chart"].layout.yaxis.type = log.checked ? "log" : "linear";
    draw("equity-chart");
  });
}
