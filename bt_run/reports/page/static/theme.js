// Light and dark: the colours of the style sheet, for the page and for its figures.
"use strict";
window.btrun = window.btrun || {};
{
  const root = document.documentElement;
  root.dataset.theme = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  btrun.color = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  btrun.onTheme = [];
  btrun.useTheme = (name) => {
    root.dataset.theme = name;
    for (const redraw of btrun.onTheme) redraw();
  };
  document.getElementById("theme").addEventListener("click", () => btrun.useTheme(root.dataset.theme === "dark" ? "light" : "dark"));
  // On paper ink is dark, whatever the screen had.
  let before = "light";
  window.addEventListener("beforeprint", () => { before = root.dataset.theme; btrun.useTheme("light"); });
  window.addEventListener("afterprint", () => btrun.useTheme(before));
  for (const cell of document.querySelectorAll("td[data-strength]")) {
    const strength = Number(cell.dataset.strength);
    if (strength) cell.style.background = `color-mix(in srgb, var(${strength > 0 ? "--gain" : "--loss"}) ${Math.min(70, Math.abs(strength) * 0.7)}%, transparent)`;
  }
}
