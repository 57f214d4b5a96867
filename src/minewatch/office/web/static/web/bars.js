// Bar charts: each element with data-bars names the script element that holds labels and series.
(() => {
  const draw = (element) => {
    const { labels, series } = JSON.parse(document.getElementById(element.dataset.bars).textContent);
    const chart = echarts.init(element, document.documentElement.dataset.bsTheme === "dark" ? "dark" : null);
    chart.setOption({
      backgroundColor: "transparent", animation: false, legend: { top: 0 }, tooltip: { trigger: "axis" },
      grid: { left: 56, right: 16, top: 40, bottom: 40 },
      xAxis: { type: "category", data: labels, axisLabel: { hideOverlap: true } }, yAxis: { type: "value" },
      series: series.map(({ name, values }) => ({ name, type: "bar", data: values })),
    });
    new ResizeObserver(() => chart.resize()).observe(element);
    element.dataset.drawn = "yes";
  };
  const drawAll = (root) => root.querySelectorAll("[data-bars]:not([data-drawn])").forEach(draw);
  document.addEventListener("htmx:load", (event) => drawAll(event.target));
  document.addEventListener("DOMContentLoaded", () => drawAll(document));
})();
