"use strict";
(() => {
  const KEY = "minewatch-language";
  const switches = [...document.getElementsByName("language")];
  const stored = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const keep = (language) => { try { localStorage.setItem(KEY, language); } catch { /* private window */ } };
  const choose = (language) => {
    document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
    for (const item of switches) item.checked = item.value === language;
    for (const link of document.querySelectorAll("a[data-page]")) {
      link.setAttribute("href", link.getAttribute("href").split("?")[0] + "?lang=" + language);
    }
  };
  const asked = new URLSearchParams(location.search).get("lang");
  const preferred = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
  choose([asked, stored(), preferred].find((language) => language === "zh" || language === "en"));
  for (const item of switches) {
    item.addEventListener("change", () => { choose(item.value); keep(item.value); });
  }

  for (const plot of document.querySelectorAll(".plot[data-days]")) {
    const rows = document.querySelectorAll("#" + plot.dataset.days + " tbody tr");
    const first = Date.parse(plot.dataset.first);
    const count = Number(plot.dataset.count);
    const days = new Map([...rows].map((row) => [(Date.parse(row.cells[0].textContent) - first) / 864e5, row]));
    const svg = plot.querySelector("svg");
    const cursor = plot.querySelector(".cursor");
    const readout = plot.parentElement.querySelector(".readout");
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const day = Math.floor(count * Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.9999));
      const row = days.get(day);
      const place = 100 * (day + 0.5) / count + "%";
      cursor.setAttribute("x1", place);
      cursor.setAttribute("x2", place);
      cursor.setAttribute("visibility", "visible");
      readout.textContent = row ? [...row.cells].map((cell) => cell.textContent).join(" · ") + " kW" : "–";
    });
    svg.addEventListener("pointerleave", () => {
      cursor.setAttribute("visibility", "hidden");
      readout.textContent = "";
    });
  }

  addEventListener("beforeprint", () => {
    for (const item of document.querySelectorAll("section:not(#curve) details")) item.open = true;
  });
})();
