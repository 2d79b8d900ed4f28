/* Draws the charging curve with uPlot, and fills the table that holds the same data. */
(() => {
  "use strict";
  const figure = document.getElementById("curve");
  if (!figure || !window.uPlot) return;
  const details = document.getElementById("curve-data");
  const scale = (values, divisor) => values.map((value) => (value === null ? null : value / divisor));
  const number = (value, digits, unit) => (value == null ? "–" : `${value.toFixed(digits)} ${unit}`);
  let chart = null;
  let columns = null;

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function axis(name, label, side, extra) {
    return {
      scale: name, label, side, stroke: color("--sm-text"), size: 46, labelSize: 18,
      grid: { stroke: color("--sm-line"), show: side === 3 }, ticks: { stroke: color("--sm-line") }, ...extra,
    };
  }

  // The day stands in the legend, beside the time that is pointed at.
  function clock(_, times) {
    const second = times.length > 1 && times[1] - times[0] < 60 ? "2-digit" : undefined;
    return times.map((time) => new Date(time * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second }));
  }

  function options(width) {
    const narrow = width < 560;
    const axes = [
      { stroke: color("--sm-text"), grid: { stroke: color("--sm-line") }, ticks: { stroke: color("--sm-line") }, values: clock, space: 80 },
      axis("kW", narrow ? undefined : "Power (kW)", 3, narrow ? { labelSize: 0, size: 40 } : {}),
      axis("kWh", narrow ? undefined : "Energy (kWh)", 1, narrow ? { labelSize: 0, size: 40 } : {}),
      axis("%", "Battery (%)", 1, { show: !narrow && columns[3].some((value) => value !== null) }),
    ];
    const series = (label, name, tone, digits, extra) => ({
      label, scale: name, stroke: color(tone), width: 2, spanGaps: true, points: { show: columns[0].length < 3 },
      value: (_, value) => number(value, digits, name), ...extra,
    });
    return {
      width, height: narrow ? 260 : 340, axes,
      scales: { kW: { range: (_, low, high) => [0, Math.max(high * 1.1, 1)] }, kWh: { range: (_, low, high) => [0, Math.max(high * 1.1, 1)] }, "%": { range: [0, 100] } },
      series: [
        { label: "Time", value: (_, value) => (value == null ? "–" : new Date(value * 1000).toLocaleString()) },
        series("Power", "kW", "--sm-curve-power", 1, { fill: color("--sm-curve-fill") }),
        series("Energy", "kWh", "--sm-curve-energy", 2, { dash: [8, 4] }),
        series("Battery", "%", "--sm-curve-soc", 0, { dash: [2, 4], show: columns[3].some((value) => value !== null) }),
      ],
    };
  }

  function draw() {
    if (chart) chart.destroy();
    chart = null;
    figure.hidden = !columns || !columns[0].length;
    details.hidden = figure.hidden;
    if (!figure.hidden) chart = new uPlot(options(figure.clientWidth), columns, figure);
  }

  function fill() {
    if (!details.open || !columns) return;
    const rows = columns[0].map((time, index) => {
      const row = document.createElement("tr");
      const cells = [
        new Date(time * 1000).toLocaleString(), number(columns[1][index], 1, "kW"),
        number(columns[2][index], 2, "kWh"), number(columns[3][index], 0, "%"),
      ];
      cells.forEach((text, column) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (column) cell.className = "sm-number";
      });
      return row;
    });
    details.querySelector("tbody").replaceChildren(...rows);
  }

  async function load() {
    const answer = await fetch(figure.dataset.curve);
    if (!answer.ok) return;
    const curve = await answer.json();
    const first = columns === null || !columns[0].length;
    columns = [curve.time, scale(curve.power_w, 1000), scale(curve.energy_wh, 1000), curve.soc_percent];
    if (first || !chart) draw(); else chart.setData(columns);
    fill();
  }

  details.addEventListener("toggle", fill);
  document.addEventListener("live:swapped", load);
  new ResizeObserver(() => {
    if (chart && Math.abs(chart.width - figure.clientWidth) > 1) draw();
  }).observe(figure);
  new MutationObserver(() => { if (chart) draw(); }).observe(document.documentElement, { attributeFilter: ["class", "data-theme"] });
  load();
})();
