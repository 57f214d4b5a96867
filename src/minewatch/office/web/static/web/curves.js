// Load curves: each element with data-curve names the script element that holds its series. Loaded with the
// site page; curves come later, with their panel.
(() => {
  const HOUR = 3_600_000;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // days of the meter begin at midnight in China, whatever the browser's zone
  const startOf = (day) => Date.parse(`${day}T00:00:00+08:00`);
  const clock = (time) => new Date(time + 8 * HOUR).toISOString().slice(0, 16).replace("T", " ");

  const draw = (element) => {
    const { curves, block } = JSON.parse(document.getElementById(element.dataset.curve).textContent);
    const chart = echarts.init(element, document.documentElement.dataset.bsTheme === "dark" ? "dark" : null);
    const first = Math.min(...curves.map((curve) => startOf(curve.hourly.first_day)));
    const last = Math.max(...curves.map((curve) => startOf(curve.hourly.first_day) + curve.hourly.kw.length * HOUR));
    const onset = block.onset_at ? Date.parse(block.onset_at) : first;
    const end = block.ended_at ? Date.parse(block.ended_at) : last;
    const series = curves.map((curve) => ({
      name: curve.usage_point, type: "line", showSymbol: false, step: "end", sampling: "lttb", lineStyle: { width: 1.2 },
      data: curve.hourly.kw.map((kw, hour) => [startOf(curve.hourly.first_day) + hour * HOUR, kw]),
    }));
    if (block.power_kw !== null && block.power_kw !== undefined) {
      const [low, high] = [block.power_kw_low ?? block.power_kw, block.power_kw_high ?? block.power_kw];
      series[0].markArea = {
        itemStyle: { color: colour("--tblr-danger"), opacity: 0.16 }, label: { show: true, position: "insideTopLeft" },
        data: [[{ name: element.dataset.blockTitle, xAxis: onset, yAxis: low }, { xAxis: end, yAxis: high }]],
      };
      series[0].markLine = {
        symbol: "none", lineStyle: { color: colour("--tblr-danger") },
        data: [[{ coord: [onset, block.power_kw] }, { coord: [end, block.power_kw], label: { show: true, position: "insideEndTop", formatter: `${Math.round(block.power_kw)} kW` } }]],
      };
    }
    chart.setOption({
      backgroundColor: "transparent", animation: false, legend: { type: "scroll", top: 0, right: 8 },
      grid: { left: 56, right: 24, top: 40, bottom: 76 },
      tooltip: { trigger: "axis", valueFormatter: (kw) => kw === null || kw === undefined ? "–" : `${kw.toFixed(1)} kW`,
        axisPointer: { label: { formatter: ({ value }) => clock(value) } } },
      xAxis: { type: "time", axisLabel: { hideOverlap: true, formatter: (time) => clock(time).slice(5, 10) } }, yAxis: { type: "value", name: element.dataset.powerTitle },
      dataZoom: [{ type: "inside" }, { type: "slider", labelFormatter: (time) => clock(time).slice(5, 16) }], series,
    });
    // the buttons do by keyboard what the wheel does
    const span = (start, end) => chart.dispatchAction({ type: "dataZoom", start: Math.max(0, start), end: Math.min(100, end) });
    const share = (time) => (100 * (time - first)) / (last - first);
    const shown = () => { const { start, end } = chart.getOption().dataZoom[0]; return [start, end, end - start]; };
    const moves = {
      all: () => span(0, 100),
      onset: () => span(share(onset) - 5, share(onset) + 5),
      in: () => { const [start, end, width] = shown(); span(start + width / 4, end - width / 4); },
      out: () => { const [start, end, width] = shown(); span(start - width / 2, end + width / 2); },
      earlier: () => { const [start, , width] = shown(); const to = Math.max(0, start - width / 2); span(to, to + width); },
      later: () => { const [, end, width] = shown(); const to = Math.min(100, end + width / 2); span(to - width, to); },
    };
    element.closest("figure").querySelectorAll("[data-zoom]").forEach((button) => button.addEventListener("click", moves[button.dataset.zoom]));
    new ResizeObserver(() => chart.resize()).observe(element);
    element.dataset.drawn = "yes";
  };
  const drawAll = (root) => root.querySelectorAll("[data-curve]:not([data-drawn])").forEach(draw);
  document.addEventListener("htmx:load", (event) => drawAll(event.target));
  document.addEventListener("DOMContentLoaded", () => drawAll(document));
})();
