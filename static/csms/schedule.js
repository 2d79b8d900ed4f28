/* Draws composite schedules with uPlot: a step from one limit to the next. The page holds the same as tables. */
(() => {
  "use strict";
  if (!document.getElementById("places") || !window.uPlot) return;
  const figures = () => [...document.querySelectorAll("[data-schedule]")];
  const drawn = new Map(); // figure -> {text, chart}

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const moment = (time) => (time == null ? "–" : new Date(time * 1000).toLocaleString());
  function clock(_, times) {
    const style = { hour: "2-digit", minute: "2-digit", ...(times[1] - times[0] < 60 ? { second: "2-digit" } : {}) };
    return times.map((time) => new Date(time * 1000).toLocaleTimeString([], style));
  }

  const room = (_, texts) => Math.max(60, 24 + 8 * Math.max(...(texts ?? [""]).map((text) => text.length)));

  function options(width, unit) {
    const lines = { stroke: color("--sm-text"), grid: { stroke: color("--sm-line") }, ticks: { stroke: color("--sm-line") } };
    return {
      width, height: width < 560 ? 180 : 220,
      padding: [null, 36, null, null],
      scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.15, 1)] } },
      axes: [{ ...lines, space: 100, values: clock }, { ...lines, size: room, values: (_, values) => values.map((value) => `${value} ${unit}`) }],
      series: [
        { label: "From", value: (_, value) => moment(value) },
        {
          label: "Limit", stroke: color("--sm-curve-power"), fill: color("--sm-curve-fill"), width: 2, points: { show: false },
          paths: uPlot.paths.stepped({ align: 1 }), value: (_, value) => (value == null ? "–" : `${value} ${unit}`),
        },
      ],
    };
  }

  function draw(figure, anew) {
    const text = document.getElementById(figure.dataset.schedule).textContent;
    const before = drawn.get(figure);
    if (!anew && before && before.text === text) return;
    if (before && before.chart) before.chart.destroy();
    const points = JSON.parse(text);
    figure.hidden = !points.time.length;
    const chart = figure.hidden ? null : new uPlot(options(figure.clientWidth, points.unit), [points.time, points.limit], figure);
    drawn.set(figure, { text, chart });
  }

  function all(anew) {
    figures().forEach((figure) => {
      if (!drawn.has(figure)) widths.observe(figure);
      draw(figure, anew);
    });
  }

  document.addEventListener("live:swapped", () => all(false));
  const widths = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const chart = drawn.get(target) && drawn.get(target).chart;
    if (chart && Math.abs(chart.width - target.clientWidth) > 1) draw(target, true);
  }));
  new MutationObserver(() => all(true)).observe(document.documentElement, { attributeFilter: ["class", "data-theme"] });
  all(true);
})();
