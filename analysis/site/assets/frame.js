// SPDX-License-Identifier: Apache-2.0
"use strict";
// What all charts share: axes, a keyboard by which one goes from place to place, and a line below that says what is there.
const chartFrame = (() => {
  const { element, figure } = kmapbench;
  const HEIGHT = 320;

  const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  // Of the page that is shown, light or dark.
  const shade = (colour) => variable(`--${colour.slice(1)}`) || colour;

  // On a logarithmic axis uPlot leaves out those that have no room.
  const number = (split) => (split === null ? "" : figure(split));

  // Options of uPlot; ticks: what the axis below has at a place; unit: of the axis at the left.
  const options = (width, unit, ticks, rest) => {
    const rule = () => shade("#d0d0d0");
    const axis = { stroke: () => shade("#222222"), grid: { stroke: rule, width: 1 }, ticks: { stroke: rule } };
    return {
      width,
      height: HEIGHT,
      padding: [8, 48, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false } },
      axes: [
        { ...axis, ...ticks },
        { ...axis, size: 74, label: unit, labelSize: 20, values: (_, splits) => splits.map(number) },
      ],
      ...rest,
    };
  };

  // A dotted line down the chart at a value of the axis below; inside a draw hook.
  const rule = (chart, value) => {
    const { ctx, bbox } = chart;
    const x = Math.round(chart.valToPos(value, "x", true));
    ctx.save();
    ctx.strokeStyle = shade("#595959");
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  };

  const swatch = (colour, border) => element("span", { class: "swatch", "data-colour": colour, "data-border": border });

  const paint = (figureOf) => {
    for (const one of figureOf.querySelectorAll(".swatch")) {
      one.style.borderTop = `4px ${one.dataset.border} ${shade(one.dataset.colour)}`;
    }
  };

  // The elements of a chart, and what starts it once they are in the page. title, said: what it is, in short and in full;
  // steps: from what to what the arrows move; count: of places, the one at `first` chosen at first; plot: makes it, of a
  // width, in an area; words: what is at a place; above, below: elements; above is given what the chart is, once it is.
  const framed = ({ title, said, steps, count, first, plot, words, above, below }) => {
    const area = element("div", {
      class: "chart", tabindex: "0", role: "group",
      "aria-label": `chart: ${title}; arrow keys move ${steps}, Home and End to the ends`,
    });
    const readout = element("p", { class: "readout", role: "status", "aria-live": "polite" });
    let chart = null;
    let at = first;
    const made = element("figure", {}, element("figcaption", {}, said), above(() => chart), area, readout, ...below);
    const width = () => Math.max(240, area.clientWidth);
    const tell = (place) => {
      at = place;
      readout.textContent = words(at);
    };
    const start = () => {
      chart = plot(width(), area);
      chart.over.addEventListener("mousemove", () => {
        if (chart.cursor.idx !== null && chart.cursor.idx !== undefined) tell(chart.cursor.idx);
      });
      new ResizeObserver(() => chart.setSize({ width: width(), height: HEIGHT })).observe(area);
      paint(made);
    };
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    area.addEventListener("keydown", (event) => {
      if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      tell(Math.min(count - 1, Math.max(0, at + moves[event.key])));
      chart.setCursor({ left: chart.valToPos(chart.data[0][at], "x"), top: HEIGHT / 3 });
    });
    area.addEventListener("focus", () => tell(at));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      chart.redraw(false);
      paint(made);
    });
    return { made, start };
  };

  // Puts charts into a place of the page.
  const show = (place, charts) => {
    place.replaceChildren(...charts.map((one) => one.made));
    for (const one of charts) one.start();
  };

  return { shade, options, rule, swatch, framed, show };
})();
