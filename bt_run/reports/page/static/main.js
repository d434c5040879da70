// The side index says where one is; a drawdown's row shows its range on the price chart.
"use strict";
{
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) if (isIntersecting) {
      for (const [id, link] of links) if (id === target.id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("main > section").forEach((section) => watcher.observe(section));
  const falls = document.getElementById("falls-table");
  const open = ({ target }) => {
    const row = target.closest("tr[data-from]");
    if (!row) return;
    document.getElementById("price").scrollIntoView();
    btrun.showRange(Number(row.dataset.from), Number(row.dataset.to));
  };
  if (falls) {
    falls.addEventListener("click", open);
    falls.addEventListener("keydown", (event) => { if (event.key === "Enter") open(event); });
  }
  if (location.hash === "#print") {
    btrun.useTheme("light");
    btrun.drawAll();
    if (btrun.result.price) btrun.drawPrice();
  }
  document.documentElement.dataset.ready = "true";
}
