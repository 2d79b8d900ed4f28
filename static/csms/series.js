/* Draws one property of a stream with uPlot, and fills the table that holds the same data. */
(() => {
  "use strict";
  const figure = document.getElementById("series");
  if (!figure || !window.uPlot) return;
  const details = document.getElementById("series-data");
  let chart = null;
  let columns = null;
  let name = "";
  let span = [0, 0];

  const color = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
  const number = (value) => (value == null ? "–" : value.toLocaleString(undefined, { maximumSignificantDigits: 7 }));
  const moment = (time) => (time == null ? "–" : new Date(time * 1000).toLocaleString());

  // Days where there are several, else the time of the day.
  function clock(_, times) {
    const days = span[1] - span[0] > 2 * 86400;
    return times.map((time) => {
      const at = new Date(time * 1000);
      return days ? at.toLocaleDateString([], { month: "short", day: "numeric" }) : at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    });
  }

  function options(width) {
    const lines = { stroke: color("--sm-text"), grid: { stroke: color("--sm-line") }, ticks: { stroke: color("--sm-line") } };
    const has = columns[2].some((value) => value !== null);
    const series = (label, tone, extra) => ({
      label, stroke: color(tone), width: 2, spanGaps: false, points: { show: columns[0].length < 3 },
      value: (_, value) => number(value), ...extra,
    });
    return {
      width, height: width < 560 ? 260 : 340,
      padding: [null, 24, null, null],
      scales: { x: { range: () => span } },
      axes: [{ ...lines, space: 80, values: clock }, { ...lines, size: 64, values: (_, values) => values.map(number) }],
      series: [
        { label: "From", value: (_, value) => moment(value) },
        series(name, "--sm-curve-power", { fill: has ? undefined : color("--sm-curve-fill") }),
        series("Least", "--sm-curve-soc", { width: 1, dash: [2, 4] }),
        series("Most", "--sm-curve-energy", { width: 1, dash: [8, 4] }),
      ].slice(0, has ? 4 : 2),
    };
  }

  function draw() {
    if (chart) chart.destroy();
    chart = null;
    figure.hidden = details.hidden = !columns || !columns[0].length;
    if (!figure.hidden) {
      const made = options(figure.clientWidth);
      chart = new uPlot(made, columns.slice(0, made.series.length), figure);
    }
  }

  function fill() {
    if (!details.open || !columns) return;
    const rows = columns[0].map((time, index) => {
      const row = document.createElement("tr");
      [moment(time), ...columns.slice(1).map((values) => number(values[index]))].forEach((text, column) => {
        const cell = row.insertCell();
        cell.textContent = text;
        if (column) cell.className = "sm-number";
      });
      return row;
    });
    details.querySelector("tbody").replaceChildren(...rows);
  }

  async function load() {
    const answer = await fetch(figure.dataset.series);
    if (!answer.ok) return;
    const found = await answer.json();
    name = found.property;
    // The whole range that was chosen, however little of it there is.
    span = [found.start, found.end];
    columns = [found.time, found.value, found.least, found.most];
    draw();
    fill();
  }

  details.addEventListener("toggle", fill);
  new ResizeObserver(() => {
    if (chart && Math.abs(chart.width - figure.clientWidth) > 1) draw();
  }).observe(figure.parentElement);
  new MutationObserver(() => { if (chart) draw(); }).observe(document.documentElement, { attributeFilter: ["class", "data-theme"] });
  load();
})();
