// Colours of the chart, taken from the style sheet.

const root = document.documentElement;

export const color = (name) => getComputedStyle(root).getPropertyValue(name).trim();

export const CURVES = ["#58a6ff", "#ff9e64", "#3fc79a", "#e39ac1", "#e6b450", "#8fd3ff", "#d678a8", "#9aa4b2"];

export function chartOptions() {
  return {
    layout: { background: { type: "solid", color: color("--page") }, textColor: color("--ink"), fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { vertLines: { color: color("--line") }, horzLines: { color: color("--line") } },
    rightPriceScale: { borderColor: color("--line"), minimumWidth: 76 },
    timeScale: { borderColor: color("--line"), timeVisible: true, secondsVisible: false, rightOffset: 6 },
    crosshair: { mode: 0 },
    autoSize: true,
  };
}

export function candleOptions() {
  const up = color("--gain"), down = color("--loss");
  return { upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false };
}

export function useTheme(name) {
  root.dataset.theme = name;
}

export const theme = () => root.dataset.theme;

// The chart counts in seconds; the server in milliseconds.
export const seconds = (ms) => Math.floor(ms / 1000);
